"""What every outbox promises, whatever keeps its records."""

import threading

import markers
import pytest
from marker_hook import raises
from records import APP, DATA, ROUTES, TEST, WEB, ids, in_child, record, records

import tiktok_events as tt

FORKS_WITH_THREADS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def claim(kind):
    """Claim from an outbox: 10 records of any route, for 30 units of time."""

    def claimed(outbox, limit=10, lease=30, routes=ROUTES):
        return outbox.claim(limit, lease=lease * kind.unit, routes=routes)

    return claimed


@pytest.fixture
def give_back(kind):
    """Give claims back, for a delay in units of time."""
    return lambda outbox, claims, delay=0: outbox.nack(claims, delay=delay * kind.unit, reason="x")


def test_first_in_first_out(outbox, claim):
    """In batches of at most the limit, each record to one claimer, as it was put."""
    outbox.put(records(5))

    first = claim(outbox, 3)
    assert ids(first) == ["e0", "e1", "e2"]
    assert first[0].record == record(0)
    assert (first[0].attempts, first[0].abandoned) == (0, 0)
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
        receipts = outbox.put([record(turn)])
        claims = claim(outbox)
        assert ids(claims) == [f"e{turn}"]
        outbox.ack(claims)
        assert outbox.depth() == 0
        assert not outbox.still(receipts)


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
    assert (again.record.event_id, again.attempts, again.abandoned) == ("e0", 1, 0)


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
    assert [(one.attempts, one.abandoned) for one in claims] == [(0, 1), (0, 1)]
    assert outbox.depth() == 2


@pytest.mark.parametrize("verb", ["ack", "nack", "bury"])
def test_who_comes_late_decides_nothing(kind, outbox, claim, verb):
    """After the lease the claim is somebody else's."""
    outbox.put([record(0)])
    late = claim(outbox)
    kind.pass_time(31)
    second = claim(outbox)
    arguments = {"ack": {}, "nack": {"delay": 0, "reason": "x"}, "bury": {"reason": "x"}}[verb]
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
    outbox.bury(claims, reason="x")

    assert outbox.depth() == 1
    assert not outbox.dead()


def test_the_claims_of_a_batch_may_part(outbox, claim, give_back):
    """One delivered, one refused, one to be tried again, in any order."""
    outbox.put(records(3))
    zero, one, two = claim(outbox)
    outbox.bury([two], reason="refused")
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
    outbox.bury([], reason="x")
    give_back(outbox, [])

    assert not outbox.put([])
    assert outbox.depth() == 0


def test_buried_is_kept_with_its_reason(kind, claim):
    """The newest ones, up to a bound, oldest first; they do not count as waiting."""
    outbox = kind.outbox(max_dead=2)
    outbox.put(records(3))
    for one in claim(outbox):
        outbox.bury([one], reason=f"refused {one.record.event_id}")

    assert [(one.record, one.reason) for one in outbox.dead()] == [
        (record(1), "refused e1"),
        (record(2), "refused e2"),
    ]
    assert all(one.time > 1_700_000_000 for one in outbox.dead())
    assert outbox.depth() == 0
    assert outbox.due_in({WEB}) is None


def test_the_newest_dead_letters(outbox, claim):
    """As many as are asked for."""
    outbox.put(records(3))
    outbox.bury(claim(outbox), reason="x")

    assert ids(outbox.dead(2)) == ["e1", "e2"]
    assert ids(outbox.dead(9)) == ["e0", "e1", "e2"]
    assert not outbox.dead(0)


def test_dead_letters_are_replayed(outbox, claim):
    """All, or those named; each becomes as good as new."""
    outbox.put([*records(3), record(9, APP)])
    outbox.bury(claim(outbox) + claim(outbox), reason="x")
    assert outbox.replay(["e1", "e7"]) == 1
    assert outbox.depth() == 1
    assert sorted(ids(outbox.dead())) == ["e0", "e2", "e9"]

    (again,) = claim(outbox, routes=[WEB])
    assert (again.record, again.attempts, again.abandoned) == (record(1), 0, 0)
    assert outbox.replay() == 3
    assert not outbox.dead()
    assert sorted(ids(claim(outbox) + claim(outbox))) == ["e0", "e2", "e9"]
    assert outbox.replay() == 0


def test_a_replay_without_room_changes_nothing(kind, claim):
    """They stay dead letters."""
    outbox = kind.outbox(max_events=2)
    outbox.put(records(2))
    outbox.bury(claim(outbox), reason="x")
    outbox.put([record(7)])
    with raises(tt.OutboxFull):
        outbox.replay()

    assert ids(outbox.dead()) == ["e0", "e1"]
    assert outbox.replay(["e1"]) == 1
    assert outbox.depth() == 2


def test_dead_letters_are_purged(outbox, claim):
    """All, or those named; none of them comes back."""
    outbox.put(records(3))
    outbox.bury(claim(outbox), reason="x")

    assert outbox.purge(["e1", "e7"]) == 1
    assert ids(outbox.dead()) == ["e0", "e2"]
    assert outbox.purge([]) == outbox.replay([]) == 0
    assert outbox.purge() == 2
    assert not outbox.dead()
    assert outbox.replay() == outbox.depth() == 0


def test_a_claim_is_of_one_route(outbox, claim):
    """Source, id and test code go together in a request."""
    outbox.put([record(0), record(1, TEST), record(2, APP), record(3), record(4, TEST)])
    batches = [ids(claim(outbox)) for _ in range(4)]

    assert sorted(batches) == [[], ["e0", "e3"], ["e1", "e4"], ["e2"]]


def test_a_busy_route_waits_its_turn(outbox, claim):
    """It goes to the back when it was served, so the others are served in between."""
    outbox.put(records(4))
    outbox.put([record(9, APP)])

    batches = [ids(claim(outbox, 2)) for _ in range(3)]
    assert ["e9"] in batches[:2]
    assert [batch for batch in batches if batch != ["e9"]] == [["e0", "e1"], ["e2", "e3"]]


def test_what_is_tried_again_starves_no_route(outbox, claim, give_back):
    """A route that always fails is not the only one that is tried."""
    outbox.put([record(0), record(9, APP)])
    seen = []
    for _ in range(4):
        claims = claim(outbox)
        seen += ids(claims)
        give_back(outbox, claims)

    assert sorted(seen) == ["e0", "e0", "e9", "e9"]


def test_other_routes_are_left_alone(outbox, claim):
    """Neither claimed nor waited for, also when they lie in between."""
    outbox.put([record(0, APP)])
    assert claim(outbox, routes=[WEB]) == []
    assert outbox.due_in({WEB}) is None
    assert outbox.due_in({APP}) == 0
    outbox.put([record(1), record(2, APP), record(3)])

    assert ids(claim(outbox, routes=[WEB])) == ["e1", "e3"]
    assert claim(outbox, routes=[WEB]) == []
    assert ids(claim(outbox, routes=[APP])) == ["e0", "e2"]
    outbox.put([record(4)])
    assert ids(claim(outbox, routes=[WEB])) == ["e4"]


def test_when_something_is_due(kind, outbox, claim, give_back):
    """None if nothing waits, 0 for now, else until the first delay or lease is over."""
    assert outbox.due_in(ROUTES) is None
    outbox.put([record(0), record(1, APP)])
    assert outbox.due_in(ROUTES) == 0
    give_back(outbox, claim(outbox, routes=[WEB]), delay=20)
    claim(outbox, lease=25, routes=[APP])

    assert outbox.due_in([WEB]) == kind.about(20)
    assert outbox.due_in([APP]) == kind.about(25)
    assert outbox.due_in(ROUTES) == kind.about(20)


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


def test_receipts_tell_what_is_left(outbox, claim, give_back):
    """Claimed and given back is still there; delivered and dead is not. Nothing is asked of what only we can have."""
    receipts = list(outbox.put(records(4)))
    if outbox.reach == "process":
        assert receipts == []
        assert not outbox.still(receipts)
        return
    assert len(set(receipts)) == 4
    assert set(outbox.still(receipts)) == set(receipts)
    first, second, third, _ = claim(outbox)
    assert set(outbox.still(receipts)) == set(receipts)
    outbox.ack([first])
    outbox.bury([second], reason="x")
    give_back(outbox, [third])

    assert set(outbox.still(receipts)) == set(receipts[2:])
    assert not outbox.still(receipts[:2])
    assert not outbox.still([])


def test_any_number_of_receipts(outbox, claim):
    """Tens of thousands in one question."""
    receipts = outbox.put(records(20_000))
    outbox.ack(claim(outbox, 1))

    assert len(outbox.still(receipts)) == max(0, len(receipts) - 1)


def test_a_receipt_is_of_one_record(outbox, claim):
    """What is put later is something else, even if the outbox was empty in between."""
    receipts = outbox.put([record(0)])
    outbox.ack(claim(outbox))
    later = outbox.put([record(0)])

    assert not outbox.still(receipts)
    assert set(outbox.still([*receipts, *later])) == set(later)


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
    outbox.bury(claim(outbox), reason="x")
    assert outbox.age() is None


def test_closed_it_may_be_used_again(outbox, claim):
    """Nothing that was put is gone."""
    outbox.put(records(2))
    outbox.close()
    outbox.close()
    outbox.put([record(2)])

    assert ids(claim(outbox)) == ["e0", "e1", "e2"]
    outbox.close()
    assert outbox.depth() == 3


def test_those_who_share_it_see_the_same(kind, outbox, claim, give_back):
    """Who claims it decides; what one process has in memory no other one sees."""
    other = kind.outbox()
    receipts = outbox.put(records(3))
    outbox.close()
    if outbox.reach == "process":
        assert other.depth() == 0
        return
    claims = claim(other, 2)

    assert ids(claims) == ["e0", "e1"]
    assert ids(claim(outbox)) == ["e2"]
    other.ack(claims[:1])
    give_back(other, claims[1:])
    assert outbox.depth() == other.depth() == 2
    assert ids(claim(outbox)) == ["e1"]
    assert set(outbox.still(receipts)) == set(other.still(receipts)) == set(list(receipts)[1:])


def test_threads_share_it(outbox, claim):
    """Every record goes to exactly one claimer."""
    taken = []

    def work(number):
        outbox.put([record(f"{number}-{n}") for n in range(50)])
        while claims := claim(outbox, 7):
            taken.extend(ids(claims))
            outbox.ack(claims)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == len(set(taken)) == 400
    assert outbox.depth() == 0


@FORKS_WITH_THREADS
def test_a_forked_child_goes_on(outbox, claim):
    """With what is shared, and without what only its parent has; the parent goes on as well."""
    outbox.put([record(0)])
    outbox.depth()

    def work():
        outbox.put([record(1)])
        claims = claim(outbox)
        outbox.ack(claims)
        outbox.close()
        return ids(claims)

    seen = in_child(work)
    if outbox.reach == "process":
        assert seen == ["e1"]
        assert ids(claim(outbox)) == ["e0"]
    else:
        assert seen == ["e0", "e1"]
        assert outbox.depth() == 0
    outbox.put([record(2)])
    assert ids(claim(outbox)) == ["e2"]


@FORKS_WITH_THREADS
def test_what_a_child_claimed_is_the_parents_after_its_end(kind, outbox, claim):
    """At the latest when the lease is over; nothing of it is lost."""
    outbox.put(records(2))
    outbox.depth()
    in_child(lambda: len(claim(outbox)))
    kind.pass_time(31)

    assert ids(claim(outbox)) == ["e0", "e1"]


def test_reprs_show_no_event(outbox, claim):
    """A record's bytes hold digests."""
    receipts = outbox.put([record(0)])
    (one,) = claim(outbox)
    told = f"{one!r} {receipts!r} {outbox!r}"
    outbox.bury([one], reason="refused")
    told += f"{outbox.dead()!r} {outbox!r}"

    assert markers.shown_in(DATA.decode())
    assert "e0" in told
    assert not markers.shown_in(told)
