"""What every outbox promises of routes: a claim is of one, and each has its turn."""

from records import APP, ROUTES, TEST, WEB, ids, record, records


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
