"""What only the outbox in a file does: processes of one machine, its clock, its reboots, and being busy."""

import contextlib
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from clocks import Clock
from marker_hook import raises
from records import APP, ROUTES, WEB, changed, drain, ids, in_child, record, records

import tiktok_events as tt

FORKS_WITH_THREADS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes and boots are known where there is a /proc")
CLAIM = """
import sys, tiktok_events as tt
outbox = tt.SQLiteOutbox(sys.argv[1], busy_wait=5)
outbox.put([tt.Record("web", "C0EXAMPLE0EXAMPLE000", None, "theirs", b"{}")])
claims = outbox.claim(1, lease=1e6, routes=[("web", "C0EXAMPLE0EXAMPLE000", None)])
outbox.close()
print(len(claims), flush=True)
if sys.argv[2:] != ["end"]:
    input()
"""


def claim(outbox, limit=10, lease=30.0, routes=ROUTES):
    """Claim with the defaults of these tests."""
    return outbox.claim(limit, lease=lease, routes=routes)


def becomes_true(what, seconds=10):
    """Whether it does, looked at often, within *seconds*."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


@pytest.fixture
def hold(path):
    """Begin to write into the file, and go on until told to stop."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as other:

        @contextlib.contextmanager
        def held():
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

        yield held


@LINUX
def test_what_a_killed_process_claimed_is_claimed_at_once(path, make):
    """Not while it lives; and that it is gone is counted."""
    outbox = make()
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "1\n"
        assert claim(outbox) == []
        assert outbox.due_in([WEB]) > 900_000
        process.kill()
        process.wait()

    assert outbox.due_in([WEB]) == 0
    (one,) = claim(outbox)
    assert (one.record.event_id, one.attempts, one.abandoned) == ("theirs", 0, 1)


@LINUX
def test_a_process_of_another_pid_namespace_is_not_judged(path, make):
    """Its lease just runs out: there the same pid is somebody else."""
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    inside = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", CLAIM, str(path), "end"]
    done = subprocess.run(inside, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("a pid namespace may not be made here")
    assert done.stdout == "1\n"

    assert claim(make()) == []
    (one,) = claim(make(clock=lambda: time.monotonic() + 1e6))
    assert one.abandoned == 1


@LINUX
def test_after_a_restart_of_the_machine_everything_is_due(path, make):
    """Its clock began anew, and whoever held a lease is gone."""
    clock = Clock(500_000.0)
    outbox = make(clock=clock)
    outbox.put(records(3))
    first, second, _ = claim(outbox)
    outbox.nack([second], delay=29, reason="x")
    outbox.ack([first])
    outbox.close()
    changed(path, "UPDATE state SET boot = 'an earlier one'")
    clock.now = 7.0

    outbox.put([record(3)])
    assert outbox.due_in([WEB]) == 0
    assert [(one.record.event_id, one.attempts, one.abandoned) for one in claim(outbox)] == [
        ("e1", 1, 0),
        ("e2", 0, 1),
        ("e3", 0, 0),
    ]
    outbox.close()
    assert claim(outbox) == []


@LINUX
def test_without_a_name_of_the_boot_the_clock_tells(path, make):
    """Where there is no /proc, a lease or delay that ends hours from now is one of an earlier boot."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root can take /proc away")
    code = (
        "import sys, tiktok_events as tt\n"
        "outbox = tt.SQLiteOutbox(sys.argv[1], busy_wait=5, clock=lambda: float(sys.argv[2]))\n"
        "route = ('web', 'C0EXAMPLE0EXAMPLE000', None)\n"
        "if sys.argv[3] == 'put': outbox.put([tt.Record(*route, f'e{n}', b'{}') for n in range(2)])\n"
        "claims = outbox.claim(9, lease=300, routes=[route])\n"
        "outbox.nack(claims[:1], delay=300, reason='x')\n"
        "print([(one.record.event_id, one.attempts, one.abandoned) for one in claims], outbox.due_in([route]))\n"
        "outbox.close()\n"
    )

    def run(now, *what):
        inside = f'umount -l /proc && "{sys.executable}" -W error -c "$CODE" {path} {now} {" ".join(what)}'
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", inside],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "CODE": code},
        )

    done = run(500_000, "put")
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("/proc may not be taken away here")

    assert (done.stdout, done.stderr) == ("[('e0', 0, 0), ('e1', 0, 0)] 300.0\n", "")
    assert run(500_010, "look").stdout == "[] 290.0\n"
    assert run(7, "look").stdout == "[('e0', 1, 0), ('e1', 0, 1)] 300.0\n"


def test_the_wall_clock_may_jump(path, make):
    """Leases and delays do not notice; the age is never negative."""
    wall, clock = Clock(1_800_000_000.0), Clock()
    outbox = make(clock=clock, wall_clock=wall)
    outbox.put(records(2))
    outbox.nack(claim(outbox, 1), delay=20, reason="x")
    claim(outbox)
    wall.now -= 86_400
    assert outbox.age() == 0
    assert outbox.due_in([WEB]) == 20

    wall.now += 2 * 86_400
    assert outbox.age() == 86_400
    assert outbox.due_in([WEB]) == 20
    assert claim(outbox) == []


def test_being_busy_is_bounded(path, make, hold):
    """`put` waits as long as it was told, then nothing was taken, and the next one goes through."""
    outbox = make(busy_wait=0.05)
    outbox.put([record(0)])
    for given in ([record(1)], [record(1), record(2)], [record(1, APP)]):
        with hold():
            begun = time.monotonic()
            with raises(tt.OutboxUnavailable, match=r"busy for 0\.05 s") as caught:
                outbox.put(given)
            took = time.monotonic() - begun
        assert 0.05 <= took < 2
        assert caught.value.retryable

    outbox.put([record(3)])
    assert drain(outbox) == ["e0", "e3"]


def test_threads_of_one_process_are_bounded_too(path, make, hold):
    """Each waits for the others no longer than for another process."""
    outbox = make(busy_wait=0.1)
    outbox.put([record(0)])
    seen = []

    def put(number):
        try:
            outbox.put([record(number)])
        except tt.OutboxUnavailable:
            seen.append(number)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(1, 6)]
    with hold():
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(seen) == [1, 2, 3, 4, 5]
    assert time.monotonic() - begun < 3
    assert drain(outbox) == ["e0"]


def test_reading_waits_for_nobody(path, make, hold):
    """Depth, age and the like answer while another process writes."""
    outbox = make()
    receipts = outbox.put(records(2))
    outbox.bury(claim(outbox, 1), reason="x")
    with hold():
        assert outbox.depth() == 1
        assert outbox.age() >= 0
        assert outbox.due_in([WEB]) == 0
        assert len(outbox.still(receipts)) == 1
        assert ids(outbox.dead()) == ["e0"]


def test_a_worker_waits_longer_than_a_request(path, make, hold):
    """Claiming outlasts a writer that keeps `put` from its turn."""
    outbox = make(busy_wait=0.01)
    outbox.put(records(1))
    got = []
    thread = threading.Thread(target=lambda: got.extend(claim(outbox)))
    with hold():
        thread.start()
        assert not becomes_true(lambda: got, seconds=0.2)
    thread.join()

    assert ids(got) == ["e0"]


@FORKS_WITH_THREADS
@pytest.mark.parametrize("turn", range(3))
def test_many_processes_make_the_file_at_once(path, turn):
    """One of them does; none takes it for another program's."""

    def work():
        with contextlib.closing(tt.SQLiteOutbox(path, busy_wait=30)) as outbox:
            while time.monotonic() < at:
                pass
            outbox.put([record(0)])
            return outbox.depth()

    at = time.monotonic() + 0.1
    with ThreadPoolExecutor(8) as pool:
        depths = list(pool.map(lambda _: in_child(work), range(8)))

    assert max(depths) == 8


def test_others_events_are_looked_at_once(path, make):
    """Many of a route that nobody here serves do not slow down the served one."""
    outbox = make()
    outbox.put(records(1))
    outbox.put([record(n, APP) for n in range(1, 20_000)])
    outbox.ack(claim(outbox, routes=[WEB]))
    steps = []
    outbox._work._connection.set_progress_handler(lambda: steps.append(1) and None, 1_000)
    assert outbox.due_in([WEB]) is None
    first = len(steps)
    for _ in range(5):
        assert outbox.due_in([WEB]) is None
        assert claim(outbox, routes=[WEB]) == []

    assert first > 10
    assert len(steps) < first + 10
    outbox.put([record("new")])
    assert ids(claim(outbox, routes=[WEB])) == ["enew"]


@pytest.mark.parametrize("delivered", [False, True], ids=["only put", "delivered too"])
def test_the_log_beside_the_file_stays_short(path, make, delivered):
    """Whether somebody delivers or not: events are brought into the file itself meanwhile."""
    outbox, log, largest = make(), path.with_name("outbox.db-wal"), 0
    for number in range(2_500):
        outbox.put([record(number, data=b"x" * 20_000)])
        if delivered and number % 50 == 49:
            outbox.ack(claim(outbox, 50))
        for thread in threading.enumerate():
            if thread.name == "tiktok-events outbox log":
                thread.join()  # a slow disk makes the log longer for a while, and this no test of the disk
        largest = max(largest, log.stat().st_size)

    assert largest < 48_000_000
    outbox.close()
    assert not log.exists()
    assert outbox.depth() == (0 if delivered else 2_500)


@LINUX
def test_a_child_inherits_no_file(path, make):
    """Closing it there would drop the parent's locks; both go on with connections of their own."""
    outbox = make()
    outbox.put([record(0)])
    outbox.depth()

    def look():
        opened = []
        for fd in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(OSError):  # the one that lists them
                opened.append(fd.readlink().name)
        outbox.put([record(1)])
        return [name for name in opened if name.startswith("outbox.db")]

    assert in_child(look) == []
    outbox.put([record(2)])
    assert drain(outbox) == ["e0", "e1", "e2"]


@FORKS_WITH_THREADS
def test_forks_while_threads_put(path, make):
    """No child hangs on what a thread of its parent was doing, and nothing is lost."""
    outbox = make()
    stop = threading.Event()
    accepted = []

    def put(name):
        number = 0
        while not stop.is_set():
            outbox.put([record(f"{name}-{number}")])
            accepted.append(f"e{name}-{number}")
            number += 1

    threads = [threading.Thread(target=put, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    children = []
    for child in range(8):
        children += in_child(lambda child=child: [len(outbox.put([record(f"c{child}")])), outbox.depth() > 0])
    stop.set()
    for thread in threads:
        thread.join()

    assert children == [1, True] * 8
    assert sorted(drain(outbox)) == sorted([*accepted, *(f"ec{child}" for child in range(8))])


@FORKS_WITH_THREADS
def test_threads_may_fork_at_once(path, make):
    """Each fork finds the outbox at rest, and all threads go on."""
    outbox = make(commit="group")

    def fork(number):
        outbox.put([record(number)])
        return in_child(lambda: len(outbox.put([record(f"c{number}")])) + (outbox.close() or 0))

    with ThreadPoolExecutor(4) as pool:
        put = list(pool.map(fork, range(12)))

    assert put == [1] * 12
    assert sorted(drain(outbox)) == sorted([f"e{n}" for n in range(12)] + [f"ec{n}" for n in range(12)])


@FORKS_WITH_THREADS
def test_a_fork_does_not_wait_for_ever(path, make, hold):
    """What is under way for longer goes on in the parent; the child leaves that connection alone."""
    outbox = make(busy_wait=30)
    outbox.put([record(0)])
    outbox.depth()
    thread = threading.Thread(target=lambda: outbox.put([record(1)]))
    with hold():
        thread.start()
        assert becomes_true(outbox._puts._lock.locked)
        begun = time.monotonic()
        seen = in_child(lambda: [outbox.depth(), outbox._puts._connection is None])
        took = time.monotonic() - begun
    thread.join()

    assert seen == [1, True]
    assert took < 10
    assert in_child(lambda: len(outbox.put([record(2)]))) == 1
    assert sorted(drain(outbox)) == ["e0", "e1", "e2"]


def test_a_group_is_written_soon(path, make):
    """By itself, with the time at which it was put; receipts hold before and after."""
    wall = Clock(1_800_000_000.0)
    outbox, other = make(commit="group", wall_clock=wall), make(wall_clock=wall)
    receipts = outbox.put([record(0)]) + outbox.put([record(1)])
    wall.now += 9
    assert set(outbox.still(receipts)) == set(receipts)

    assert becomes_true(lambda: other.depth() == 2)
    assert other.age() in (9, 0)
    assert set(outbox.still(receipts)) == set(receipts)
    other.ack(claim(other, 1))
    assert set(outbox.still(receipts)) == {receipts[1]}


def test_a_group_that_cannot_be_written_is_kept(path, make, hold):
    """`put` says so, `close` too; what was accepted is written when that is possible."""
    outbox = make(commit="group", busy_wait=0.02)
    outbox.put([record(0)])
    outbox.depth()
    with hold():
        receipts = outbox.put([record(1)])

        def refuses():
            try:
                receipts.extend(outbox.put([record(len(receipts) + 1)]))
            except tt.OutboxUnavailable:
                return True
            return False

        assert becomes_true(refuses)
        with raises(tt.OutboxUnavailable, match="busy"):
            outbox.close()
        with raises(tt.OutboxUnavailable, match="busy"):
            claim(outbox)
        assert set(outbox.still(receipts)) == set(receipts)
    assert becomes_true(lambda: make().depth() == len(receipts) + 1)
    outbox.put([record("last")])
    outbox.close()

    assert drain(make()) == ["e0", *(f"e{n + 1}" for n in range(len(receipts))), "elast"]


def test_a_group_holds_so_many_events(path, make):
    """As with every outbox, though it counts those of other processes late."""
    outbox = make(commit="group", max_events=100)
    with raises(tt.OutboxFull, match="100 events"):
        for number in range(200):
            outbox.put([record(number)])

    assert outbox.depth() == 100
    outbox.ack(claim(outbox, 60))
    outbox.put(records(60))
    with raises(tt.OutboxFull):
        outbox.put(records(60))


def test_a_group_keeps_pace_with_its_callers(path, make):
    """Memory does not fill up with what is not written yet."""
    outbox = make(commit="group")
    most = 0
    for turn in range(300):
        outbox.put([record(f"{turn}-{n}") for n in range(100)])
        most = max(most, len(outbox._group._records))
    outbox.close()

    assert most <= 10_100
    assert make().depth() == 30_000


def test_an_outbox_that_nobody_has_any_more_is_closed(path):
    """What a group accepted is written then."""
    outbox = tt.SQLiteOutbox(path, commit="group", busy_wait=5)
    outbox.put(records(3))
    del outbox
    gc.collect()

    with contextlib.closing(tt.SQLiteOutbox(path)) as other:
        assert drain(other) == ["e0", "e1", "e2"]
    assert [one.name for one in path.parent.iterdir()] == ["outbox.db"]


@pytest.mark.parametrize("commit", ["each", "group"])
def test_a_script_that_just_ends_loses_nothing(path, make, commit):
    """Without a close, and without a word."""
    code = (
        "import sys, tiktok_events as tt\n"
        f"outbox = tt.SQLiteOutbox(sys.argv[1], commit={commit!r}, busy_wait=5)\n"
        "for n in range(50): outbox.put([tt.Record('web', 'C0EXAMPLE0EXAMPLE000', None, f'e{n}', b'{}')])\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(path)], capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert drain(make()) == [f"e{n}" for n in range(50)]
