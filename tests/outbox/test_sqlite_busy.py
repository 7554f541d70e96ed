"""One file, written by many: how long each waits for the others, and how much there is to read and to keep."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from marker_hook import raises
from records import APP, FORKS_WITH_THREADS, WEB, becomes_true, claim, drain, ids, in_child, record, records

import tiktok_events as tt


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
    record_ids = outbox.put(records(2))
    outbox.dead_letter(claim(outbox, 1), reason="x")
    with hold():
        assert outbox.depth() == 1
        assert outbox.age() >= 0
        assert outbox.due_in([WEB]) == 0
        assert len(outbox.undelivered(record_ids)) == 1
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
