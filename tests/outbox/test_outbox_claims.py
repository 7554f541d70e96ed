"""What every outbox promises of a claim: the order, the lease, who decides, how much there is room for."""

import markers
import pytest
from marker_hook import raises
from records import APP, DATA, WEB, ids, record, records

import tiktok_events as tt


def test_first_in_first_out(outbox, claim):
    """In batches of at most the limit, each record to one claimer, as it was put."""
    outbox.put(records(5))

    first = claim(outbox, 3)
    assert ids(first) == ["e0", "e1", "e2"]
    assert first[0].record == record(0)
    assert (first[0].attempts, first[0].crashed_deliveries) == (0, 0)
    assert ids(claim(outbox, 3)) == ["e3", "e4"]
    assert claim(outbox, 3) == []
    assert outbox.depth() == 5


@pytest.mark.parametrize("number", [0, 1, 2, 15, 16, 17, 143, 145, 1_000])
def test_many_are_put_in_order(outbox, claim, number):
    """Any number in one put."""
    outbox.put(records(number))

    assert outbox.depth() == number
    assert ids(claim(outbox, 2_000)) == [f"e{n}" for n in range(number)]


def test_any_bytes_are_kept(outbox, claim):
    """What was put comes back byte for byte."""
    data = bytes(range(256)) * 40
    outbox.put([record("", data=data), tt.Record("web", "ü'\";--", "\N{SNOWMAN}", "é\u2028", b"")])

    claims = claim(outbox) + claim(outbox, routes=[("web", "ü'\";--", "\N{SNOWMAN}")])
    assert [(one.record.event_id, one.record.data) for one in claims] == [("e", data), ("é\u2028", b"")]


def test_acknowledged_is_forgotten(outbox, claim):
    """And not counted any more."""
    outbox.put(records(2))
    outbox.ack(claim(outbox, 1))

    assert outbox.depth() == 1
    assert ids(claim(outbox)) == ["e1"]


def test_put_after_everything_was_acknowledged(outbox, claim):
    """Nothing of what was there before hides it."""
    for turn in range(3):
        record_ids = outbox.put([record(turn)])
        claims = claim(outbox)
        assert ids(claims) == [f"e{turn}"]
        outbox.ack(claims)
        assert outbox.depth() == 0
        assert not outbox.undelivered(record_ids)


def test_given_back_is_claimed_again_after_the_delay(kind, outbox, claim, give_back):
    """Not before; ahead of younger ones; and the tries are counted."""
    outbox.put([record(0)])
    give_back(outbox, claim(outbox), delay=5)
    outbox.put([record(1)])
    assert ids(claim(outbox, 1)) == ["e1"]
    assert outbox.due_in({WEB}) == kind.about(5)

    outbox.put([record(2)])
    kind.pass_time(5)
    assert outbox.due_in({WEB}) == 0
    (again,) = claim(outbox, 1)
    assert (again.record.event_id, again.attempts, again.crashed_deliveries) == ("e0", 1, 0)


def test_given_back_again_and_again(outbox, claim, give_back):
    """Every try is counted; nothing is lost or doubled."""
    outbox.put(records(3))
    for attempts in range(4):
        claims = claim(outbox)
        assert sorted(ids(claims)) == ["e0", "e1", "e2"]
        assert {one.attempts for one in claims} == {attempts}
        give_back(outbox, claims)

    assert outbox.depth() == 3


def test_a_batch_is_filled_up_with_new_ones(outbox, claim, give_back):
    """What was given back goes before what is new, in one batch."""
    outbox.put(records(4))
    give_back(outbox, claim(outbox, 2))

    assert ids(claim(outbox, 3)) == ["e0", "e1", "e2"]
    assert ids(claim(outbox, 3)) == ["e3"]


def test_a_lease_that_ran_out_is_claimed_again(kind, outbox, claim):
    """Whoever had it may have died: that is counted, too."""
    outbox.put(records(2))
    claim(outbox, lease=30)
    assert outbox.due_in({WEB}) == kind.about(30)
    kind.pass_time(25)
    assert claim(outbox) == []

    kind.pass_time(5)
    assert outbox.due_in({WEB}) == 0
    claims = claim(outbox)
    assert ids(claims) == ["e0", "e1"]
    assert [(one.attempts, one.crashed_deliveries) for one in claims] == [(0, 1), (0, 1)]
    assert outbox.depth() == 2


@pytest.mark.parametrize("verb", ["ack", "nack", "dead_letter"])
def test_who_comes_late_decides_nothing(kind, outbox, claim, verb):
    """After the lease the claim is somebody else's."""
    outbox.put([record(0)])
    late = claim(outbox)
    kind.pass_time(31)
    second = claim(outbox)
    arguments = {"ack": {}, "nack": {"delay": 0, "reason": "x"}, "dead_letter": {"reason": "x"}}[verb]
    getattr(outbox, verb)(late, **arguments)

    assert claim(outbox) == []
    assert outbox.depth() == 1
    assert not outbox.dead()
    outbox.ack(second)
    assert outbox.depth() == 0


def test_deciding_twice_counts_once(outbox, claim, give_back):
    """A claim is gone after the first word on it."""
    outbox.put(records(2))
    claims = claim(outbox, 1)
    outbox.ack(claims)
    outbox.ack(claims)
    give_back(outbox, claims)
    outbox.dead_letter(claims, reason="x")

    assert outbox.depth() == 1
    assert not outbox.dead()


def test_the_claims_of_a_batch_may_part(outbox, claim, give_back):
    """One delivered, one refused, one to be tried again, in any order."""
    outbox.put(records(3))
    zero, one, two = claim(outbox)
    outbox.dead_letter([two], reason="refused")
    outbox.ack([zero])
    give_back(outbox, [one])

    assert ids(claim(outbox)) == ["e1"]
    assert ids(outbox.dead()) == ["e2"]
    assert outbox.depth() == 1


def test_claims_of_several_batches_are_decided_together(outbox, claim):
    """Whoever collects them first."""
    outbox.put([*records(2), record(9, APP)])
    outbox.ack([*claim(outbox, 1), *claim(outbox, 1), *claim(outbox, 1)])

    assert outbox.depth() == 0


def test_no_decision_on_nothing(outbox, give_back):
    """Neither an empty put nor an empty decision is an error."""
    outbox.ack([])
    outbox.dead_letter([], reason="x")
    give_back(outbox, [])

    assert not outbox.put([])
    assert outbox.depth() == 0


def test_it_holds_so_many_events(kind, claim):
    """Then it takes none of what is put; room comes back when something is done with."""
    outbox = kind.outbox(max_events=3)
    outbox.put(records(2))
    with raises(tt.OutboxFull, match="2 events") as caught:
        outbox.put([record(2), record(3)])
    assert caught.value.retryable
    assert outbox.depth() == 2

    outbox.ack(claim(outbox, 1))
    outbox.put([record(2), record(3)])
    assert outbox.depth() == 3
    with raises(tt.OutboxFull):
        outbox.put([record(4)])


def test_how_long_the_oldest_waits(kind, outbox, claim, give_back):
    """Claimed or given back it waits on; None if there is none."""
    assert outbox.age() is None
    begun = kind.now()
    outbox.put([record(0)])
    kind.pass_time(10)
    later = kind.now()
    outbox.put([record(1)])
    assert outbox.age() == kind.since(begun)
    claims = claim(outbox, 1)
    assert outbox.age() == kind.since(begun)
    give_back(outbox, claims, delay=20)
    kind.pass_time(5)
    assert outbox.age() == kind.since(begun)

    kind.pass_time(15)
    outbox.ack(claim(outbox, 1))
    assert outbox.age() == kind.since(later)
    outbox.dead_letter(claim(outbox), reason="x")
    assert outbox.age() is None


def test_reprs_show_no_event(outbox, claim):
    """A record's bytes hold digests."""
    record_ids = outbox.put([record(0)])
    (one,) = claim(outbox)
    told = f"{one!r} {record_ids!r} {outbox!r}"
    outbox.dead_letter([one], reason="refused")
    told += f"{outbox.dead()!r} {outbox!r}"

    assert markers.shown_in(DATA.decode())
    assert "e0" in told
    assert not markers.shown_in(told)
