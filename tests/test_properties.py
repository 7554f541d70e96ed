"""Laws that hold for any input."""

import copy
import json
import pickle
from hashlib import sha256

import pytest
import strategies
from hypothesis import example, given
from hypothesis import strategies as st
from quick_run import examples

import tiktok_events as tt
from tiktok_events._api import encoding as _protocol
from tiktok_events._checks.body import check_body
from tiktok_events._events.normalize import identifiers as normalize
from tiktok_events._runtime import json_codec

NOW = 1_790_000_000
SOURCES = {
    kind: tt.EventSource(kind, "C0EXAMPLE0EXAMPLE000" if kind == "web" else "7001", "token")
    for kind in ("web", "app", "offline", "crm")
}
HASHES = [
    normalize.hash_email,
    normalize.hash_phone,
    normalize.hash_external_id,
    normalize.hash_name,
    normalize.hash_zip_code,
    normalize.hash_idfa,
    normalize.hash_gaid,
]


@pytest.mark.parametrize("hash_one", HASHES, ids=lambda one: one.__name__)
@given(value=strategies.TYPED)
def test_hashing_twice_is_hashing_once(hash_one, value):
    """A value is refused, absent, or a digest that passes through unchanged."""
    try:
        digest = hash_one(value)
    except (normalize.Refused, UnicodeEncodeError):
        return

    assert digest == "" or normalize.is_digest(digest)
    assert hash_one(digest) == digest


@given(value=st.text())
def test_places_are_normalised_once(value):
    """Normalising a city that is normalised changes nothing."""
    try:
        place = normalize.plain_place(value)
    except normalize.Refused:
        return

    assert normalize.plain_place(place) == place


@given(
    status=st.integers(100, 599),
    body=st.one_of(st.binary(), strategies.answers.map(lambda one: json.dumps(one).encode())),
)
@examples(300)
def test_any_answer_is_a_response_or_an_api_error(status, body):
    """Decoding raises nothing else, whatever came back."""
    try:
        outcome = tt.decode(status, body)
    except tt.ApiError as error:
        outcome = error

    assert str(outcome)
    assert isinstance(outcome, tt.ApiError) or outcome.code in {0, 20001}


@given(body=st.one_of(st.binary(), st.text(), strategies.json_values.map(json.dumps)))
@example(
    body='{"event_source":"web","event_source_id":"C0","data":[{"event":"Purchase","event_time":1' + "0" * 400 + "}]}"
)
@example(
    body='{"event_source":"web","event_source_id":"C0","data":[{"event":"Purchase","properties":{"value":1'
    + "0" * 400
    + "}}]}"
)
@examples(200)
def test_any_body_is_read(body):
    """The rules for bodies never raise for what a body says."""
    assert isinstance(check_body(body, now=NOW).problems, list)


@given(
    kind=st.sampled_from(sorted(SOURCES)),
    item=st.dictionaries(
        st.sampled_from([
            "event",
            "event_time",
            "event_id",
            "user",
            "properties",
            "page",
            "ad",
            "app",
            "lead",
            "limited_data_use",
        ]),
        st.one_of(
            strategies.json_values,
            st.dictionaries(
                st.sampled_from([
                    *strategies.USER_TEXTS,
                    *strategies.PROPERTY_TEXTS,
                    "value",
                    "contents",
                    "url",
                    "attribution_share",
                ]),
                strategies.json_values,
            ),
        ),
    ),
)
@examples(60)
def test_any_item_is_read(kind, item):
    """Also when known keys hold values of every type."""
    body = {"event_source": kind, "event_source_id": "C0EXAMPLE0EXAMPLE000", "data": [item]}

    assert isinstance(check_body(json.dumps(body), now=NOW).problems, list)


@pytest.mark.parametrize("dumps", [json_codec.dumps_stdlib, json_codec.dumps_orjson], ids=["stdlib", "orjson"])
@given(fields=st.lists(strategies.sane_events, max_size=4), kind=st.sampled_from(sorted(SOURCES)))
def test_what_is_encoded_reads_back(dumps, fields, kind):
    """A body holds the events as they are, in order, by either JSON library."""
    if dumps is json_codec.dumps_orjson:
        pytest.importorskip("orjson")
    events = [tt.Event(**one) for one in fields]
    items = [dumps(event._wire) for event in events]
    body = json.loads(_protocol.join(SOURCES[kind], items))

    assert body == {
        "event_source": kind,
        "event_source_id": SOURCES[kind].event_source_id,
        "data": [event._wire for event in events],
    }
    assert json.loads(tt.encode(SOURCES[kind], events)) == body


@given(fields=strategies.typed_events)
@example(fields={"event": "Purchase", "event_time": 10**400})
@example(fields={"event": "Purchase", "user": {"email": "zzpii@" + "\u00fc" * 100_000 + ".com"}})
@examples(300)
def test_what_a_person_typed_never_raises(fields):
    """Every event builds, and the rules say what is wrong with it, in words without the value."""
    event = tt.Event(**fields)

    for source in SOURCES.values():
        for problem in tt.check(event, source, now=NOW):
            assert problem.severity in ("error", "warning")
            assert problem.fix


@given(user=strategies.users, values=strategies.several)
@examples(100)
def test_a_typed_visitor_never_raises(user, values):
    """Also when identifiers come as lists."""
    made = tt.User(**{**user, "email": values, "external_id": values})

    assert isinstance(made.problems, tuple)


@pytest.mark.parametrize("kind", sorted(SOURCES))
@given(fields=st.one_of(strategies.typed_events, strategies.sane_events))
@example(fields={"event": "Purchase", "event_time": NOW, "page": {"url": "https://zzpii@"}})
@example(
    fields={"event": "Purchase", "event_time": NOW, "page": {"url": "https://zzpii@?token=1", "referrer": "x://a@"}}
)
@example(fields={"event": "Purchase", "event_time": NOW, "user": {"city": "a1" * 16 + "-" + "a1" * 16}})
@example(fields={"event": "Purchase", "event_time": NOW, "user": {"country": "\u212a\u212a"}})
@example(
    fields={
        "event": "Purchase",
        "event_time": NOW,
        "properties": {"contents": [{"content_id": 1, "extra": {"description": 5}}]},
    }
)
@example(
    fields={"event": "Purchase", "event_time": NOW, "properties": {"mileage": {}, "preferred_price_range": [1, None]}}
)
@example(fields={"event": "Purchase", "event_time": NOW, "extra": {"device": {"mobile": True}}})
@examples(200)
def test_what_check_lets_pass_the_events_manager_takes(kind, fields):
    """An event without errors makes a body without errors: one rule table, read twice."""
    event = tt.Event(**fields)
    if any(problem.severity == "error" for problem in tt.check(event, SOURCES[kind], now=NOW)):
        return

    assert check_body(tt.encode(SOURCES[kind], [event]), now=NOW).errors == []


@given(fields=strategies.sane_events)
def test_equal_events_are_one(fields):
    """Equality and hash go by value, and a copy or a pickle is the same event."""
    event, twin = tt.Event(**fields, event_id="1"), tt.Event(**fields, event_id="1")

    assert event == twin
    assert hash(event) == hash(twin)
    assert {event, twin} == {event}
    assert pickle.loads(pickle.dumps(event)) == event
    assert copy.deepcopy(event) == copy.copy(event) == event
    assert event != tt.Event(**fields, event_id="2")


@given(first=st.sampled_from([46, 46.0, "46", "46.00"]), second=st.sampled_from([46, 46.0, "46", "46.00"]))
def test_equal_money_hashes_equal(first, second):
    """What is equal has one hash, however the amount was written."""
    one, other = tt.Properties(value=first), tt.Properties(value=second)

    assert (one != other) or hash(one) == hash(other)


@given(name=st.text(min_size=1), key=st.one_of(st.text(min_size=1), st.integers(), st.uuids()), namespace=st.text())
def test_a_key_makes_one_id(name, key, namespace):
    """The same everywhere, and never the same for another name."""
    made = tt.event_id(name, key, namespace=namespace)

    assert made == tt.event_id(name, str(key), namespace=namespace)
    assert made != tt.event_id(name + "x", key, namespace=namespace)
    assert len(made) == 32


@given(text=st.text())
def test_digests_are_of_utf_8(text):
    """The one place where text becomes bytes."""
    assert normalize.digest(text) == sha256(text.encode("utf-8")).hexdigest()
