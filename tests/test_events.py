"""Events and their parts: immutable values with wire names, that show nothing."""

import copy
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import markers
import pytest
from marker_hook import raises

import tiktok_events as tt

FULL = {
    "event": "Purchase",
    "event_id": "order-1",
    "event_time": 1_790_000_000,
    "user": markers.user(phone=[markers.PHONE, markers.OTHER_PHONE]),
    "page": {"url": markers.URL, "referrer": "https://shop.example/cart"},
    "properties": {
        "value": Decimal("46.00"),
        "currency": "eur",
        "contents": [{"content_id": 17, "price": "23.00", "quantity": 2, "content_name": "Shoe", "brand": "B"}],
        "content_ids": [17, "18"],
        "content_type": "product",
        "num_items": 2.0,
        "order_id": UUID(int=1),
        "travel_class": "eco",
        "suggested_hotels": ["h1"],
        "mileage": {"value": 10, "unit": "KM"},
    },
    "ad": {"attribution_share": "0.5", "touchpoint_ts": datetime(2026, 9, 1, tzinfo=UTC), "campaign_id": 5},
    "app": {"app_id": 310633997},
    "lead": {"lead_id": 7001},
    "limited_data_use": False,
    "extra": {"device": {"mobile": True, "versions": (1, 2)}},
}


@pytest.fixture
def event():
    """An event of which everything is known."""
    return tt.Event(**FULL)


def test_wire_names_and_wire_values(event):
    """What people have becomes what TikTok documents."""
    wire = event._wire

    assert list(wire) == [
        *("event", "event_time", "event_id", "user", "page", "properties"),
        *("ad", "app", "lead", "limited_data_use", "device"),
    ]
    assert wire["page"] == {"url": markers.URL, "referrer": "https://shop.example/cart"}
    assert wire["properties"] == {
        "value": 46.0,
        "currency": "EUR",
        "contents": [{"content_id": "17", "price": 23.0, "quantity": 2, "content_name": "Shoe", "brand": "B"}],
        "content_ids": ["17", "18"],
        "content_type": "product",
        "num_items": 2,
        "order_id": "00000000-0000-0000-0000-000000000001",
        "travel_class": "eco",
        "suggested_hotels": ["h1"],
        "mileage": {"value": 10, "unit": "KM"},
    }
    assert wire["ad"] == {"attribution_share": 0.5, "touchpoint_ts": 1_788_220_800, "campaign_id": "5"}
    assert (wire["app"], wire["lead"], wire["limited_data_use"]) == (
        {"app_id": "310633997"},
        {"lead_id": "7001"},
        False,
    )
    assert wire["device"] == {"mobile": True, "versions": [1, 2]}
    assert event.problems == ()


def test_fields_read_back(event):
    """By the names they were given."""
    assert event.event == "Purchase"
    assert event.properties.value == Decimal(46)
    assert event.properties.contents[0].price == Decimal(23)
    assert event.properties.contents[0].quantity == 2
    assert event.properties.content_ids == ("17", "18")
    assert event.properties.travel_class == "eco"
    assert event.properties.suggested_hotels == ("h1",)
    assert event.properties.vin is None
    assert len(event.user.phone) == 2
    assert event.page.url == markers.URL
    assert event.ad.attribution_share == 0.5
    assert event.app.app_id == "310633997"
    assert event.lead.lead_id == "7001"
    assert event.limited_data_use is False


def test_classes_and_mappings_are_one():
    """Wherever a class fits, its mapping does."""
    parts = {"user": tt.User, "page": tt.Page, "properties": tt.Properties, "ad": tt.Ad, "app": tt.App, "lead": tt.Lead}
    built = {name: cls(**FULL[name]) for name, cls in parts.items()}
    contents = [tt.Content(**FULL["properties"]["contents"][0])]

    assert tt.Event(**{**FULL, **built}) == tt.Event(**FULL)
    assert tt.Properties(contents=contents) == tt.Properties(contents=FULL["properties"]["contents"])


def test_what_is_absent_reads_as_none():
    """An event needs a name only."""
    event = tt.Event("Contact")

    assert [event.user, event.page, event.properties, event.ad, event.app, event.lead] == [None] * 6
    assert event.limited_data_use is None
    assert tt.Properties().contents == ()
    with raises(AttributeError):
        _ = tt.Properties().prize


PARTS = [
    tt.Event("Purchase", event_id="1", event_time=1),
    tt.User(email=markers.EMAIL),
    tt.Page(url=markers.URL),
    tt.Properties(value=1),
    tt.Content(content_id="1"),
    tt.Ad(ad_id="1"),
    tt.App(app_id="1"),
    tt.Lead(lead_id="1"),
    tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token"),
    tt.TrackResponse(),
    tt.EventResult("1", "delivered"),
    tt.RetryPolicy(),
    tt.Stats(),
    tt.Problem("r", "error", "f", "m", "x"),
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: type(part).__name__)
def test_nothing_can_be_changed(part):
    """No field, no new attribute, no deletion."""
    field = {tt.User: "email", tt.EventSource: "access_token"}.get(type(part), "value")
    for name in (field, "anything"):
        with raises(AttributeError):
            setattr(part, name, "x")
        with raises(AttributeError):
            delattr(part, name)


@pytest.mark.parametrize("part", PARTS[:8], ids=lambda part: type(part).__name__)
def test_values_compare_hash_and_copy(part):
    """By value, and only to their own kind."""
    assert copy.copy(part) == copy.deepcopy(part) == pickle.loads(pickle.dumps(part)) == part
    assert hash(pickle.loads(pickle.dumps(part))) == hash(part)
    assert part != part._wire
    assert part != type(part)(**({"event": "x"} if isinstance(part, tt.Event) else {}))


def test_what_was_given_may_change_afterwards():
    """The event holds its own copy."""
    items, extra, mileage = [{"content_id": "1"}], {"device": {"mobile": True}}, {"value": 1}
    event = tt.Event("Purchase", properties={"contents": items, "mileage": mileage}, extra=extra)
    before = copy.deepcopy(event._wire)
    items[0]["content_id"] = "2"
    items.append({})
    extra["device"]["mobile"] = False
    mileage["value"] = 2

    assert event._wire == before


def test_what_is_read_may_change_too():
    """Nothing that a property hands out reaches back into the event."""
    event = tt.Event("Purchase", properties={"mileage": {"value": 1}})
    event.properties.mileage["value"] = 2

    assert event.properties.mileage == {"value": 1}


def test_reprs_name_fields_and_show_nothing(event):
    """Enough to see what is there."""
    assert (
        repr(event)
        == "Event(event, event_time, event_id, user, page, properties, ad, app, lead, limited_data_use, device)"
    )
    assert repr(event.user).startswith("User(email, phone, external_id, ")
    assert not markers.shown_in(repr([event.user, event.page, event.properties, event.problems]))
