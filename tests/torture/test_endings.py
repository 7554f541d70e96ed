"""How a process ends or forks, with events still queued."""

import os
import signal

import pytest
import servers
from clocks import until
from stage import ended

SLOW = {"delay": 0.05, "times": 10_000}


def test_plain_exit(stage):
    """A script that just ends loses nothing."""
    stage.answers(SLOW)

    assert ended(stage.script("ends", 275)) == (0, "")
    row = stage.settle("plain exit")
    assert (row.accepted, row.counted, row.doubles) == (275, 275, 0)


@pytest.mark.parametrize(("when", "expected"), [("before", 120), ("after", 150)])
def test_fork(stage, when, expected):
    """Parent and child both deliver their own, and what was queued before goes out once."""
    stage.answers(SLOW)

    assert ended(stage.script("forks", when)) == (0, "")
    row = stage.settle(f"fork {when} the first event")
    assert (row.accepted, row.counted, row.doubles) == (expected, expected, 0)


@pytest.mark.parametrize(
    "how", [("multiprocessing", "fork"), ("multiprocessing", "spawn"), ("billiard", "fork")], ids="-".join
)
def test_children(stage, how):
    """Children that end without atexit deliver."""
    stage.answers(SLOW)

    assert ended(stage.script("children", *how)) == (0, "")
    row = stage.settle("billiard" if how[0] == "billiard" else ", ".join(how))
    assert (row.accepted, row.counted, row.doubles) == (60, 60, 0)


def test_endpoint_down_at_exit(stage):
    """The exit says what is left and what to start; what an outbox has is there for the next process."""
    closed = f"http://127.0.0.1:{servers.closed_port()}/open_api/v1.3"
    code, told = ended(stage.script("ends", 275, TIKTOK_API_URL=closed), timeout=30)
    assert code == 0
    assert "275 events were not delivered: nothing listens at" in told

    stage.drain()
    row = stage.settle("endpoint down at exit", may_lose_memory=True)
    assert (row.accepted, row.counted, row.in_memory) == ((275, 275, 0) if stage.is_durable else (0, 0, 275))


@pytest.mark.outboxes("sqlite", "redis")
def test_sigterm_worker(stage):
    """A worker that is told to end finishes what is under way, within its bound, and leaves the rest to the next."""
    stage.answers({"delay": 0.5, "times": 10_000})
    assert ended(stage.script("puts", 8_000))[0] == 0
    worker = stage.worker("--in-flight", 2, "--drain", 0.1)
    until(stage.received)
    os.kill(worker.pid, signal.SIGTERM)

    assert ended(worker, timeout=20)[0] == 0
    delivered = stage.received()
    assert delivered + stage.outbox().depth() == 8_000
    stage.as_usual()
    stage.drain()
    row = stage.settle("SIGTERM, worker")
    assert 0 < delivered < row.counted == 8_000
    assert row.doubles == 0
