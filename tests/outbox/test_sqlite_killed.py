"""Many processes put into one file and claim from it at once, and are killed at any moment."""

import os
import random
import signal
import time
import traceback
from collections import Counter

import pytest
from records import ROUTES, drain, ids, record

import tiktok_events as tt

pytestmark = [pytest.mark.programs, pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")]


class Child:
    """A forked process that does *work* and tells of it, line by line, until it ends or is killed."""

    def __init__(self, work):
        self._reader, writer = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                work(lambda *words: os.write(writer, (" ".join(words) + "\n").encode()))
            except BaseException:  # noqa: BLE001 - the child must not go on as a second pytest
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(writer)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def told(self):
        """What it told, once it is gone. A line is written whole or not at all: it is short."""
        with os.fdopen(self._reader) as pipe:
            lines = [line.split() for line in pipe]
        self.status = os.waitpid(self.pid, 0)[1]
        assert self.status in (0, signal.SIGKILL), "it stumbled"
        return lines


def putting(path, name, settings, size=1):
    """Put events for ever, and tell which were accepted."""

    def work(tell):
        outbox = tt.SQLiteOutbox(path, busy_wait=30, **settings)
        number = 0
        while True:
            batch = [record(f"{name}-{number + n}", data=b"x" * 900) for n in range(size)]
            outbox.put(batch)
            tell(f"e{name}", str(number), str(size))
            number += size

    return work


def accepted_by(children):
    """The ids of what they told to be accepted."""
    lines = [line for child in children for line in child.told()]
    return [f"{name}-{int(first) + n}" for name, first, size in lines for n in range(int(size))]


def delivering(path):
    """Claim and acknowledge for ever; tell before and after."""

    def work(tell):
        outbox = tt.SQLiteOutbox(path, busy_wait=30)
        while True:
            claims = outbox.claim(40, lease=600, routes=ROUTES)
            if claims:
                tell("claimed", *ids(claims))
                outbox.ack(claims)
                tell("acked", *ids(claims))

    return work


@pytest.mark.parametrize("seed", range(3))
def test_nothing_accepted_is_lost_whoever_is_killed(path, seed):
    """Each event is acknowledged by somebody, or still there; none is acknowledged twice."""
    dice = random.Random(seed)
    settings = {"synchronous": dice.choice(["NORMAL", "FULL"])}
    putters, workers = [], []
    for turn in range(4):
        putters += [Child(putting(path, f"{turn}{n}", settings, size)) for n, size in enumerate((1, 1, 7))]
        workers += [Child(delivering(path)) for _ in range(2)]
        for child in dice.sample(putters[-3:] + workers[-2:], 5):
            time.sleep(dice.random() * 0.12)
            child.kill()
    accepted = accepted_by(putters)
    said = [line for child in workers for line in child.told()]
    outbox = tt.SQLiteOutbox(path, busy_wait=30)
    left, depth = drain(outbox), outbox.depth()
    outbox.close()

    acked = Counter(one for word, *those in said if word == "acked" for one in those)
    claimed = {one for word, *those in said if word == "claimed" for one in those}
    assert len(accepted) > 20
    assert set(accepted) <= claimed | set(left)
    assert not {one for one, times in acked.items() if times > 1}
    assert not set(left) & set(acked)
    assert len(left) == len(set(left))
    # Whoever is killed between the acknowledgement and the word on it leaves at most its last batch unheard.
    assert len(set(accepted) - set(acked) - set(left)) <= 40 * len(workers)
    assert depth == 0


def test_a_put_is_there_whole_or_not_at_all(path):
    """Killed in the middle of a large one."""
    size, whole = 3_000, set()
    for turn in range(5):
        child = Child(putting(path, turn, {}, size))
        time.sleep(0.05 + turn * 0.03)
        child.kill()
        whole.update(accepted_by([child]))
    outbox = tt.SQLiteOutbox(path, busy_wait=30)
    found = drain(outbox)
    outbox.close()

    assert whole <= set(found)
    assert len(found) == len(set(found))
    assert len(found) % size == 0


def test_what_a_killed_group_had_not_written_is_at_most_50_ms_old(path):
    """What was put before that is there."""

    def work(tell):
        outbox = tt.SQLiteOutbox(path, commit="group", busy_wait=30)
        number = 0
        while True:
            outbox.put([record(number)])
            tell(f"e{number}", str(time.monotonic()))
            number += 1
            time.sleep(0.001)

    child = Child(work)
    time.sleep(0.5)
    child.kill()
    killed = time.monotonic()
    told = child.told()
    outbox = tt.SQLiteOutbox(path, busy_wait=30)
    found = set(drain(outbox))
    outbox.close()

    assert len(found) > 5
    # The machine may be slow to wake the thread that writes: allow it ten times as long.
    assert {event_id for event_id, at in told if float(at) < killed - 0.5} <= found


def test_eight_processes_put_and_claim_in_turn(path):
    """Each event is claimed by exactly one while nobody is killed."""

    def work(tell):
        outbox = tt.SQLiteOutbox(path, busy_wait=30)
        name = os.getpid()
        for turn in range(20):
            outbox.put([record(f"{name}-{turn}-{n}") for n in range(5)])
            claims = outbox.claim(6, lease=600, routes=ROUTES)
            if claims:
                tell(*ids(claims))
                outbox.ack(claims)
        outbox.close()

    children = [Child(work) for _ in range(8)]
    seen = Counter(one for child in children for line in child.told() for one in line)
    outbox = tt.SQLiteOutbox(path, busy_wait=30)
    seen.update(drain(outbox))
    outbox.close()

    assert set(seen) == {f"e{child.pid}-{turn}-{n}" for child in children for turn in range(20) for n in range(5)}
    assert set(seen.values()) == {1}
