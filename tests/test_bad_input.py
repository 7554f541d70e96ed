"""Bad input: a clear error and nothing sent, or the neighbours delivered and the bad one told of. Never silence."""

import logging
from collections import Counter

import bad_inputs
import markers
import pytest
from bad_inputs import CASES, GOOD, KINDS, SOURCE_IDS, good
from marker_hook import raises

import tiktok_events as tt
from tiktok_events._spec.rules import RULES

DATA = [case for case in CASES if case.raises is None]
CASES_THAT_DROP_A_FIELD = [case for case in DATA if case.effect == "field"]
MISTAKES = [case for case in CASES if case.raises is not None]


def source_of(case):
    """Where the case would go."""
    return tt.EventSource(case.source, SOURCE_IDS[case.source], "token")


def neighbour(case, number):
    """An event with nothing wrong, for the same call."""
    return tt.Event.from_mapping(good(case.source, event_id=f"good-{number}"))


@pytest.fixture(params=DATA, ids=lambda case: case.id)
def case(request):
    """A case whose event builds."""
    return request.param


def test_the_table_is_large_and_spread():
    """At least 150 distinct cases, every source, each id and each event once."""
    sources = Counter(case.source for case in CASES)

    assert len(CASES) >= 150
    assert len({case.id for case in CASES}) == len(CASES)
    assert min(sources[kind] for kind in KINDS) >= 25
    assert sum(case.json for case in CASES) >= 150


def test_the_table_covers_every_rule_that_an_event_can_break():
    """Each error of the rule table that our own classes let happen, and no other."""
    only_on_the_wire = {
        "not-json",
        "not-an-object",
        "event-source",
        "source-id-missing",
        "no-events",
        "too-many-events",
    }
    only_on_the_wire |= {"token-in-body", "not-hashed", "wrong-type"}
    needs_a_region = {"phone-package"}  # test_phone_region
    errors = {rule.id for rule in RULES.values() if rule.severity == "error"}

    assert {case.rule for case in DATA} == errors - only_on_the_wire - needs_a_region


@pytest.mark.parametrize("kind", KINDS)
def test_the_neighbours_are_good(kind):
    """So that what a case shows is its own."""
    event = tt.Event.from_mapping(good(kind))
    source = tt.EventSource(kind, SOURCE_IDS[kind], "token")

    assert [one for one in tt.check(event, source, now=bad_inputs.TIME) if one.severity == "error"] == []
    assert GOOD[kind]["user"] == {"email": markers.EMAIL}


def test_a_client_says_what_is_wrong_and_sends_nothing(case, make_client, tiktok):
    """The error names field, rule and fix, never the value; good events of the same call stay too."""
    client = make_client(source_of(case))
    bad = tt.Event.from_mapping(case.fields)

    with raises(tt.EventValidationError) as caught:
        client.track(neighbour(case, 1), bad, neighbour(case, 2))

    named = {problem.rule: problem for problem in caught.value.problems}
    assert case.rule in named
    problem = named[case.rule]
    assert problem.field.startswith(case.field.removesuffix(".extra").removesuffix("extra"))
    assert problem.severity == "error"
    for told in (problem.field, problem.rule, problem.message, problem.fix):
        assert told
        assert told in str(caught.value)
    assert tiktok.requests == []


def test_many_are_sorted_out(case, make_client, tiktok):
    """The neighbours are delivered, the bad one is refused with its problems."""
    response = make_client(source_of(case)).track_many([
        neighbour(case, 1),
        tt.Event.from_mapping(case.fields),
        neighbour(case, 2),
    ])

    assert [result.status for result in response.results] == ["delivered", "rejected", "delivered"]
    assert case.rule in [problem.rule for problem in response.results[1].problems]
    assert case.rule in response.results[1].message
    assert not response.ok
    assert [event["event_id"] for event in tiktok.events] == ["good-1", "good-2"]


def test_the_background_keeps_going(case, tiktok, caplog):
    """The neighbours are delivered; the bad event is dropped, or sent without its bad field, and the rule is told."""
    caplog.set_level(logging.INFO, "tiktok_events")
    bad = tt.Event.from_mapping({**case.fields, "event_id": "bad"})

    with tt.BackgroundClient(tiktok.client(source_of(case))) as background:
        background.track(neighbour(case, 1), bad, neighbour(case, 2))
        left = background.flush(5)
    stats = background.stats()

    delivered = ["good-1", "good-2"] if case.effect == "event" else ["good-1", "bad", "good-2"]
    assert left == 0
    assert [event["event_id"] for event in tiktok.events] == delivered
    assert stats.invalid == (case.effect == "event")
    assert stats.problems[case.rule] >= 1
    assert f"({case.rule})" in caplog.text
    assert stats.delivered == len(delivered)


@pytest.mark.parametrize("case", CASES_THAT_DROP_A_FIELD, ids=lambda case: case.id)
def test_a_spoilt_field_is_left_out(case):
    """What is sent in its place is nothing, or the good ones among several."""
    name, _, field = case.field.partition(".")
    made = getattr(tt.Event.from_mapping(case.fields), name)

    if field.startswith("contents"):
        assert field.rpartition(".")[2] not in made._wire["contents"][int(field[9])]
    elif "[" in field:
        assert isinstance(getattr(made, field.partition("[")[0]), str)
    elif case.rule == "currency-contradiction":
        assert made.currency == case.fields["properties"]["value"].currency
    else:
        assert made is None or getattr(made, field) is None


@pytest.mark.parametrize("case", MISTAKES, ids=lambda case: case.id)
def test_a_mistake_in_code_raises_where_it_is_made(case):
    """At construction, before any client is involved, and without showing a value."""
    with raises(case.raises) as caught:
        tt.Event.from_mapping(case.fields)

    assert str(caught.value)
    assert not isinstance(caught.value, tt.TikTokEventsError)


def test_what_is_no_event_is_refused(make_client, tiktok):
    """A mapping in place of an event is a mistake in code, in every client."""
    client = make_client()
    with raises(TypeError, match="must be Event, not dict"):
        client.track({"event": "Purchase"})
    with raises(TypeError, match="must be Event, not dict"):
        client.track_many([{"event": "Purchase"}])
    background = tt.BackgroundClient(tiktok.client())
    with raises(TypeError, match="must be Event, not dict"):
        background.track({"event": "Purchase"})

    assert tiktok.requests == []
