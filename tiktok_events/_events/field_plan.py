"""Field plans: how the fields of each event object are converted to wire form, and the one loop that does it.

Every event goes through this loop, so it tests the most common case first and repeats no work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import FunctionType
from typing import Any
from uuid import UUID

import attrs

from tiktok_events._events.normalize.foreign_values import plain
from tiktok_events._events.normalize.times import integer_or_time
from tiktok_events._events.normalize.values import (
    MAX_NUMBER,
    MAX_SHOWN_KEY,
    TextConverter,
    UnknownField,
    WrongType,
    boolean,
    convert_id,
    convert_many,
    convert_text,
    id_text,
    number,
    plain_json,
    shown_key,
    strings,
    text,
)
from tiktok_events._spec.fields import LEGACY, Field, replacement
from tiktok_events._spec.problem import Problem, Refused
from tiktok_events._spec.rules import problem, problem_of

Wire = dict[str, Any]
Converter = Callable[[Any, str, list[Problem]], Any]
"""Takes a value, its field path, and the list for its problems. Returns the wire value, or None to leave it out."""

_CONVERTERS: dict[str, Converter] = {
    "number": number,
    "integer": integer_or_time,
    "boolean": boolean,
    "strings": strings,
    "object": plain_json,
    "any": plain_json,
}
_ID_FIELDS = frozenset({"idfa", "gaid", "idfv", "zip_code", "postal_code", "model"})
"""Text fields that also take an int, besides those whose name ends in _id."""

_NUMERIC = frozenset({"number", "integer"})
_PYTHON_TYPES = frozenset({str, int, bool, list, tuple, dict, Decimal, UUID, type(None)})
"""Types whose values the converters take as they are. A float may be NaN."""

_PLAIN_TYPES = {"str": str, "number": float, "integer": int}


@attrs.frozen
class FieldPlan:
    """How the fields of one object are converted to wire form.

    `name` is the key of the object in an event. `fast_paths` holds for each field the Python type whose values are
    sent unchanged (str, float, int), or a `TextConverter` for ASCII text. `converters` holds for each field the
    converter and the field path for all other values: other types, and text that is not ASCII.
    """

    name: str
    fields: Mapping[str, Field]
    fast_paths: Mapping[str, type | TextConverter | None]
    converters: Mapping[str, tuple[Converter, str]]


def field_plan(
    name: str,
    fields: Mapping[str, Field],
    *,
    text_converters: Mapping[str, TextConverter] | None = None,
    converters: Mapping[str, Converter] | None = None,
    fallback_converters: Mapping[str, Converter] | None = None,
    undocumented: frozenset[str] = frozenset(),
) -> FieldPlan:
    """The plan for *fields* of the object *name*. Fields without a converter of their own use that of their type.

    A function in *text_converters* gets the text of its field, one in *converters* every value of its field, and one
    in *fallback_converters* only the values that the fast path does not take. *undocumented* fields are accepted in
    `extra` only.
    """
    text_converters, converters = text_converters or {}, converters or {}
    own = {**(fallback_converters or {}), **converters}
    known = {key: field for key, field in fields.items() if key not in undocumented}
    return FieldPlan(
        name,
        fields,
        {
            key: text_converters.get(key) or (None if key in converters else _PLAIN_TYPES.get(field.type))
            for key, field in known.items()
        },
        {
            key: (own.get(key) or _converter(key, field, text_converters.get(key)), f"{name}.{key}")
            for key, field in known.items()
        },
    )


def _converter(key: str, field: Field, text_converter: TextConverter | None) -> Converter:
    if text_converter is not None:
        convert = convert_many if field.many else convert_id if key in _ID_FIELDS else convert_text
        return lambda value, path, problems: convert(value, path, problems, text_converter)
    if field.type == "str":
        return id_text if key.endswith("_id") or key in _ID_FIELDS else text
    return _CONVERTERS[field.type]


def build(plan: FieldPlan, fields: Mapping[str, Any], problems: list[Problem]) -> Wire:
    """The wire form of *fields*. An invalid value is left out, and its problem is added to *problems*.

    Raises:
        TypeError: If a field is unknown, or a value is of a type that its field never takes.
        ValueError: If `extra` holds a documented field or cannot be JSON.
    """
    wire: Wire = {}
    fast_paths = plan.fast_paths
    for name, value in fields.items():
        try:
            fast = fast_paths[name]
        except KeyError:
            if name != "extra":
                raise unknown_field(plan, name) from None
            if value is not None:
                wire.update(build_extra(plan, value, problems))
            continue
        kind = type(value)
        if kind is str:
            if fast is str:
                if value and value.isascii():
                    wire[name] = value
                    continue
            elif type(fast) is FunctionType and value.isascii():
                try:
                    if clean := fast(value):
                        wire[name] = clean
                except Refused as refused:
                    _add_refusal(refused, plan.name, name, wire, problems)
                continue
        elif kind is int or kind is float:
            lower_bound = -MAX_NUMBER if fast is float else -1
            if (fast is float or fast is kind) and lower_bound < value < MAX_NUMBER:
                wire[name] = value
                continue
        known = value if kind in _PYTHON_TYPES else plain(value, is_number=plan.fields[name].type in _NUMERIC)
        if known is not None:
            convert, path = plan.converters[name]
            if (converted := convert(known, path, problems)) is not None:
                wire[name] = converted
    return wire


def _add_refusal(refused: Refused, plan_name: str, name: str, wire: Wire, problems: list[Problem]) -> None:
    problems.append(problem_of(refused, f"{plan_name}.{name}"))
    if refused.instead:
        wire[name] = refused.instead


def build_extra(plan: FieldPlan, extra: object, problems: list[Problem]) -> Wire:
    """A copy of the undocumented fields in *extra*.

    Raises:
        TypeError: If *extra* is not a mapping.
        ValueError: If it holds a documented field, which has its own parameter.
    """
    if not isinstance(extra, Mapping):
        raise WrongType(f"{plan.name}.extra", "a mapping", extra)
    wire: Wire = {}
    for key, value in plain_json(extra, f"{plan.name}.extra", problems).items():
        path = f"{plan.name}.{shown_key(key)}"
        if key in plan.converters:
            raise ValueError(f"{path} is a documented field: pass it as {key}=, not through extra")
        if key in LEGACY.get(plan.name, {}):
            problems.append(problem("legacy-field", path, replacement(LEGACY[plan.name][key])))
        elif value is not None:
            wire[key] = value
    return wire


def unknown_field(plan: FieldPlan, key: object) -> UnknownField:
    """The error for a *key* that is not a field; its message suggests the closest field name."""
    import difflib  # imported on an error only: it takes longer than the rest of this module

    close = difflib.get_close_matches(str(key), plan.converters, 1) if len(str(key)) <= MAX_SHOWN_KEY else []
    hint = LEGACY.get(plan.name, {}).get(str(key)) or (close[0] if close else "")
    return UnknownField(plan.name, str(key), f"; did you mean {hint}?" if hint else "")
