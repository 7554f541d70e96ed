"""`Properties`: value, currency and items of an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

from tiktok_events._events.content import Content, ContentFields, DecimalField, convert_contents
from tiktok_events._events.field_plan import FieldPlan, Wire, build, field_plan
from tiktok_events._events.money_objects import MoneyGiven, raise_for_money, with_plain_amounts
from tiktok_events._events.normalize.foreign_values import MoneyObject
from tiktok_events._events.normalize.values import Id, Number, number
from tiktok_events._events.wire_object import WireField, WireObject, read_only, view
from tiktok_events._spec.currencies import CURRENCIES
from tiktok_events._spec.fields import PROPERTIES
from tiktok_events._spec.problem import Problem, Refused


def _convert_value(value: object, path: str, problems: list[Problem]) -> float | int | None:
    return number(raise_for_money(value), path, problems, "value-malformed")


def _currency(text: str) -> str:
    if text in CURRENCIES:
        return text
    text = text.strip().upper()
    if text and not (len(text) == 3 and text.isascii() and text.isalpha()):
        raise Refused("currency-malformed")
    return text


class VerticalFields(TypedDict, total=False):
    """The travel and vehicle fields of `Properties`. A: two large integrations agree; TikTok does not document them.

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
    """Rare fields of `Properties`: travel, vehicle, two from a single sender (1), three of Events API 1.0 (X)."""

    delivery_category: str | None
    predicted_ltv: Number | None
    query: str | None
    status: str | None
    event_channel: str | None


class PropertiesFields(RareFields, total=False):
    """`Properties` as a mapping."""

    value: Number | MoneyObject | None
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
    """Value, currency and items of the event.

    `value` is the total as a number, plain decimal text ("46.00"; no symbol, no comma), or a money object (`amount` and
    `currency`), whose currency is sent too; 0 is sent. `currency` is its ISO 4217 code in any case. `contents` are the
    items, `content_ids` only their ids, `content_type` is "product" or "product_group", `num_items` the number of
    items, `customer_type` "new" or "returning". Travel, vehicle and other rare fields are keyword arguments too
    (`RareFields`). With a `value` that is not a number the whole event is an error; other invalid values are left out
    and added to `problems`.
    Source: endpoint page.

    Raises:
        TypeError: If a value is of a Python type that its field never takes, or a field is unknown.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """

    __slots__ = ()

    value = DecimalField("Total, in `currency`.")
    currency = WireField[str]("ISO 4217 code, upper case.")
    content_ids = WireField[tuple[str, ...]]("Ids of the items.")
    content_type = WireField[str]("product or product_group.")
    num_items = WireField[int]("Number of items.")
    order_id = WireField[str]("Order number.")
    shop_id = WireField[str]("Shop id.")
    search_string = WireField[str]("Search text.")
    description = WireField[str]("Description of item or page.")
    customer_type = WireField[str]("new or returning; web and app only.")

    _field_plan: ClassVar[FieldPlan] = field_plan(
        "properties",
        PROPERTIES,
        text_converters={"currency": _currency},
        converters={"contents": convert_contents},
        fallback_converters={"value": _convert_value},
    )

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[PropertiesFields]) -> None: ...

    @classmethod
    def _build_wire(cls, fields: Mapping[str, Any], problems: list[Problem]) -> Wire:
        count = len(problems)
        try:
            return build(cls._field_plan, fields, problems)
        except MoneyGiven as found:
            del problems[count:]
            return build(cls._field_plan, with_plain_amounts(fields, found.contents, problems), problems)

    @property
    def contents(self) -> tuple[Content, ...]:
        """The items; empty if there are none."""
        return tuple(view(Content, item) for item in self._wire.get("contents", ()))

    def __getattr__(self, name: str) -> Any:
        # The rare fields have no property of their own.
        if name in PROPERTIES:
            return read_only(self._wire.get(name))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
