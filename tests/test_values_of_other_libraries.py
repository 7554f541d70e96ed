"""Numbers, URLs, enums and money of other libraries, as the fields of an event take them."""

from __future__ import annotations

import importlib
import pathlib
import pickle
from decimal import Decimal
from enum import Enum
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from foreign_values import value_of

import tiktok_events as tt


class Status(Enum):
    """An enum as applications have it."""

    NEW = "new"
    TWO = 2


class Money:
    """A money object of an application's own."""

    def __init__(self, amount, currency):
        self.amount, self.currency = amount, currency


NUMBERS = [
    ("numpy.int64(10)", 10),
    ("numpy.uint8(10)", 10),
    ("numpy.float64(10.9)", 10.9),
    ("numpy.float32(10.9)", 10.9),
    ("numpy.float16(0.5)", 0.5),
    ("numpy.longdouble('10.5')", 10.5),
    ("pandas.Series([46]).iloc[0]", 46),
    ("pandas.Series([46.1]).iloc[0]", 46.1),
    ("pandas.Series([46], dtype='Int64').iloc[0]", 46),
    ("pandas.Series([46.1], dtype='float32').iloc[0]", 46.1),
    ("fractions.Fraction(5, 2)", 2.5),
    ("fractions.Fraction(1, 3)", 1 / 3),
    ("decimal.Decimal('46.10')", 46.1),
]


@pytest.mark.parametrize(("expression", "number"), NUMBERS)
def test_numbers_of_numpy_and_pandas_are_numbers(expression, number):
    """The value is the number that the other library prints, without the noise of a narrow float."""
    value = value_of(expression)
    event = tt.Event("Purchase", properties={"value": value, "currency": "EUR", "contents": [{"price": value}]})

    assert event.problems == ()
    assert event._wire["properties"] == {"value": number, "currency": "EUR", "contents": [{"price": number}]}
    assert type(event._wire["properties"]["value"]) in (int, float)


@pytest.mark.parametrize(
    "expression", ["numpy.int64(3)", "numpy.float64(3.0)", "fractions.Fraction(3)", "numpy.int8(3)"]
)
def test_whole_numbers_are_counts_and_ids(expression):
    """An integer of numpy counts items, and is an id if it is an integer."""
    value = value_of(expression)

    assert tt.Properties(num_items=value, contents=[{"quantity": value}])._wire["num_items"] == 3
    if not expression.startswith(("numpy.float", "fractions")):
        event = tt.Event("Purchase", key=value, user={"external_id": [value]}, properties={"order_id": value})
        assert event.key == "3"
        assert event.properties.order_id == "3"
        assert event.user == tt.User(external_id="3")
        assert tt.Event("Purchase", event_id=value).event_id == "3"


def test_bools_of_numpy_are_bools():
    """A column of flags."""
    numpy = pytest.importorskip("numpy")

    assert tt.Event("Purchase", limited_data_use=numpy.bool_(True)).limited_data_use is True
    assert tt.Ad(is_retargeting=numpy.bool_(False)).is_retargeting is False
    with pytest.raises(TypeError, match="bool"):
        tt.Event("Purchase", limited_data_use=numpy.int64(1))


MISSING = ["math.nan", "numpy.nan", "numpy.float32('nan')", "pandas.NaT", "pandas.NA", "numpy.datetime64('NaT', 's')"]


@pytest.mark.parametrize("expression", MISSING)
def test_missing_values_are_absent(expression):
    """What a row without a value holds is as if it were not given; in a number, NaN is an error."""
    missing = value_of(expression)
    user = dict.fromkeys(tt.UserFields.__annotations__, missing)
    texts = {"search_string": missing, "content_ids": missing, "contents": missing, "currency": missing}
    others = {name: missing for name in ("page", "ad", "app", "lead", "extra", "limited_data_use") if name != "extra"}
    user.pop("extra")
    event = tt.Event(
        "Contact", event_id="1", event_time=5, user=user, properties={**texts, "order_id": missing}, **others
    )

    assert event.problems == ()
    assert event._wire == {"event": "Contact", "event_id": "1", "event_time": 5}
    assert tt.User(email=[missing, "a@example.com"]) == tt.User(email="a@example.com")
    assert tt.User(phone=[missing], phone_region="DE")._wire == {}
    assert tt.Event("A", event_id="1", event_time=5, user=missing, properties=missing) == tt.Event(
        "A", event_id="1", event_time=5
    )


@pytest.mark.parametrize("expression", MISSING)
def test_missing_values_are_no_numbers_and_no_ids(expression):
    """A value, a count and a key must be there: a random id would count an order twice."""
    missing = value_of(expression)

    assert [one.rule for one in tt.Properties(value=missing).problems] == ["value-malformed"]
    assert [one.rule for one in tt.Properties(num_items=missing).problems] == ["integer-malformed"]
    with pytest.raises(TypeError):
        tt.Event("Purchase", key=missing)
    with pytest.raises(TypeError):
        tt.Event("Purchase", event_id=missing)


URL = "https://shop.example/thanks?order=1"
URLS = [
    f"starlette.datastructures.URL('{URL}')",
    f"httpx.URL('{URL}')",
    f"yarl.URL('{URL}')",
    f"pydantic.HttpUrl('{URL}')",
    f"pydantic.AnyUrl('{URL}')",
    f"urllib.parse.urlsplit('{URL}')",
    f"urllib.parse.urlparse('{URL}')",
]


@pytest.mark.parametrize("expression", URLS)
def test_urls_are_text(expression):
    """The most natural line of a view, with the URL objects of its framework."""
    for module in ("starlette.datastructures", "urllib.parse"):
        if expression.startswith(module):
            pytest.importorskip(module)
    url = value_of(expression)
    event = tt.Event("Purchase", page={"url": url, "referrer": url}, ad={"touchpoint_url": url})

    assert event.problems == ()
    assert event._wire["page"] == {"url": URL, "referrer": URL}
    assert event.ad.touchpoint_url == URL


def test_secrets_in_url_objects_are_removed():
    """As in text."""
    assert tt.Page(url=urlsplit("https://user:pw@shop.example/?token=x&q=1")).url == "https://shop.example/?q=1"
    with pytest.raises(TypeError, match=r"page\.url"):
        tt.Page(url=5)
    with pytest.raises(TypeError, match="email"):
        tt.User(email=pytest.importorskip("httpx").URL(URL))


def test_enum_members_are_their_values():
    """Whether the enum is of strings or not."""
    event = tt.Event(Status.NEW, event_id=Status.NEW, properties={"customer_type": Status.NEW, "num_items": Status.TWO})

    assert event._wire["event"] == "new"
    assert event.event_id == "new"
    assert event._wire["properties"] == {"customer_type": "new", "num_items": 2}
    assert tt.Event("A", key=Status.NEW).key == "new"
    assert tt.User(external_id=[Status.NEW]) == tt.User(external_id="new")
    assert tt.Event("A", extra={"state": Status.NEW})._wire["state"] == "new"


def test_a_uuid_is_an_event_id():
    """As it is a key."""
    uuid = UUID(int=5)

    assert tt.Event("Purchase", event_id=uuid).event_id == str(uuid)


MONEY = [
    ("moneyed.Money('46.10', 'EUR')", 46.1, "EUR"),
    ("moneyed.Money(4600, 'JPY')", 4600, "JPY"),
]


@pytest.mark.parametrize(("expression", "value", "currency"), MONEY)
def test_money_brings_its_currency(expression, value, currency):
    """It fills a currency that is not given."""
    money = value_of(expression)
    item = {"content_id": "1", "price": money}

    for contents in ([item], (item,), iter([item]), [tt.Content(**item)]):
        properties = tt.Properties(value=money, contents=contents)
        assert properties.problems == ()
        assert properties._wire["value"] == value
        assert properties._wire["currency"] == currency
        assert properties._wire["contents"] == [{"content_id": "1", "price": value}]
    assert tt.Properties(contents=[item]).currency == currency
    assert tt.Properties(value=money, currency=currency.lower()).problems == ()
    assert item["price"] is money


def test_money_in_another_currency_is_a_problem():
    """An amount and its currency belong together; a price in another one is left out."""
    euro, dollar = Money(Decimal("9.90"), "EUR"), Money(5, "USD")
    both = tt.Properties(value=euro, currency="USD", contents=[{"price": dollar}, tt.Content(price=dollar)])

    assert both._wire == {"value": 9.9, "currency": "EUR"}
    assert [(one.rule, one.field) for one in both.problems] == [
        ("currency-contradiction", "properties.currency"),
        ("currency-contradiction", "properties.contents[0].price"),
        ("currency-contradiction", "properties.contents[1].price"),
    ]
    assert "9.9" not in str(both.problems)


def test_a_price_of_money_is_a_plain_amount_in_an_item():
    """Alone, an item has no currency; copied or pickled it stays the same."""
    content = tt.Content(content_id="1", price=Money("9.90", "EUR"))

    assert content.price == Decimal("9.9")
    assert pickle.loads(pickle.dumps(content)) == content == tt.Content(content_id="1", price="9.90")
    with pytest.raises(TypeError, match="value must be a number"):
        tt.Properties(value={"amount": 5, "currency": "EUR"})
    with pytest.raises(TypeError, match="price must be a number"):
        tt.Content(price=object())


def test_no_library_is_imported():
    """The core reads values by what they offer."""
    for module in ("foreign_values", "times", "values"):
        source = importlib.import_module(f"tiktok_events._events.normalize.{module}").__file__
        with pathlib.Path(source).open(encoding="utf-8") as file:
            text = file.read()
        assert not any(
            f"import {name}" in text for name in ("numpy", "pandas", "yarl", "starlette", "httpx", "moneyed")
        )
