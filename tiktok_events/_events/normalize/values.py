"""Convert Python values to JSON types.

A wrong Python type is a mistake in code and raises. An invalid value is left out, and its problem is added to
*problems*.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, SupportsFloat
from uuid import UUID

from tiktok_events._events.normalize.foreign_values import plain
from tiktok_events._spec.problem import Problem, Refused
from tiktok_events._spec.rules import problem, problem_of

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")
TextConverter = Callable[[str], str]
"""Takes text. Returns what is sent, or "" for an absent value; raises `Refused` for an invalid one."""
Id = str | int | UUID
Number = Decimal | SupportsFloat | str

MAX_NUMBER = 2**53
_MAX_DEPTH = 20


MAX_SHOWN_KEY = 40
"""Characters of a key from outside that a message shows."""


class WrongType(TypeError):
    """Raised for a value of a Python type that its field never takes."""

    def __init__(self, field: str, expected: str, value: object) -> None:
        self.field, self.expected = field, expected
        super().__init__(f"{field} must be {expected}, not {type(value).__name__}")


class UnknownField(TypeError):
    """Raised for a key that is not a field. A view may hand on a visitor's JSON: only a key like a name is shown."""

    def __init__(self, where: str, key: str, hint: str) -> None:
        shown = shown_key(key)
        self.field = f"{where}.{shown}"
        super().__init__(f"{where} has no field {shown!r}{hint}; undocumented fields go into extra={{...}}")


def shown_key(key: str) -> str:
    """*key* if it looks like the name of a field: up to 40 ASCII letters, digits and underscores; else "(a key)"."""
    return key if len(key) <= MAX_SHOWN_KEY and key.isascii() and key.isidentifier() else "(a key)"


def text(value: object, field: str, problems: list[Problem]) -> str | None:
    """*value* as a string; None when it is empty or not Unicode."""
    if not isinstance(value, str):
        raise WrongType(field, "str", value)
    if not _is_unicode(value):
        problems.append(problem("not-unicode", field))
        return None
    return str.__str__(value) or None  # str() of an Enum member would be its name, not its value


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def id_text(value: object, field: str, problems: list[Problem]) -> str | None:
    """An id (str, int or UUID) as a string, the only type that TikTok takes."""
    if isinstance(value, str):
        return text(value, field, problems)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    raise WrongType(field, "str or int", value)


def convert_text(value: object, field: str, problems: list[Problem], convert: TextConverter) -> str | None:
    """The result of *convert* for the text *value*; None if it is refused. The problem is added to *problems*."""
    try:
        return convert(text(value, field, problems) or "") or None
    except Refused as refused:
        problems.append(problem_of(refused, field))
        return refused.instead or None


def convert_id(value: object, field: str, problems: list[Problem], convert: TextConverter) -> str | None:
    """Like `convert_text`, for a value that may also be an int or a UUID."""
    return convert_text(value if isinstance(value, str) else id_text(value, field, problems), field, problems, convert)


def convert_many(value: object, field: str, problems: list[Problem], convert: TextConverter) -> str | list[str] | None:
    """Like `convert_id`, for one or several values. Returns a string for one, a list without duplicates for several."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        return convert_id(value, field, problems, convert)
    unique: dict[str, None] = {}
    for index, item in enumerate(map(plain, value)):
        converted = None if item is None else convert_id(item, f"{field}[{index}]", problems, convert)
        if converted:
            unique[converted] = None
    return list(unique) if len(unique) > 1 else next(iter(unique), None)


def number(value: object, field: str, problems: list[Problem], rule: str = "number-malformed") -> float | None:
    """*value* (Decimal, int, float or plain decimal text) as a JSON number; None when it is empty or invalid."""
    result: float
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        result = float(value) if _DECIMAL.fullmatch(value) else math.nan
    elif isinstance(value, Decimal):
        result = math.nan if value.is_snan() else float(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        result = int(value) if isinstance(value, int) else float(value)
    else:
        raise WrongType(field, "a number", value)
    if not -MAX_NUMBER < result < MAX_NUMBER:  # NaN is refused too
        problems.append(problem(rule, field))
        return None
    return result


def integer(value: object, field: str, problems: list[Problem]) -> int | None:
    """*value* (int, 2.0, Decimal(2) or digits) as a whole number from 0; None when it is empty or invalid."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        whole = int(value) if _INTEGER.fullmatch(value) else MAX_NUMBER
    elif isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise WrongType(field, "an integer", value)
    elif isinstance(value, Decimal) and not value.is_finite():
        whole = MAX_NUMBER
    else:
        whole = int(value) if -MAX_NUMBER < value < MAX_NUMBER and value == int(value) else MAX_NUMBER
    if not -MAX_NUMBER < whole < MAX_NUMBER:
        problems.append(problem("integer-malformed", field))
        return None
    if whole < 0:
        problems.append(problem("integer-negative", field))
        return None
    return whole


def boolean(value: object, field: str, problems: list[Problem]) -> bool:
    """*value*, which must be a bool: truthy and falsy values of other types raise."""
    if not isinstance(value, bool):
        raise WrongType(field, "a bool", value)
    return value


def strings(value: object, field: str, problems: list[Problem]) -> list[str] | None:
    """One or several ids (str, int or UUID) as a list of strings; None when none is left."""
    items = [value] if isinstance(value, (str, int, UUID)) else value
    if isinstance(items, (Mapping, bytes)) or not isinstance(items, Iterable):
        raise WrongType(field, "a list of strings", value)
    texts = (
        id_text(item, f"{field}[{index}]", problems) for index, item in enumerate(map(plain, items)) if item is not None
    )
    return [item for item in texts if item] or None


def plain_json(value: object, field: str, problems: list[Problem], depth: int = 0) -> Any:
    """A copy of *value* as JSON, for `extra` and for the few fields whose type TikTok does not document."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"{field} is nested deeper than {_MAX_DEPTH} levels")
    value = plain(value, is_number=isinstance(value, (float, Decimal)))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value, field, problems) or ""
    if isinstance(value, (int, float, Decimal)):
        return number(value, field, problems)
    if isinstance(value, Mapping):
        return {
            _key(key, field): plain_json(item, f"{field}.{key}", problems, depth + 1) for key, item in value.items()
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_json(item, f"{field}[{index}]", problems, depth + 1) for index, item in enumerate(value)]
    raise WrongType(field, "made of JSON's types", value)


def _key(key: object, field: str) -> str:
    if not isinstance(key, str):
        raise WrongType(f"a key of {field}", "str", key)
    key.encode()  # a lone surrogate in a key is a mistake in code: UnicodeEncodeError is a ValueError
    return key
