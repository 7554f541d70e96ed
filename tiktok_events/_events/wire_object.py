"""`WireObject`, the base class of the event classes: one private dict in wire form, and read-only properties over it.

The classes behave like frozen attrs classes (slots, immutable, equality and hash by value, copy and pickle). They have
their own constructor, because that of attrs takes three times as long and runs for every event.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Never, NoReturn, Self, TypeVar, overload

from attrs.exceptions import FrozenInstanceError

from tiktok_events._events.field_plan import FieldPlan, Wire, build
from tiktok_events._events.normalize.foreign_values import is_missing
from tiktok_events._events.normalize.values import WrongType
from tiktok_events._spec.problem import Problem

T = TypeVar("T")
W = TypeVar("W", bound="WireObject")


class WireObject:
    """An object of an event: immutable, hashable, equal by value. Its repr names the fields that are set, no values."""

    __slots__ = ("_problems", "_wire")

    _wire: Wire
    _problems: tuple[Problem, ...]
    _field_plan: ClassVar[FieldPlan]
    """How the fields of the class are converted to wire form."""

    @classmethod
    def _build_wire(cls, fields: Mapping[str, Any], problems: list[Problem]) -> Wire:
        return build(cls._field_plan, fields, problems)

    def __init__(self, **fields: Any) -> None:
        problems: list[Problem] = []
        set_wire(self, self._build_wire(fields, problems))
        set_problems(self, tuple(problems))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of values that were left out at construction. `check` reports them too."""
        return self._problems

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise FrozenInstanceError

    def __delattr__(self, name: str) -> NoReturn:
        raise FrozenInstanceError

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WireObject) and type(self) is type(other) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((type(self), _hashable(self._identity())))

    def _identity(self) -> Any:
        return self._wire

    def __repr__(self) -> str:
        # A debugger may show an object whose constructor raised.
        return f"{type(self).__name__}({', '.join(getattr(self, '_wire', ()))})"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __getstate__(self) -> tuple[Any, ...]:
        return self._wire, self._problems

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        set_wire(self, state[0])
        set_problems(self, state[1])


def _hashable(value: Any) -> Hashable:
    if isinstance(value, dict):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


# The setters of the slots: __setattr__ always raises, and object.__setattr__ takes three times as long.
set_wire = WireObject.__dict__["_wire"].__set__
set_problems = WireObject.__dict__["_problems"].__set__


def view(cls: type[W], wire: Wire) -> W:
    """An object of *cls* over the dict *wire*, which is not copied."""
    instance = object.__new__(cls)
    set_wire(instance, wire)
    set_problems(instance, ())
    return instance


def wire_of(cls: type[WireObject], value: object, problems: list[Problem]) -> Wire:
    """The wire form of *value*: an object of *cls* or a mapping with its keys. The problems are added to *problems*.

    Raises:
        TypeError: If *value* is neither, or a field is unknown or of a wrong type.
    """
    if type(value) is dict or isinstance(value, Mapping):
        return cls._build_wire(value, problems)
    if isinstance(value, cls):
        problems.extend(value._problems)
        return value._wire
    if is_missing(value):
        return {}
    raise WrongType(cls._field_plan.name, f"{cls.__name__} or a mapping", value)


def read_only(value: Any) -> Any:
    """A copy of *value* (from a wire dict) that a caller cannot use to change the event; lists become tuples."""
    if type(value) is list:
        return tuple(map(read_only, value))
    return {key: read_only(item) for key, item in value.items()} if type(value) is dict else value


class WireField(Generic[T]):
    """A read-only property that returns the value of one key of the wire dict; a list is returned as a tuple."""

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
        return read_only(instance._wire.get(self._key))

    if TYPE_CHECKING:

        def __set__(self, instance: WireObject, value: Never) -> None: ...
