"""Money objects (an amount with its currency) as the value or as a price of an event.

They are rare, so that the plain case costs nothing: a converter raises `MoneyGiven` for one, and the event's properties
are built again from plain amounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tiktok_events._events.normalize.foreign_values import money_parts
from tiktok_events._spec.problem import Problem
from tiktok_events._spec.rules import problem


class MoneyGiven(Exception):
    """Raised by a converter for a money object. `contents` are the items of the event, if they were read already."""

    def __init__(self, contents: Sequence[Any] | None = None) -> None:
        self.contents = contents
        super().__init__()


def raise_for_money(value: object) -> object:
    """Return *value*.

    Raises:
        MoneyGiven: If it is a money object.
    """
    if money_parts(value) is not None:
        raise MoneyGiven
    return value


def with_plain_amounts(
    fields: Mapping[str, Any], contents: Sequence[Any] | None, problems: list[Problem]
) -> dict[str, Any]:
    """*fields* of `Properties` with plain amounts in place of money objects, and with their currency.

    The currency of a money object in `value` has priority over `currency`, because it belongs to the amount. A price in
    another currency than the event is left out. *contents* replaces the items of *fields*.
    """
    fields = dict(fields)
    if money := money_parts(fields.get("value")):
        fields["value"], value_currency = money
        if _code(fields.get("currency")) not in ("", _code(value_currency)):
            problems.append(problem("currency-contradiction", "properties.currency"))
        fields["currency"] = value_currency
    items = contents if contents is not None else fields.get("contents")
    if items is not None:
        fields["contents"] = [_with_plain_price(item, index, fields, problems) for index, item in enumerate(items)]
    return fields


def _with_plain_price(item: Any, index: int, fields: dict[str, Any], problems: list[Problem]) -> Any:
    if isinstance(item, Mapping):
        money, plain_item = money_parts(item.get("price")), dict(item)
    elif hasattr(item, "_currency"):  # a Content, whose price is a plain amount already
        money, plain_item = (item.price, item._currency), dict(item._wire)
    else:
        return item
    if money is None:
        return item
    plain_item["price"], currency = money
    if not _code(fields.get("currency")):
        fields["currency"] = currency
    elif _code(fields["currency"]) != _code(currency):
        problems.append(problem("currency-contradiction", f"properties.contents[{index}].price"))
        del plain_item["price"]
    return plain_item


def _code(currency: object) -> str:
    return currency.strip().upper() if isinstance(currency, str) else ""
