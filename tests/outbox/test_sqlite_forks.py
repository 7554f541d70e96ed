"""A process that has the file open forks, whatever its threads do meanwhile."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from records import FORKS_WITH_THREADS, LINUX, becomes_true, drain, in_child, record


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
