"""The outbox in memory: what every outbox promises, and its bounds."""

import threading

import markers
import pytest
from marker_hook import raises

import tiktok_events as tt

WEB = ("web", "C0EXAMPLE0EXAMPLE000", None)
TEST = ("web", "C0EXAMPLE0EXAMPLE000", "TEST1")
APP = ("app", "7001", None)
DATA = b'{"user":{"email":"%s"}}' % min(markers.DIGESTS).encode()


def record(number, route=WEB, data=DATA):
    """One record."""
    return tt.Record(*route, f"e{number}", data)


def ids(claims):
    """Whose they are."""
    return [claim.record.event_id for claim in claims]


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """The outbox's clock."""
    return Clock()


@pytest.fixture
def outbox(clock):
    """An empty outbox."""
    return tt.MemoryOutbox(clock=clock)


def claim(outbox, limit=10, lease=30.0, routes=(WEB, TEST, APP)):
    """Claim with the defaults of these tests."""
    return outbox.claim(limit, lease=lease, routes=routes)


def test_first_in_first_out(outbox):
    """In batches of at most the limit, each record to one claimer."""
    outbox.put([record(n) for n in range(5)])

    assert ids(claim(outbox, 3)) == ["e0", "e1", "e2"]
    assert ids(claim(outbox, 3)) == ["e3", "e4"]
    assert claim(outbox, 3) == []
    assert outbox.depth() == 5


def test_acknowledged_is_forgotten(outbox):
    """And not counted any more."""
    outbox.put([record(0), record(1)])
    outbox.ack(claim(outbox, 1))

    assert outbox.depth() == 1
    assert ids(claim(outbox)) == ["e1"]


def test_given_back_is_claimed_again_after_the_delay(outbox, clock):
    """Not before; ahead of younger ones; and the tries are counted."""
    outbox.put([record(0)])
    outbox.nack(claim(outbox), delay=5, reason="x")
    outbox.put([record(1)])
    assert ids(claim(outbox, 1)) == ["e1"]
    assert outbox.due_in({WEB}) == 5

    clock.now += 5
    assert outbox.due_in({WEB}) == 0
    (again,) = claim(outbox)
    assert (again.record.event_id, again.attempts) == ("e0", 1)


def test_a_lease_that_ran_out_is_claimed_again(outbox, clock):
    """Whoever had it may have died."""
    outbox.put([record(0), record(1)])
    claim(outbox, lease=30)
    assert outbox.due_in({WEB}) == 30
    clock.now += 29.9
    assert claim(outbox) == []

    clock.now += 0.1
    assert ids(claim(outbox)) == ["e0", "e1"]
    assert outbox.depth() == 2


@pytest.mark.parametrize("verb", ["ack", "nack", "bury"])
def test_who_comes_late_decides_nothing(outbox, clock, verb):
    """After the lease the claim is somebody else's."""
    outbox.put([record(0)])
    late = claim(outbox)
    clock.now += 31
    second = claim(outbox)
    arguments = {"ack": {}, "nack": {"delay": 0, "reason": "x"}, "bury": {"reason": "x"}}[verb]
    getattr(outbox, verb)(late, **arguments)

    assert claim(outbox) == []
    assert outbox.depth() == 1
    assert outbox.dead() == ()
    outbox.ack(second)
    assert outbox.depth() == 0


def test_deciding_twice_counts_once(outbox):
    """A claim is gone after the first word on it."""
    outbox.put([record(0), record(1)])
    claims = claim(outbox, 1)
    outbox.ack(claims)
    outbox.ack(claims)
    outbox.nack(claims, delay=0, reason="x")
    outbox.bury(claims, reason="x")

    assert outbox.depth() == 1
    assert outbox.dead() == ()


def test_buried_is_kept_with_its_reason(clock):
    """The newest ones, up to a bound; they do not count as waiting."""
    outbox = tt.MemoryOutbox(max_dead=2, clock=clock)
    outbox.put([record(n) for n in range(3)])
    for one in claim(outbox):
        outbox.bury([one], reason=f"refused {one.record.event_id}")

    assert [(letter.record.event_id, letter.reason) for letter in outbox.dead()] == [
        ("e1", "refused e1"),
        ("e2", "refused e2"),
    ]
    assert all(letter.time > 1_700_000_000 for letter in outbox.dead())
    assert outbox.depth() == 0
    assert outbox.due_in({WEB}) is None


def test_a_claim_is_of_one_route(outbox):
    """Source, id and test code go together in a request; no route starves."""
    outbox.put([record(0), record(1, TEST), record(2, APP), record(3), record(4, TEST)])
    batches = [ids(claim(outbox)) for _ in range(4)]

    assert batches == [["e0", "e3"], ["e1", "e4"], ["e2"], []]


def test_a_busy_route_waits_its_turn(outbox):
    """It goes to the back when it was served."""
    outbox.put([record(n) for n in range(4)])
    outbox.put([record(9, APP)])

    assert [ids(claim(outbox, 2)) for _ in range(3)] == [["e0", "e1"], ["e9"], ["e2", "e3"]]


def test_other_routes_are_left_alone(outbox):
    """Neither claimed nor waited for."""
    outbox.put([record(0, APP)])

    assert claim(outbox, routes=(WEB,)) == []
    assert outbox.due_in({WEB}) is None
    assert outbox.due_in({APP}) == 0
    assert ids(claim(outbox, routes=(APP,))) == ["e0"]


def test_it_holds_so_many_events(clock):
    """Then it takes none of what is put; room comes back when something is done with."""
    outbox = tt.MemoryOutbox(max_events=3, clock=clock)
    outbox.put([record(0), record(1)])
    with raises(tt.OutboxFull, match="2 events") as caught:
        outbox.put([record(2), record(3)])
    assert caught.value.retryable
    assert outbox.depth() == 2

    outbox.ack(claim(outbox, 1))
    outbox.put([record(2), record(3)])
    assert outbox.depth() == 3


def test_it_holds_so_many_bytes():
    """Claimed ones included."""
    outbox = tt.MemoryOutbox(max_bytes=100)
    outbox.put([record(0, data=b"x" * 60)])
    claims = claim(outbox)
    with raises(tt.OutboxFull):
        outbox.put([record(1, data=b"x" * 41)])
    outbox.bury(claims, reason="x")
    outbox.put([record(1, data=b"x" * 100)])

    assert outbox.depth() == 1


def test_threads_share_it():
    """Every record goes to exactly one claimer."""
    outbox, taken = tt.MemoryOutbox(), []

    def work(number):
        outbox.put([record(f"{number}-{n}") for n in range(200)])
        while claims := claim(outbox, 7):
            taken.extend(ids(claims))
            outbox.ack(claims)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 1600
    assert outbox.depth() == 0


def test_reprs_show_no_event(outbox):
    """A record's bytes hold digests."""
    outbox.put([record(0)])
    (one,) = claim(outbox)
    outbox.bury([one], reason="refused")
    told = f"{one!r} {outbox.dead()!r} {outbox!r}"

    assert "e0" in told
    assert not markers.shown_in(told)
