"""Fill a wire dict by the field table: for the objects and fields that no shop sends with every event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tiktok_events._events.values import boolean, id_text, integer, number, plain_json, seconds, strings
from tiktok_events._events.wire import Wire, WireObject, add_extra, refuse_unknown_keys
from tiktok_events._facts.fields import Type
from tiktok_events._rules.problem import Problem


def _integer(value: object, field: str, found: list[Problem]) -> int | None:
    return seconds(value, field) if isinstance(value, datetime) else integer(value, field, found)


_CONVERTERS: dict[Type, Callable[[Any, str, list[Problem]], Any]] = {
    "str": id_text,
    "number": number,
    "integer": _integer,
    "boolean": boolean,
    "strings": strings,
    "object": plain_json,
    "any": plain_json,
}


def wire_by_table(found: list[Problem], fields: Mapping[str, Any], cls: type[WireObject]) -> Wire:
    """The wire form of *fields* and their `extra`."""
    wire: Wire = {}
    fill_by_table(wire, found, {name: value for name, value in fields.items() if name != "extra"}, cls)
    if fields.get("extra") is not None:
        add_extra(wire, found, fields["extra"], cls._name, cls._fields)
    return wire


def fill_by_table(wire: Wire, found: list[Problem], values: Mapping[str, Any], cls: type[WireObject]) -> None:
    """Add *values* to *wire*, each converted as the fields of *cls* say; None is absent.

    Raises:
        UnknownField: If a key of *values* is no field.
    """
    if not values.keys() <= cls._fields.keys():
        refuse_unknown_keys(cls, values)
    for name, value in values.items():
        if value is not None:
            converted = _CONVERTERS[cls._fields[name].type](value, f"{cls._name}.{name}", found)
            if converted is not None:
                wire[name] = converted
