"""Values as people have them: times, keys, money, addresses, and text of classes of its own."""

import enum
import pickle
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address

import markers
import pytest
from marker_hook import raises

import tiktok_events as tt


class Names(str, enum.Enum):  # noqa: UP042 - the old way is what shops have
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
