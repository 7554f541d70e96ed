"""`kill -9` at random points: of web processes, of workers, of Redis itself."""

import os
import signal
import time

import pytest
from clocks import until
from stage import LEASE, LONGEST_WAIT, ended

SLOW = {"delay": 0.1, "times": 10_000}
PER_PROCESS = 200
DAY = 86_400


def kill(process):
    """As the kernel does it when memory runs out."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def kill_all(stage, dice, number, together, start, has_begun):
    """Keep *together* processes at work and kill one of them at a random point, until *number* were killed."""
    at_work, started = [], 0
    while at_work or started < number:
        while len(at_work) < together and started < number:
            at_work.append((started, start(started)))
            started += 1
        turn, victim = at_work.pop(dice.randrange(len(at_work)))
        until(lambda turn=turn: has_begun(turn))
        time.sleep(dice.uniform(0, 0.5))
        kill(victim)


def kill_web(stage, dice, number):
    """Kill processes that track and deliver."""
    kill_all(
        stage,
        dice,
        number,
        3,
        lambda turn: stage.script("steady", f"w{turn}", "deliver", PER_PROCESS, 0.1),
        lambda turn: f"w{turn}-0" in stage.written.ids("kept"),
    )


@pytest.mark.outboxes("sqlite", "redis")
def test_kill_web(stage, dice, kills):
    """What the outbox had is delivered by those who come after, leases of the dead included."""
    stage.answers(SLOW)
    kill_web(stage, dice, kills)
    stage.as_usual()
    stage.drain()

    row = stage.settle("kill -9, web", may_lose_memory=True)
    assert row.accepted
    assert row.dead == 0  # no event is to blame
    assert stage.kind == "redis" or row.in_memory <= 0.1 * row.accepted


@pytest.mark.outboxes("sqlite", "redis")
def test_kill_repeats(stage, dice, kills):
    """A key is counted once: by whatever process, killed at whatever point, and after days in which TikTok forgets it."""
    orders, offset = 300, stage.folder / "offset"
    offset.write_text("0", "ascii")
    stage.environment["TORTURE_OFFSET"] = str(offset)
    sent = []
    for days in (0, 3, 27):
        offset.write_text(str(days * DAY), "ascii")
        stage.set_clock(days * DAY)

        def start(turn, days=days):
            return stage.script("repeats", orders, f"{days}-{turn}")

        kill_all(
            stage, dice, kills // 4, 3, start, lambda turn, days=days: f"{days}-{turn}" in stage.written.ids("begun")
        )
        assert ended(start("last"), timeout=120)[0] == 0
        stage.drain()
        sent.append(stage.received())

    row = stage.settle("kill -9, repeats")
    assert row.counted == orders
    assert sent == [sent[0]] * 3  # days later, nothing is sent at all


@pytest.mark.outboxes("memory")
def test_kill_memory(stage, dice):
    """Memory is gone with its process: that is what the other outboxes are for."""
    stage.answers(SLOW)
    kill_web(stage, dice, 5)

    assert stage.settle("kill -9, memory", may_lose_memory=True).in_memory


@pytest.mark.outboxes("sqlite", "redis")
def test_kill_worker(stage, dice, kills):
    """A dead worker's batch is delivered by the next one, at once on the same machine."""
    stage.answers(SLOW)
    received_at = {}

    def start(turn):
        received_at[turn] = stage.received()
        return stage.worker("--lease", LEASE, "--max-wait", LONGEST_WAIT)

    put = stage.script("steady", "e", "put", 50_000, 0.5)
    kill_all(stage, dice, kills, 2, start, lambda turn: stage.received() > received_at[turn])
    stage.stop_tracking()
    assert ended(put)[0] == 0
    stage.as_usual()
    stage.drain()

    row = stage.settle("kill -9, worker")
    assert (row.in_memory, row.dead) == (0, 0)
    assert row.counted > kills


@pytest.mark.outboxes("redis")
def test_kill_redis(server, stage, dice, kills):
    """While Redis is away, events wait in the memory of who tracked them; what it had confirmed is there afterwards."""
    stage.answers({"delay": 0.02, "times": 10_000})
    web = [stage.script("steady", f"w{n}", what, 5_000, 0.1) for n, what in enumerate(("deliver", "put"))]
    worker = stage.worker("--lease", LEASE, "--max-wait", LONGEST_WAIT)
    until(stage.received)
    for _ in range(kills // 5):
        time.sleep(dice.uniform(0, 1))
        server.kill()
        time.sleep(dice.uniform(0, 1))
        server.start()
    stage.stop_tracking()
    assert [ended(one)[0] for one in web] == [0, 0]
    os.kill(worker.pid, signal.SIGTERM)
    assert ended(worker)[0] == 0
    stage.drain()

    row = stage.settle("kill -9, redis")
    assert row.counted == row.accepted == len(stage.written.ids("tracked"))
