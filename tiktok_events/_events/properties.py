"""What it was about: value, currency and items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import attrs

from tiktok_events._events.build import Plan, Wire, build, plan
from tiktok_events._events.typed import ContentFields, PropertiesFields
from tiktok_events._events.values import WrongType, number
from tiktok_events._events.wire import Wired, WireObject, read, view, wire_of
from tiktok_events._facts.currencies import CURRENCIES
from tiktok_events._facts.fields import CONTENT, PROPERTIES, UNDOCUMENTED_CONTENT
from tiktok_events._rules.problem import Problem, Refused


class Money(Wired[Decimal]):
    """A number of the wire dict, read as the Decimal it stands for."""

    def __get__(self, instance: WireObject | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance._wire.get(self._key)
        return None if value is None else Decimal(repr(value))


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
            found[before:] = _placed(found[before:], index)
        if item:
            items.append(item)
    return items or None


def _placed(problems: Iterable[Problem], index: int) -> Iterable[Problem]:
    # An item does not know its place in the list, so its fields read contents.price until here.
    return [
        attrs.evolve(one, field=one.field.replace("contents", f"properties.contents[{index}]", 1)) for one in problems
    ]


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
        # The rare fields, which are too many to spell out twice.
        if name in PROPERTIES:
            return read(self._wire.get(name))
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
