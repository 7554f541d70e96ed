"""`Properties` and `Content`: value, currency and items of an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

import attrs

from tiktok_events._events.field_plan import Plan, Wire, build, plan
from tiktok_events._events.normalize.values import Id, Number, WrongType, number
from tiktok_events._events.wire_object import Wired, WireObject, read, view, wire_of
from tiktok_events._spec.currencies import CURRENCIES
from tiktok_events._spec.fields import CONTENT, PROPERTIES, UNDOCUMENTED_CONTENT
from tiktok_events._spec.problem import Problem, Refused


class Money(Wired[Decimal]):
    """A number of the wire dict, read as the Decimal it stands for."""

    def __get__(self, instance: WireObject | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance._wire.get(self._key)
        return None if value is None else Decimal(repr(value))


class ContentFields(TypedDict, total=False):
    """`Content` as a mapping."""

    content_id: Id | None
    price: Number | None
    quantity: int | None
    content_name: str | None
    content_category: str | None
    brand: str | None
    content_type: str | None
    extra: Mapping[str, Any] | None


class Content(WireObject):
    """One item: `content_id` (the catalogue's SKU or item group id), `price` of a single item, whole `quantity`.

    An int id becomes the string TikTok wants; a price or quantity that is no number is left out and kept in
    `problems`. Source: endpoint page; `quantity` from its samples.

    Raises:
        TypeError: If a value is of a Python type its field never takes.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """

    __slots__ = ()

    content_id = Wired[str]("SKU or item group id.")
    price = Money("Price of one.")
    quantity = Wired[int]("How many.")
    content_name = Wired[str]("Name.")
    content_category = Wired[str]("Category, such as A > B.")
    brand = Wired[str]("Brand.")
    content_type = Wired[str]("Place of Events API 1.0; today it belongs in `Properties`.")

    _plan: ClassVar[Plan] = plan("contents", CONTENT, undocumented=UNDOCUMENTED_CONTENT)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[ContentFields]) -> None: ...


def _value(value: object, path: str, found: list[Problem]) -> float | int | None:
    return number(value, path, found, "value-malformed")


def _currency(text: str) -> str:
    if text in CURRENCIES:
        return text
    text = text.strip().upper()
    if text and not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise Refused("currency-malformed")
    return text


def _contents(contents: object, path: str, found: list[Problem]) -> list[Wire] | None:
    if isinstance(contents, (str, bytes, Mapping)) or not isinstance(contents, Iterable):
        raise WrongType(path, "a list of Content or mappings", contents)
    items: list[Wire] = []
    for index, one in enumerate(contents):
        before = len(found)
        item = build(Content._plan, one, found) if type(one) is dict else wire_of(Content, one, found)
        if len(found) > before:
            found[before:] = _with_path(found[before:], index)
        if item:
            items.append(item)
    return items or None


def _with_path(problems: Iterable[Problem], index: int) -> Iterable[Problem]:
    # An item does not know its index in the list, so until here its field paths read contents.price.
    return [
        attrs.evolve(one, field=one.field.replace("contents", f"properties.contents[{index}]", 1)) for one in problems
    ]


class VerticalFields(TypedDict, total=False):
    """The travel and vehicle fields of `Properties`. A: two large senders agree; TikTok's page is silent.

    Dates are `YYYYMMDD`, `YYYY-MM-DD` or either with time and zone. `travel_class` is eco, prem, bus or first,
    `state_of_vehicle` New, Used or CPO, `mileage` `{"value": ..., "unit": "MI" or "KM"}`, `preferred_price_range`
    `[min, max]`, `vin` up to 17 characters.
    """

    city: str | None
    region: str | None
    country: str | None
    checkin_date: str | None
    checkout_date: str | None
    num_adults: int | None
    num_children: int | None
    num_infants: int | None
    suggested_hotels: Sequence[str] | None
    departing_departure_date: str | None
    returning_departure_date: str | None
    origin_airport: str | None
    destination_airport: str | None
    destination_ids: Sequence[str | int] | None
    departing_arrival_date: str | None
    returning_arrival_date: str | None
    travel_class: str | None
    user_score: Number | None
    preferred_num_stops: int | None
    travel_start: str | None
    travel_end: str | None
    suggested_destinations: Sequence[str] | None
    postal_code: str | int | None
    make: str | None
    model: str | None
    year: int | None
    state_of_vehicle: str | None
    mileage: Mapping[str, Any] | None
    exterior_color: str | None
    interior_color: str | None
    transmission: str | None
    body_style: str | None
    fuel_type: str | None
    drivetrain: str | None
    preferred_price_range: Sequence[Number] | None
    trim: str | None
    vin: str | None
    condition_of_vehicle: str | None
    viewcontent_type: str | None
    search_type: str | None
    registration_type: str | None


class RareFields(VerticalFields, total=False):
    """`Properties` that few events carry: the verticals, two of one sender (1), three of Events API 1.0 (X)."""

    delivery_category: str | None
    predicted_ltv: Number | None
    query: str | None
    status: str | None
    event_channel: str | None


class PropertiesFields(RareFields, total=False):
    """`Properties` as a mapping."""

    value: Number | None
    currency: str | None
    contents: Iterable[Content | ContentFields] | None
    content_ids: Iterable[Id] | None
    content_type: str | None
    num_items: int | None
    order_id: Id | None
    shop_id: Id | None
    search_string: str | None
    description: str | None
    customer_type: str | None
    extra: Mapping[str, Any] | None


class Properties(WireObject):
    """What it was about.

    `value` is the total as Decimal, int, float or plain decimal text ("46.00"; never with a symbol or a comma), 0 is
    kept; `currency` its ISO 4217 code in any case. `contents` are the items, `content_ids` their ids alone,
    `content_type` "product" or "product_group", `num_items` how many, `customer_type` "new" or "returning". Travel,
    vehicle and other rare fields go by keyword too (`RareFields`). A value that is no number makes the event an
    error; other nonsense is left out and kept in `problems`. Source: endpoint page.

    Raises:
        TypeError: If a value is of a Python type its field never takes, or a field is unknown.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """

    __slots__ = ()

    value = Money("Total, in `currency`.")
    currency = Wired[str]("ISO 4217 code, upper case.")
    content_ids = Wired[tuple[str, ...]]("Ids of the items.")
    content_type = Wired[str]("product or product_group.")
    num_items = Wired[int]("How many items.")
    order_id = Wired[str]("Order number.")
    shop_id = Wired[str]("Shop.")
    search_string = Wired[str]("What was searched for.")
    description = Wired[str]("Description of item or page.")
    customer_type = Wired[str]("new or returning; web and app only.")

    _plan: ClassVar[Plan] = plan(
        "properties",
        PROPERTIES,
        direct={"currency": _currency},
        convert={"contents": _contents},
        unusual={"value": _value},
    )

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[PropertiesFields]) -> None: ...

    @property
    def contents(self) -> tuple[Content, ...]:
        """The items."""
        return tuple(view(Content, item) for item in self._wire.get("contents", ()))

    def __getattr__(self, name: str) -> Any:
        # The rare fields have no property of their own.
        if name in PROPERTIES:
            return read(self._wire.get(name))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
