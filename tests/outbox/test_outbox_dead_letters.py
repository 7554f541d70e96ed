"""What every outbox promises of dead letters: they are kept with their reason, replayed and purged."""

from marker_hook import raises
from records import APP, WEB, ids, record, records

import tiktok_events as tt


def test_buried_is_kept_with_its_reason(kind, claim):
    """The newest ones, up to a bound, oldest first; they do not count as waiting."""
    outbox = kind.outbox(max_dead=2)
    outbox.put(records(3))
    for one in claim(outbox):
        outbox.dead_letter([one], reason=f"refused {one.record.event_id}")

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
    outbox.dead_letter(claim(outbox), reason="x")

    assert ids(outbox.dead(2)) == ["e1", "e2"]
    assert ids(outbox.dead(9)) == ["e0", "e1", "e2"]
    assert not outbox.dead(0)


def test_dead_letters_are_replayed(outbox, claim):
    """All, or those named; each becomes as good as new."""
    outbox.put([*records(3), record(9, APP)])
    outbox.dead_letter(claim(outbox) + claim(outbox), reason="x")
    assert outbox.replay(["e1", "e7"]) == 1
    assert outbox.depth() == 1
    assert sorted(ids(outbox.dead())) == ["e0", "e2", "e9"]

    (again,) = claim(outbox, routes=[WEB])
    assert (again.record, again.attempts, again.crashed_deliveries) == (record(1), 0, 0)
    assert outbox.replay() == 3
    assert not outbox.dead()
    assert sorted(ids(claim(outbox) + claim(outbox))) == ["e0", "e2", "e9"]
    assert outbox.replay() == 0


def test_a_replay_without_room_changes_nothing(kind, claim):
    """They stay dead letters."""
    outbox = kind.outbox(max_events=2)
    outbox.put(records(2))
    outbox.dead_letter(claim(outbox), reason="x")
    outbox.put([record(7)])
    with raises(tt.OutboxFull):
        outbox.replay()

    assert ids(outbox.dead()) == ["e0", "e1"]
    assert outbox.replay(["e1"]) == 1
    assert outbox.depth() == 2


def test_dead_letters_are_purged(outbox, claim):
    """All, or those named; none of them comes back."""
    outbox.put(records(3))
    outbox.dead_letter(claim(outbox), reason="x")

    assert outbox.purge(["e1", "e7"]) == 1
    assert ids(outbox.dead()) == ["e0", "e2"]
    assert outbox.purge([]) == outbox.replay([]) == 0
    assert outbox.purge() == 2
    assert not outbox.dead()
    assert outbox.replay() == outbox.depth() == 0
