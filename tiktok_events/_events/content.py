"""`Content`: one item of an event."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, Unpack

import attrs

from tiktok_events._events.field_plan import FieldPlan, Wire, build, field_plan
from tiktok_events._events.money_objects import MoneyGiven, raise_for_money
from tiktok_events._events.normalize.foreign_values import MoneyObject, money_parts
from tiktok_events._events.normalize.values import Id, Number, WrongType, number
from tiktok_events._events.wire_object import WireField, WireObject, set_problems, set_wire, wire_of
from tiktok_events._spec.fields import CONTENT, UNDOCUMENTED_CONTENT
from tiktok_events._spec.problem import Problem


class DecimalField(WireField[Decimal]):
    """A read-only property that returns a number of the wire dict as Decimal."""

    def __get__(self, instance: WireObject | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance._wire.get(self._key)
        return None if value is None else Decimal(repr(value))


class ContentFields(TypedDict, total=False):
    """`Content` as a mapping."""

    content_id: Id | None
    price: Number | MoneyObject | None
    quantity: int | None
    content_name: str | None
    content_category: str | None
    brand: str | None
    content_type: str | None
    extra: Mapping[str, Any] | None


def _convert_price(value: object, path: str, problems: list[Problem]) -> float | int | None:
    return number(raise_for_money(value), path, problems)


class Content(WireObject):
    """One item: `content_id` (the catalogue's SKU or item group id), `price` of a single item, whole `quantity`.

    An int id is sent as a string, as TikTok requires. A price or quantity that is not a number, and a negative quantity,
    is left out and added to `problems`. A price may be a money object (`amount` and `currency`).
    Source: endpoint page; `quantity` from its samples.

    Raises:
        TypeError: If a value is of a Python type that its field never takes.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """

    __slots__ = ("_currency",)
    _currency: str
    """The currency of a money object that was given as `price`; unset without one."""

    content_id = WireField[str]("SKU or item group id.")
    price = DecimalField("Price of a single item.")
    quantity = WireField[int]("Number of items.")
    content_name = WireField[str]("Name.")
    content_category = WireField[str]("Category, such as A > B.")
    brand = WireField[str]("Brand.")
    content_type = WireField[str]("Its position in Events API 1.0; today it belongs in `Properties`.")

    _field_plan: ClassVar[FieldPlan] = field_plan(
        "contents", CONTENT, fallback_converters={"price": _convert_price}, undocumented=UNDOCUMENTED_CONTENT
    )

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[ContentFields]) -> None: ...

    else:

        def __init__(self, **fields: Any) -> None:
            problems: list[Problem] = []
            try:
                wire = build(self._field_plan, fields, problems)
            except MoneyGiven:
                problems.clear()
                fields["price"], currency = money_parts(fields["price"])
                _set_currency(self, currency)
                wire = build(self._field_plan, fields, problems)
            set_wire(self, wire)
            set_problems(self, tuple(problems))


_set_currency = Content.__dict__["_currency"].__set__


def convert_contents(contents: object, path: str, problems: list[Problem]) -> list[Wire] | None:
    """The items *contents* (objects of `Content` or mappings) in wire form; None if there are none.

    Raises:
        TypeError: If *contents* is not iterable, or an item is neither.
        MoneyGiven: If a price is a money object.
    """
    if isinstance(contents, (str, bytes, Mapping)) or not isinstance(contents, Iterable):
        raise WrongType(path, "a list of Content or mappings", contents)
    if not isinstance(contents, (list, tuple)):
        contents = list(contents)
    items: list[Wire] = []
    try:
        for index, content in enumerate(contents):
            count = len(problems)
            item = (
                build(Content._field_plan, content, problems)
                if type(content) is dict
                else _wire_of_item(content, problems)
            )
            if len(problems) > count:
                problems[count:] = _with_path(problems[count:], index)
            if item:
                items.append(item)
    except MoneyGiven:
        raise MoneyGiven(contents) from None
    return items or None


def _wire_of_item(content: object, problems: list[Problem]) -> Wire:
    wire = wire_of(Content, content, problems)
    if hasattr(content, "_currency"):
        raise MoneyGiven
    return wire


def _with_path(problems: Iterable[Problem], index: int) -> Iterable[Problem]:
    # An item does not know its index in the list, so its field paths are like contents.price until here.
    return [
        attrs.evolve(found, field=found.field.replace("contents", f"properties.contents[{index}]", 1))
        for found in problems
    ]
