"""Events and their parts: immutable values with wire names, that show nothing."""

import copy
import enum
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address
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


class Names(str, enum.Enum):
    """Names as an enumeration, as shops keep them."""

    PURCHASE = "Purchase"


class Ratio(float):
    """A number with a class of its own, as numpy's are."""


def test_strings_and_numbers_of_their_own_class(client, tiktok):
    """They are sent as what they are, by either JSON library."""
    event = tt.Event(
        Names.PURCHASE,
        event_time=1_790_000_000,
        properties={"value": Ratio(46.5), "currency": "EUR", "order_id": Names.PURCHASE},
    )
    client.track(event)

    assert tiktok.events[0]["event"] == "Purchase"
    assert tiktok.events[0]["properties"] == {"value": 46.5, "currency": "EUR", "order_id": "Purchase"}


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (1_790_000_000, 1_790_000_000),
        (1_790_000_000.9, 1_790_000_000),
        (datetime(2026, 9, 1, tzinfo=UTC), 1_788_220_800),
        (datetime(2026, 9, 1, 2, tzinfo=timezone(timedelta(hours=2))), 1_788_220_800),
        (datetime(2026, 9, 1, 0, 0, 0, 999_999, tzinfo=UTC), 1_788_220_800),
    ],
)
def test_times_are_whole_seconds(given, seconds):
    """Of any clock that says its zone."""
    assert tt.Event("Purchase", event_time=given).event_time == seconds


def test_time_and_id_are_fixed_at_construction():
    """Now, and random: each object is a conversion of its own."""
    first, second = tt.Event("Purchase"), tt.Event("Purchase")

    assert abs(first.event_time - datetime.now(UTC).timestamp()) < 60
    assert first.event_id != second.event_id
    assert first != second
    assert len(first.event_id) == 32


def test_a_key_waits_for_its_source():
    """The event remembers it, equality counts it, and the id is the source's to make."""
    event = tt.Event("Purchase", key=1001, event_time=1)

    assert (event.key, event.event_id) == ("1001", None)
    assert event == tt.Event("Purchase", key="1001", event_time=1)
    assert event != tt.Event("Purchase", key="1002", event_time=1)
    assert pickle.loads(pickle.dumps(event)).id_for("shop") == tt.event_id("Purchase", 1001, namespace="shop")


@pytest.mark.parametrize("given", ["order-1", 5, "0"])
def test_an_id_from_elsewhere_is_kept_as_text(given):
    """TikTok refuses numbers."""
    assert tt.Event("Purchase", event_id=given).event_id == str(given)


def test_zero_is_a_value():
    """Not an absence."""
    properties = tt.Properties(value=0, num_items=0, contents=[{"content_id": 0, "price": 0, "quantity": 0}])

    assert properties._wire == {
        "value": 0,
        "num_items": 0,
        "contents": [{"content_id": "0", "price": 0, "quantity": 0}],
    }


@pytest.mark.parametrize(
    "empty",
    [
        {"value": ""},
        {"currency": " "},
        {"contents": []},
        {"contents": [{}]},
        {"content_ids": [None, ""]},
        {"num_items": " "},
        {"order_id": ""},
        {"description": None},
        {"vin": None},
    ],
)
def test_empty_is_absent(empty):
    """No empty string, list or object travels, and it is no problem."""
    properties = tt.Properties(**empty)

    assert properties._wire == {}
    assert properties.problems == ()
    assert "properties" not in tt.Event("Purchase", properties=empty)._wire


@pytest.mark.parametrize(
    ("given", "sent"), [("46.00", 46.0), (" 46 ", 46.0), (Decimal("0.1"), 0.1), (46, 46), (-5, -5), ("-0.5", -0.5)]
)
def test_money_as_people_have_it(given, sent):
    """Decimal, int, float or plain decimal text."""
    properties = tt.Properties(value=given)

    assert properties._wire["value"] == sent
    assert properties.value == Decimal(str(sent))


def test_addresses_as_objects():
    """ipaddress knows what an address is."""
    assert tt.User(ip=IPv4Address(markers.IP)).ip == markers.IP


URLS = [
    ("https://shop.example/a?b=c#d", "https://shop.example/a?b=c#d"),
    (" https://shop.example/a ", "https://shop.example/a"),
    ("https://user:zzpii@shop.example/a", "https://shop.example/a"),
    ("https://shop.example/a?token=zzpii&b=c", "https://shop.example/a?b=c"),
    ("https://shop.example/a?b=c&password=zzpii", "https://shop.example/a?b=c"),
    ("https://shop.example/a?CODE=zzpii", "https://shop.example/a"),
    ("https://shop.example/a?b=zzpii@example.com&c=d", "https://shop.example/a?c=d"),
    ("https://shop.example/a?b=zzpii%40example.com", "https://shop.example/a"),
    ("https://shop.example/a#access_token=zzpii&x=1", "https://shop.example/a#x=1"),
    ("https://shop.example/a?tokens=3&ttclid=E.C.P.x", "https://shop.example/a?tokens=3&ttclid=E.C.P.x"),
    ("https://shop.example/@handle?b=c", "https://shop.example/@handle?b=c"),
    ("HTTPS://shop.example", "HTTPS://shop.example"),
]


@pytest.mark.parametrize(("given", "sent"), URLS)
def test_urls_lose_their_secrets_and_nothing_else(given, sent):
    """The rest stays byte for byte: TikTok reads the click id from it."""
    page = tt.Page(url=given, referrer=given)

    assert (page.url, page.referrer) == (sent, sent)
    assert page.problems == ()


@pytest.mark.parametrize(
    ("misspelt", "hint"),
    [
        ({"user": {"emial": "x"}}, "email"),
        ({"user": {"phone_number": "x"}}, "phone"),
        ({"user": {"lead_id": "x"}}, r"lead\.lead_id"),
        ({"properties": {"contents_ids": "x"}}, "content_ids"),
        ({"page": {"referer": "x"}}, "referrer"),
        ({"evnt_time": 1}, "event_time"),
        ({"context": {}}, "user, page"),
    ],
)
def test_a_misspelt_field_is_named_with_the_right_one(misspelt, hint):
    """TikTok would answer OK and ignore it."""
    with raises(TypeError, match=f"did you mean {hint}\\?"):
        tt.Event.from_mapping({"event": "Purchase", **misspelt})
