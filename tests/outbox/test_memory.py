"""What only the outbox in memory does: it counts bytes, and may forget the oldest."""

import pytest
from clocks import Clock
from marker_hook import raises
from records import APP, WEB, claim, ids, record, records

import tiktok_events as tt


def test_it_holds_so_many_bytes():
    """Claimed ones included."""
    outbox = tt.MemoryOutbox(max_bytes=100)
    outbox.put([record(0, data=b"x" * 60)])
    claims = claim(outbox)
    with raises(tt.OutboxFull, match="1 events, 60 bytes"):
        outbox.put([record(1, data=b"x" * 41)])
    outbox.dead_letter(claims, reason="x")
    outbox.put([record(1, data=b"x" * 100)])

    assert outbox.depth() == 1


def test_an_unknown_overflow_is_a_mistake():
    """It says which there are."""
    with raises(ValueError, match='"refuse" or "drop_oldest"'):
        tt.MemoryOutbox(overflow="drop_newest")


@pytest.mark.parametrize("bound", [{"max_events": 3}, {"max_bytes": 3 * len(record(0).data)}], ids=["events", "bytes"])
def test_the_oldest_make_room(bound):
    """They are counted and given to whoever wants to know; the rest is as it was."""
    told, clock = [], Clock()
    outbox = tt.MemoryOutbox(**bound, overflow="drop_oldest", on_dropped=told.append, clock=clock)
    for one in (record(0), record(1, APP), record(2)):
        outbox.put([one])
        clock.now += 1
    outbox.put([record(3), record(4)])

    assert outbox.dropped == 2
    assert told == [[record(0), record(1, APP)]]
    assert outbox.depth() == 3
    assert ids(claim(outbox)) == ["e2", "e3", "e4"]


def test_nobody_need_be_told():
    """The counter is there all the same."""
    outbox = tt.MemoryOutbox(max_events=1, overflow="drop_oldest")
    outbox.put([record(0)])
    outbox.put([record(1)])

    assert outbox.dropped == 1
    assert ids(claim(outbox)) == ["e1"]


def test_what_is_on_its_way_is_not_dropped():
    """Neither what is claimed nor what was given back makes room: `put` raises instead."""
    outbox = tt.MemoryOutbox(max_events=3, overflow="drop_oldest")
    outbox.put(records(3))
    first, second = claim(outbox, 2)
    outbox.nack([second], delay=0, reason="x")
    outbox.put([record(3)])
    assert outbox.dropped == 1
    assert ids(claim(outbox, 1)) == ["e1"]
    claim(outbox)
    with raises(tt.OutboxFull, match="being delivered"):
        outbox.put([record(4)])

    outbox.ack([first])
    outbox.put([record(4)])
    assert outbox.dropped == 1
    assert ids(claim(outbox)) == ["e4"]


@pytest.mark.parametrize("bound", [{"max_events": 2}, {"max_bytes": 100}], ids=["events", "bytes"])
def test_what_never_fits_drops_nothing(bound):
    """More than the outbox holds in all is refused, and what waits stays."""
    outbox = tt.MemoryOutbox(**bound, overflow="drop_oldest")
    outbox.put([record(0, data=b"x")])
    with raises(tt.OutboxFull):
        outbox.put([record(n, data=b"x" * 40) for n in range(1, 4)])

    assert outbox.dropped == 0
    assert ids(claim(outbox)) == ["e0"]


def test_routes_lose_their_oldest_by_age():
    """Not one route before the other."""
    clock = Clock()
    outbox = tt.MemoryOutbox(max_events=4, overflow="drop_oldest", clock=clock)
    for number, route in enumerate([WEB, APP, WEB, APP]):
        clock.now += 1
        outbox.put([record(number, route)])
    outbox.put([record(5), record(6), record(7)])

    assert ids(claim(outbox) + claim(outbox)) in (["e5", "e6", "e7", "e3"], ["e3", "e5", "e6", "e7"])
