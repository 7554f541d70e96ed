"""What all the classes share: one private dict in wire form, read-only properties over it, and nothing shown.

They have attrs' manners (slots, immutable, equality and hash by value, copy and pickle) without its constructor:
that one costs three times as much, and an event passes through here for every conversion of a shop.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Generic, NoReturn, Self, TypeVar, overload

from attrs.exceptions import FrozenInstanceError

from tiktok_events._events.values import UnknownField, WrongType, plain_json
from tiktok_events._facts.fields import LEGACY, Field
from tiktok_events._rules.problem import Problem
from tiktok_events._rules.table import problem

Wire = dict[str, Any]
T = TypeVar("T")
W = TypeVar("W", bound="WireObject")


class WireObject:
    """A part of an event: immutable, hashable, equal by value. Its repr names the fields that are set, no values."""

    __slots__ = ("_problems", "_wire")

    _wire: Wire
    _problems: tuple[Problem, ...]
    _name: ClassVar[str]
    """Where the object stands in an event, for messages."""
    _fields: ClassVar[Mapping[str, Field]]
    """The fields it knows."""
    _build: ClassVar[Callable[..., Wire]]
    """Makes the wire form from the fields, noting what it leaves out; without an object, as mappings need none."""

    def __init__(self, **fields: Any) -> None:
        found: list[Problem] = []
        set_wire(self, wire_of(type(self), fields, found))
        set_problems(self, tuple(found))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was left out at construction, and why. `check` reports it with everything else."""
        return self._problems

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self), json.dumps(self._identity(), sort_keys=True)))

    def _identity(self) -> Any:
        return self._wire

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self._wire)})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __getstate__(self) -> tuple[Any, ...]:
        return self._wire, self._problems

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        set_wire(self, state[0])
        set_problems(self, state[1])


# The slots' own setters: __setattr__ refuses everybody, and object.__setattr__ costs three times as much.
set_wire = WireObject.__dict__["_wire"].__set__
set_problems = WireObject.__dict__["_problems"].__set__
blank = object.__new__


def view(cls: type[W], wire: Wire) -> W:
    """*wire* as an object of *cls*, without a copy."""
    made = blank(cls)
    set_wire(made, wire)
    set_problems(made, ())
    return made


class Wired(Generic[T]):
    """A read-only property over one key of the wire dict; lists come out as tuples."""

    def __init__(self, doc: str = "") -> None:
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._key = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: WireObject, owner: type) -> T | None: ...
    def __get__(self, instance: WireObject | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance._wire.get(self._key)
        return tuple(value) if type(value) is list else value


def wire_of(cls: type[WireObject], value: object, found: list[Problem]) -> Wire:
    """The wire form of *value*: an object of *cls*, or a mapping with the same keys."""
    if type(value) is not dict:
        if isinstance(value, cls):
            found.extend(value._problems)
            return value._wire
        if not isinstance(value, Mapping):
            raise WrongType(cls._name, f"{cls.__name__} or a mapping", value)
    try:
        return cls._build(found, **value)
    except TypeError:
        refuse_unknown_keys(cls, value)
        raise


def refuse_unknown_keys(cls: type[WireObject], keys: Mapping[str, object]) -> None:
    """Raise `UnknownField` with the likely spelling for the first of *keys* that *cls* does not know."""
    known = {*cls._fields, "extra", "phone_region"}
    for key in keys:
        if key not in known:
            close = difflib.get_close_matches(str(key), known, 1)
            hint = LEGACY.get(cls._name, {}).get(key) or (close[0] if close else "")
            raise UnknownField(cls._name, str(key), f"; did you mean {hint}?" if hint else "")


def add_extra(wire: Wire, found: list[Problem], extra: object, where: str, fields: Mapping[str, Field]) -> None:
    """Add undocumented fields, a copy, to *wire*. A field that is documented has its own parameter."""
    if not isinstance(extra, Mapping):
        raise WrongType(f"{where}.extra", "a mapping", extra)
    for key, value in plain_json(extra, f"{where}.extra", found).items():
        path = f"{where}.{key}"
        if key in fields:
            raise ValueError(f"{path} is a documented field: pass it as {key}=, not through extra")
        if key in LEGACY.get(where, {}):
            found.append(problem("legacy-field", path, LEGACY[where][key]))
        elif value is not None:
            wire[key] = value
