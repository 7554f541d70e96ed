"""What it was about: value, currency and items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import attrs

from tiktok_events._events.by_table import fill_by_table
from tiktok_events._events.typed import ContentFields, Id, Number, PropertiesFields, RareFields
from tiktok_events._events.values import WrongType, id_text, integer, number, strings, text
from tiktok_events._events.wire import Wire, Wired, WireObject, add_extra, view, wire_of
from tiktok_events._facts.currencies import CURRENCIES
from tiktok_events._facts.fields import CONTENT, CONTENT_TYPES, PROPERTIES, Field
from tiktok_events._rules.problem import Problem
from tiktok_events._rules.table import problem


class Money(Wired[Decimal]):
    """A number of the wire dict, read as the Decimal it stands for."""

    def __get__(self, instance: WireObject | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance._wire.get(self._key)
        return None if value is None else Decimal(repr(value))


_UNDOCUMENTED = (
    "description",
    "availability",
    "sale_price",
    "on_sale",
    "review_count",
    "average_rating",
    "weight",
    "weight_unit",
)
_DOCUMENTED_CONTENT = {name: field for name, field in CONTENT.items() if name not in _UNDOCUMENTED}


def content_wire(
    found: list[Problem],
    /,
    content_id: Id | None = None,
    price: Number | None = None,
    quantity: int | str | None = None,
    content_name: str | None = None,
    content_category: str | None = None,
    brand: str | None = None,
    content_type: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Wire:
    """The wire form of a `Content`."""
    wire: Wire = {}
    if content_id is not None:
        ready = type(content_id) is str and content_id.isascii()
        wire["content_id"] = content_id if ready else id_text(content_id, "contents.content_id", found)
    if price is not None:
        wire["price"] = number(price, "contents.price", found)
    if quantity is not None:
        wire["quantity"] = quantity if type(quantity) is int else integer(quantity, "contents.quantity", found)
    if content_name is not None:
        ready = type(content_name) is str and content_name.isascii()
        wire["content_name"] = content_name if ready else text(content_name, "contents.content_name", found)
    if content_category is not None:
        wire["content_category"] = text(content_category, "contents.content_category", found)
    if brand is not None:
        wire["brand"] = text(brand, "contents.brand", found)
    if content_type is not None:
        wire["content_type"] = text(content_type, "contents.content_type", found)
    if not all(wire.values()):
        wire = {field: value for field, value in wire.items() if value is not None and value != ""}
    if extra is not None:
        add_extra(wire, found, extra, "contents", _DOCUMENTED_CONTENT)
    return wire


class Content(WireObject):
    """One item: `content_id` (the catalogue's SKU or item group id), `price` of a single item, whole `quantity`.

    An int id becomes the string TikTok wants; a price or quantity that is no number is left out and kept in
    `problems`. Source: endpoint page; `quantity` from its samples.

    Raises:
        TypeError: If a value is of a Python type its field never takes.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """

    __slots__ = ()
    _name: ClassVar[str] = "contents"
    _fields: ClassVar[Mapping[str, Field]] = CONTENT

    content_id = Wired[str]("SKU or item group id.")
    price = Money("Price of one.")
    quantity = Wired[int]("How many.")
    content_name = Wired[str]("Name.")
    content_category = Wired[str]("Category, such as A > B.")
    brand = Wired[str]("Brand.")
    content_type = Wired[str]("Place of Events API 1.0; today it belongs in `Properties`.")

    _build = staticmethod(content_wire)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[ContentFields]) -> None: ...


def properties_wire(
    found: list[Problem],
    /,
    value: Number | None = None,
    currency: str | None = None,
    contents: Iterable[Content | ContentFields] | None = None,
    content_ids: Iterable[Id] | None = None,
    content_type: str | None = None,
    num_items: int | str | None = None,
    order_id: Id | None = None,
    shop_id: Id | None = None,
    search_string: str | None = None,
    description: str | None = None,
    customer_type: str | None = None,
    extra: Mapping[str, Any] | None = None,
    **rest: Unpack[RareFields],
) -> Wire:
    """The wire form of a `Properties`."""
    wire: Wire = {}
    if value is not None:
        wire["value"] = number(value, "properties.value", found, "value-malformed")
    if currency is not None:
        wire["currency"] = _currency(currency, found)
    if contents is not None:
        wire["contents"] = _contents(contents, found)
    if content_ids is not None:
        wire["content_ids"] = strings(content_ids, "properties.content_ids", found)
    if content_type is not None:
        known = type(content_type) is str and content_type in CONTENT_TYPES
        wire["content_type"] = content_type if known else text(content_type, "properties.content_type", found)
    if num_items is not None:
        wire["num_items"] = integer(num_items, "properties.num_items", found)
    if order_id is not None:
        ready = type(order_id) is str and order_id.isascii() and order_id != ""
        wire["order_id"] = order_id if ready else id_text(order_id, "properties.order_id", found)
    if shop_id is not None:
        wire["shop_id"] = id_text(shop_id, "properties.shop_id", found)
    if search_string is not None:
        wire["search_string"] = text(search_string, "properties.search_string", found)
    if description is not None:
        wire["description"] = text(description, "properties.description", found)
    if customer_type is not None:
        wire["customer_type"] = text(customer_type, "properties.customer_type", found)
    if rest:
        fill_by_table(wire, found, rest, Properties)
    if not all(wire.values()):
        wire = {field: one for field, one in wire.items() if one is not None}
    if extra is not None:
        add_extra(wire, found, extra, "properties", PROPERTIES)
    return wire


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
    _name: ClassVar[str] = "properties"
    _fields: ClassVar[Mapping[str, Field]] = PROPERTIES

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

    _build = staticmethod(properties_wire)

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[PropertiesFields]) -> None: ...

    @property
    def contents(self) -> tuple[Content, ...]:
        """The items."""
        return tuple(view(Content, item) for item in self._wire.get("contents", ()))

    def __getattr__(self, name: str) -> Any:
        # The rare fields, which are too many to spell out twice.
        if name in PROPERTIES:
            value = self._wire.get(name)
            return tuple(value) if type(value) is list else value
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _currency(currency: object, found: list[Problem]) -> str | None:
    if type(currency) is str and currency in CURRENCIES:
        return currency
    if not isinstance(currency, str):
        raise WrongType("properties.currency", "str", currency)
    code = currency.strip().upper()
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        found.append(problem("currency-malformed", "properties.currency"))
        return None
    return code or None


def _contents(contents: object, found: list[Problem]) -> list[Wire] | None:
    if type(contents) is not list and (
        isinstance(contents, (str, bytes, Mapping)) or not isinstance(contents, Iterable)
    ):
        raise WrongType("properties.contents", "a list of Content or mappings", contents)
    items: list[Wire] = []
    for index, one in enumerate(contents):
        before = len(found)
        item = wire_of(Content, one, found)
        if len(found) > before:
            found[before:] = _placed(found[before:], index)
        if item:
            items.append(item)
    return items or None


def _placed(problems: Iterable[Problem], index: int) -> Iterable[Problem]:
    # An item does not know its place in the list, so its fields read contents.price until here.
    for one in problems:
        yield attrs.evolve(one, field=one.field.replace("contents", f"properties.contents[{index}]", 1))
