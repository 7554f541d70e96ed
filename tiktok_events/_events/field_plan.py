"""Convert the fields of an object to wire form: one loop for all objects, driven by a field plan.

Every event takes this path, so it tests the most common case first and repeats no work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

import attrs

from tiktok_events._events.normalize.values import (
    LARGEST,
    HashOne,
    UnknownField,
    WrongType,
    boolean,
    hashed,
    hashed_id,
    hashed_many,
    id_text,
    integer_or_time,
    number,
    plain_json,
    strings,
    text,
)
from tiktok_events._spec.fields import LEGACY, Field
from tiktok_events._spec.problem import Problem, Refused
from tiktok_events._spec.rules import problem, problem_of

Wire = dict[str, Any]
Convert = Callable[[Any, str, list[Problem]], Any]

_CONVERTERS: dict[str, Convert] = {
    "number": number,
    "integer": integer_or_time,
    "boolean": boolean,
    "strings": strings,
    "object": plain_json,
    "any": plain_json,
}
_IDS = frozenset({"idfa", "gaid", "idfv", "zip_code", "postal_code", "model"})
"""Texts that may come as int, beside those whose name ends in _id."""


_CONVERTER_TYPES = {"str": str, "number": float, "integer": int}


@attrs.frozen
class Plan:
    """How the fields of one object are converted to wire form.

    `name` is where the object stands in an event. `converters` holds the usual type of a field (str, float, int), whose values
    are used as they are, or a function for text (text in, text out, "" for an absent value, raises `Refused`).
    `convert` handles the rest: other types, and text that is not ASCII.
    """

    name: str
    fields: Mapping[str, Field]
    converters: Mapping[str, type | HashOne | None]
    convert: Mapping[str, tuple[Convert, str]]


def plan(
    name: str,
    fields: Mapping[str, Field],
    *,
    direct: Mapping[str, HashOne] | None = None,
    convert: Mapping[str, Convert] | None = None,
    unusual: Mapping[str, Convert] | None = None,
    undocumented: frozenset[str] = frozenset(),
) -> Plan:
    """The plan for *fields*, some of them with their own functions; *undocumented* fields are for `extra` only.

    A function in *convert* gets every value of its field, one in *unusual* only values that are not used as they are.
    """
    direct, convert = direct or {}, convert or {}
    own = {**(unusual or {}), **convert}
    known = {key: field for key, field in fields.items() if key not in undocumented}
    return Plan(
        name,
        fields,
        {
            key: direct.get(key) or (None if key in convert else _CONVERTER_TYPES.get(field.type))
            for key, field in known.items()
        },
        {
            key: (own.get(key) or _converter(key, field, direct.get(key)), f"{name}.{key}")
            for key, field in known.items()
        },
    )


def _converter(key: str, field: Field, direct: HashOne | None) -> Convert:
    if direct is not None:
        through = hashed_many if field.many else hashed_id if key in _IDS else hashed
        return lambda value, path, found: through(value, path, found, direct)
    if field.type == "str":
        return id_text if key.endswith("_id") or key in _IDS else text
    return _CONVERTERS[field.type]


def build(plan: Plan, fields: Mapping[str, Any], found: list[Problem]) -> Wire:
    """The wire form of *fields*; an invalid value is left out and its problem is added to *found*.

    Raises:
        TypeError: If a field is unknown or a value of a type its field never takes.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """
    wire: Wire = {}
    converters = plan.converters
    for name, value in fields.items():
        try:
            how = converters[name]
        except KeyError:
            if name != "extra":
                raise unknown_field(plan, name) from None
            if value is not None:
                wire.update(build_extra(plan, value, found))
            continue
        kind = type(value)
        if kind is str:
            if how is str:
                if value and value.isascii():
                    wire[name] = value
                    continue
            elif type(how) is FunctionType and value.isascii():
                try:
                    if clean := how(value):
                        wire[name] = clean
                except Refused as refused:
                    _note_refusal(refused, plan.name, name, wire, found)
                continue
        elif kind is int or kind is float:
            if (how is float or how is kind) and -LARGEST < value < LARGEST:
                wire[name] = value
                continue
        elif value is None:
            continue
        convert, path = plan.convert[name]
        converted = convert(value, path, found)
        if converted is not None:
            wire[name] = converted
    return wire


def _note_refusal(refused: Refused, plan_name: str, name: str, wire: Wire, found: list[Problem]) -> None:
    found.append(problem_of(refused, f"{plan_name}.{name}"))
    if refused.instead:
        wire[name] = refused.instead


def build_extra(plan: Plan, extra: object, found: list[Problem]) -> Wire:
    """A copy of the undocumented fields in *extra*. A documented field has its own parameter."""
    if not isinstance(extra, Mapping):
        raise WrongType(f"{plan.name}.extra", "a mapping", extra)
    kept: Wire = {}
    for key, value in plain_json(extra, f"{plan.name}.extra", found).items():
        path = f"{plan.name}.{key}"
        if key in plan.convert:
            raise ValueError(f"{path} is a documented field: pass it as {key}=, not through extra")
        if key in LEGACY.get(plan.name, {}):
            found.append(problem("legacy-field", path, LEGACY[plan.name][key]))
        elif value is not None:
            kept[key] = value
    return kept


def unknown_field(plan: Plan, key: object) -> UnknownField:
    """The error for a *key* that is no field, with the likely spelling."""
    import difflib  # only on an error: its import takes longer than the rest of this module

    close = difflib.get_close_matches(str(key), plan.convert, 1)
    hint = LEGACY.get(plan.name, {}).get(str(key)) or (close[0] if close else "")
    return UnknownField(plan.name, str(key), f"; did you mean {hint}?" if hint else "")
