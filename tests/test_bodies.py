"""The rules for bodies off the wire: what stands around the events, and what our own classes would not let happen."""

import json

import bad_inputs
import markers
import pytest

from tiktok_events._checks.body import check_body, check_raw_item

NOW = 1_790_000_000


def body_rules(body):
    """The rules that a body breaks, with their fields."""
    text = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return [(problem.rule, problem.field) for problem in check_body(text, now=NOW).problems]


ENVELOPES = [
    ("[]", [("not-an-object", "body")]),
    (b"\xff", [("not-json", "body")]),
    ("{", [("not-json", "body")]),
    ('{"data": NaN}', [("not-json", "body")]),
    ("[" * 100_000, [("not-json", "body")]),
    ({}, [("source-id-missing", "event_source_id"), ("event-source", "event_source"), ("no-events", "data")]),
    (
        {"event_source": "website", "event_source_id": 5, "data": []},
        [("wrong-type", "event_source_id"), ("event-source", "event_source"), ("no-events", "data")],
    ),
    (
        {"event_source": "web", "event_source_id": "7001", "data": {}},
        [("source-id-kind", "event_source_id"), ("no-events", "data")],
    ),
    (
        {"event_source": "crm", "event_source_id": "C0EXAMPLE0EXAMPLE000", "data": 0},
        [("source-id-kind", "event_source_id"), ("no-events", "data")],
    ),
    (
        {
            "event_source": "app",
            "event_source_id": "7001",
            "access_token": "x",
            "pixel_code": "x",
            "zzpii!": 1,
            "extra": 1,
            "test_event_code": "T",
            "partner_name": 5,
            "data": [],
        },
        [
            ("token-in-body", "access_token"),
            ("legacy-field", "pixel_code"),
            ("unknown-field", "(a key)"),
            ("unknown-field", "extra"),
            ("test-code", "test_event_code"),
            ("wrong-type", "partner_name"),
            ("no-events", "data"),
        ],
    ),
    ({"event_source": "app", "event_source_id": "7001", "data": [{}] * 1001}, [("too-many-events", "data")]),
]


@pytest.mark.parametrize(("body", "expected"), ENVELOPES, ids=range(len(ENVELOPES)))
def test_bodies(body, expected):
    """What stands around the events."""
    assert body_rules(body) == expected


ITEMS = [
    ("web", 5, [("wrong-type", "event")]),
    ("app", {}, [("event-time-missing", "event_time"), ("event-missing", "event"), ("no-identifier", "user"), ("app-id-missing", "app.app_id")]),
    ("offline", {"event": "Contact", "event_time": NOW * 1000}, [("event-time-unit", "event_time"), ("offline-identifier", "user")]),
    ("offline", {"event": "Contact", "event_time": "now", "user": {"email": "zzpii@example.com"}}, [("wrong-type", "event_time"), ("not-hashed", "user.email")]),
    ("offline", {"event": "Contact", "event_time": NOW, "user": {"email": [5], "phone": bad_inputs.OF_NOTHING}}, [("wrong-type", "user.email"), ("hash-of-nothing", "user.phone")]),
    ("offline", {"event": "Contact", "event_time": NOW, "user": {"email": "", "phone": "a1" * 32}}, [("empty-value", "user.email")]),
    ("crm", {"event": "Contact", "event_time": NOW, "lead": {"lead_id": 5}, "user": {"external_id": "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"}}, [("wrong-type", "lead.lead_id"), ("placeholder", "user.external_id")]),
    ("crm", {"event": "Contact", "event_time": NOW, "lead": {"lead_id": "5"}, "user": {"emial": "x", "phone_number": "x", "zz pii": 1}}, [("unknown-field", "user.emial"), ("legacy-field", "user.phone_number"), ("unknown-field", "user.(a key)")]),
    ("crm", {"event": "Contact", "event_time": NOW, "lead": {"lead_id": "5"}, "properties": {"value": "46", "contents": [{"price": "5"}, 5], "status": "x", "currency": "euro"}}, [("value-malformed", "properties.value"), ("wrong-type", "properties.contents[1]"), ("wrong-type", "properties.contents[0].price"), ("discouraged-field", "properties.status"), ("currency-malformed", "properties.currency"), ("content-id-missing", "properties.contents[0].content_id")]),
    ("app", {"event": "Login", "event_time": NOW, "app": {"app_id": "1"}, "user": {"idfa": "a-b", "gaid": "A-B", "att_status": "x", "ip": "x", "locale": "!"}, "ad": {"attribution_share": 2}}, [("ip-malformed", "user.ip"), ("locale-malformed", "user.locale"), ("att-status", "user.att_status"), ("device-id-case", "user.idfa"), ("device-id-case", "user.gaid"), ("share-range", "ad.attribution_share")]),
    ("web", {"event": "Contact", "event_time": NOW, "page": {"url": "/x", "referrer": "x"}, "user": {"email": "a1" * 32, "city": "a1" * 32, "state": "a1" * 32, "country": "Germany"}}, [("address-hashed", "user.city"), ("address-hashed", "user.state"), ("country-malformed", "user.country"), ("page-url-malformed", "page.url"), ("referrer-malformed", "page.referrer"), ("event-id-missing", "event_id")]),
    ("web", {"event": "Contact", "event_time": NOW, "event_id": "1", "page": {"url": "https://shop.example/?token=zzpii"}, "user": {"email": "a1" * 32}, "properties": {"value": 1, "currency": "eur"}}, [("url-secret", "page.url"), ("currency-case", "properties.currency")]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "item", "expected"), ITEMS, ids=range(len(ITEMS)))
def test_raw_items(kind, item, expected):
    """What our own classes would not let happen."""
    found = [(problem.rule, problem.field) for problem in check_raw_item(item, kind, now=NOW)]

    assert sorted(found) == sorted(expected)


def test_events_of_one_body_are_compared():
    """The same name and id twice, and one order under two names."""
    item = {"event": "Purchase", "event_time": NOW, "event_id": "1", "properties": {"order_id": "9"}}
    data = [item, item, {**item, "event": "CompletePayment"}, {**item, "event_id": "2"}, 5, {"event": 5}]
    found = body_rules({"event_source": "crm", "event_source_id": "7003", "data": data})

    assert ("duplicate-event", "data[1].event_id") in found
    assert ("two-names-one-order", "data[2].properties.order_id") in found
    assert [rule for rule, _ in found].count("duplicate-event") == 1
    assert [rule for rule, _ in found].count("two-names-one-order") == 1


def test_a_report_separates_errors():
    """And keeps the body for whoever shows it, but not in its repr."""
    report = check_body(json.dumps({"event_source": "crm", "data": [], "test_event_code": "zzpii"}), now=NOW)

    assert [problem.rule for problem in report.errors] == ["source-id-missing", "no-events"]
    assert report.body["test_event_code"] == "zzpii"
    assert not markers.shown_in(repr(report))


@pytest.mark.parametrize(("where", "key"), [("", "type"), ("properties", "status"), ("properties", "event_channel")])
def test_a_field_without_replacement_is_to_be_left_out(where, key):
    """The fix names no field where Events API 2.0 has none."""
    event = {"event": "Lead", "event_time": NOW, **({where: {key: "x"}} if where else {key: "x"})}
    body = {"event_source": "web", "event_source_id": "C0EXAMPLE0EXAMPLE000", "data": [event]}
    found = [one.fix for one in check_body(json.dumps(body), now=NOW).problems if one.field.endswith(f".{key}")]

    assert found == ["Leave it out."]
