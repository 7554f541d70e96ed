"""What a group of `put` calls writes together, and what is written when a process just ends."""

import contextlib
import gc
import subprocess
import sys

import pytest
from clocks import Clock
from marker_hook import raises
from records import becomes_true, claim, drain, record, records

import tiktok_events as tt


def test_a_group_is_written_soon(path, make):
    """By itself, with the time at which it was put; record_ids hold before and after."""
    wall = Clock(1_800_000_000.0)
    outbox, other = make(commit="group", wall_clock=wall), make(wall_clock=wall)
    record_ids = outbox.put([record(0)]) + outbox.put([record(1)])
    wall.now += 9
    assert set(outbox.undelivered(record_ids)) == set(record_ids)

    assert becomes_true(lambda: other.depth() == 2)
    assert other.age() in (9, 0)
    assert set(outbox.undelivered(record_ids)) == set(record_ids)
    other.ack(claim(other, 1))
    # The thread learns the ids a moment after the file has the records.
    assert becomes_true(lambda: set(outbox.undelivered(record_ids)) == {record_ids[1]})


def test_a_group_that_cannot_be_written_is_kept(path, make, hold):
    """`put` says so, `close` too; what was accepted is written when that is possible."""
    outbox = make(commit="group", busy_wait=0.02)
    outbox.put([record(0)])
    outbox.depth()
    with hold():
        record_ids = [*outbox.put([record(1)])]

        def accepts(number):
            try:
                record_ids.extend(outbox.put([record(number)]))
            except tt.OutboxUnavailable:
                return False
            return True

        assert becomes_true(lambda: not accepts(len(record_ids) + 1))
        with raises(tt.OutboxUnavailable, match="busy"):
            outbox.close()
        with raises(tt.OutboxUnavailable, match="busy"):
            claim(outbox)
        assert set(outbox.undelivered(record_ids)) == set(record_ids)
    accepted = len(record_ids)
    assert becomes_true(lambda: make().depth() == accepted + 1)
    assert becomes_true(lambda: accepts("last"))  # the thread forgets the failure a moment after the write
    outbox.close()

    assert drain(make()) == ["e0", *(f"e{n + 1}" for n in range(accepted)), "elast"]


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
