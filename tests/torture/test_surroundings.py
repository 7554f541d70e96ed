"""What a machine, an account or a single event does to all the others."""

import os
import signal
import subprocess
import time

import pytest
from clocks import until
from gate import failing_at
from stage import ended, told


def missing(what):
    """Skip, but not where a skip would pass for a proof."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.mark.outboxes("sqlite", "redis")
def test_rejected_token(stage):
    """The queue stops and says so once; with a new token it goes on, and nothing is gone."""
    code, said = ended(stage.script("ends", 300, TIKTOK_ACCESS_TOKEN="revoked"))
    assert code == 0
    assert said.count("nothing is delivered until the token or the settings are fixed") == 1

    stage.drain()
    row = stage.settle("rejected token")
    assert (row.accepted, row.counted, row.doubles, row.dead) == (300, 300, 0, 0)


@pytest.mark.outboxes("sqlite", "redis")
def test_poison(stage):
    """An event that makes the server fail is found and buried; what came with it and after it is delivered."""
    stage.through(then=failing_at("poison"))
    put = stage.script("steady", "later", "put", 10_000, 0.2)
    assert ended(stage.script("puts", 300, "poison"))[0] == 0
    worker = stage.worker("--max-wait", 0.2)
    until(lambda: [one.record.event_id for one in stage.outbox().dead()] == ["poison"], 60)
    stage.stop_tracking()
    assert ended(put)[0] == 0
    os.kill(worker.pid, signal.SIGTERM)
    assert ended(worker)[0] == 0

    (letter,) = stage.outbox().dead()
    assert "while other events were delivered" in letter.reason
    stage.drain()
    row = stage.settle("poison")
    assert (row.dead, row.doubles, row.counted) == (1, 0, row.accepted - 1)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 16 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "none", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        missing(f"no small file system can be mounted: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.outboxes("sqlite")
def test_disk_full(small_disk, stage):
    """Events wait in memory while there is no room, the log says why, and they are kept as soon as there is."""
    stage.use(f"sqlite:///{small_disk / 'outbox.db'}")
    assert ended(stage.script("puts", 100))[0] == 0
    ballast = small_disk / "ballast"
    with ballast.open("wb") as out:
        out.write(bytes(_free(small_disk) - 200_000))
    process = stage.script("flushes", 10_000, 60)
    until(lambda: len(stage.written.ids("tracked")) == 10_100)
    time.sleep(0.5)
    assert len(stage.written.ids("kept")) < 10_100
    ballast.unlink()
    counts = told(process)

    assert (counts["left"], counts["dropped"]) == (0, 0)
    row = stage.settle("disk full")
    assert (row.accepted, row.counted, row.doubles) == (10_100, 10_100, 0)


def _free(folder):
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def test_clock_jumps(stage, tmp_path):
    """What waits for its next try neither comes hours late nor is held back, whichever way the clock goes."""
    offset = tmp_path / "offset"
    offset.write_text("0")
    stage.answers({"status": 429, "times": 2})
    process = stage.script("steady", "e", "deliver", 10_000, 0.5, TORTURE_OFFSET=str(offset))
    for hours in (3, -3, 0):
        received = stage.received()
        until(lambda before=received: stage.received() > before)
        stage.answers({"status": 429})
        offset.write_text(str(hours * 3600))
    stage.stop_tracking()

    assert ended(process)[0] == 0
    row = stage.settle("clock jumps")
    assert row.counted == row.accepted > 0
    assert row.doubles == 0
