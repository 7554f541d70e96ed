"""Convert Python values to JSON types.

A wrong Python type is a mistake in code and raises; an invalid value is left out and its problem is added to *found*.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tiktok_events._spec.problem import Problem, Refused
from tiktok_events._spec.rules import problem, problem_of

_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})")
_INTEGER = re.compile(r"[+-]?[0-9]{1,16}")
HashOne = Callable[[str], str]
Id = str | int | UUID
Number = Decimal | int | float | str

LARGEST = 2**53
_DEEPEST = 20


class WrongType(TypeError):
    """A value of a Python type that its field never takes."""

    def __init__(self, field: str, wanted: str, value: object) -> None:
        self.field, self.wanted = field, wanted
        super().__init__(f"{field} must be {wanted}, not {type(value).__name__}")


class UnknownField(TypeError):
    """A key that is no field. The key itself is shown: it comes from code, not from a visitor."""

    def __init__(self, where: str, key: str, hint: str) -> None:
        self.field = f"{where}.{key}"
        super().__init__(f"{where} has no field {key!r}{hint}; undocumented fields go into extra={{...}}")


def text(value: object, field: str, found: list[Problem]) -> str | None:
    """*value* as a string; None when it is empty or not Unicode."""
    if not isinstance(value, str):
        raise WrongType(field, "str", value)
    if not _is_unicode(value):
        found.append(problem("not-unicode", field))
        return None
    return str.__str__(value) or None  # of an Enum's member its value, not its name


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def id_text(value: object, field: str, found: list[Problem]) -> str | None:
    """An id (str, int or UUID) as a string, the only type that TikTok takes."""
    if isinstance(value, str):
        return text(value, field, found)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(int(value))
    raise WrongType(field, "str or int", value)


def hashed(value: object, field: str, found: list[Problem], hash_one: HashOne) -> str | None:
    """The result of *hash_one* for *value*; None if it is refused, with the problem added to *found*."""
    try:
        return hash_one(text(value, field, found) or "") or None
    except Refused as refused:
        found.append(problem_of(refused, field))
        return refused.instead or None


def hashed_id(value: object, field: str, found: list[Problem], hash_one: HashOne) -> str | None:
    """`hashed` for a value that may be an int or a UUID."""
    return hashed(value if isinstance(value, str) else id_text(value, field, found), field, found, hash_one)


def hashed_many(value: object, field: str, found: list[Problem], hash_one: HashOne) -> str | list[str] | None:
    """`hashed_id` for one or several values, without duplicates: a string for one, a list for several."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        return hashed_id(value, field, found, hash_one)
    every: dict[str, None] = {}
    for index, one in enumerate(value):
        digest = None if one is None else hashed_id(one, f"{field}[{index}]", found, hash_one)
        if digest:
            every[digest] = None
    return list(every) if len(every) > 1 else next(iter(every), None)


def number(value: object, field: str, found: list[Problem], rule: str = "number-malformed") -> float | None:
    """A Decimal, int, float or plain decimal text as a JSON number."""
    plain: float
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        plain = float(value) if _DECIMAL.fullmatch(value) else math.nan
    elif isinstance(value, Decimal):
        plain = math.nan if value.is_snan() else float(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        plain = int(value) if isinstance(value, int) else float(value)
    else:
        raise WrongType(field, "a number", value)
    if not -LARGEST < plain < LARGEST:  # NaN is refused too
        found.append(problem(rule, field))
        return None
    return plain


def integer(value: object, field: str, found: list[Problem]) -> int | None:
    """A whole number, also as 2.0, Decimal(2) or digits."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        whole = int(value) if _INTEGER.fullmatch(value) else LARGEST
    elif isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise WrongType(field, "an integer", value)
    elif isinstance(value, Decimal) and not value.is_finite():
        whole = LARGEST
    else:
        whole = int(value) if -LARGEST < value < LARGEST and value == int(value) else LARGEST
    if not -LARGEST < whole < LARGEST:
        found.append(problem("integer-malformed", field))
        return None
    return whole


def integer_or_time(value: object, field: str, found: list[Problem]) -> int | None:
    """`integer`, or an aware datetime as Unix seconds."""
    return seconds(value, field) if isinstance(value, datetime) else integer(value, field, found)


def boolean(value: object, field: str, found: list[Problem]) -> bool:
    """A bool, and nothing that is only truthy or falsy."""
    if not isinstance(value, bool):
        raise WrongType(field, "a bool", value)
    return value


def strings(value: object, field: str, found: list[Problem]) -> list[str] | None:
    """One or several strings or int ids, as a list."""
    several = [value] if isinstance(value, (str, int, UUID)) else value
    if isinstance(several, (Mapping, bytes)) or not isinstance(several, Iterable):
        raise WrongType(field, "a list of strings", value)
    every = (id_text(one, f"{field}[{index}]", found) for index, one in enumerate(several) if one is not None)
    return [one for one in every if one] or None


def seconds(value: object, field: str) -> int:
    """A time as whole Unix seconds; datetimes must be aware, because a naive one may be wrong by hours."""
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{field} is a naive datetime: give it a time zone, as in datetime.now(timezone.utc)")
        return math.floor(value.timestamp())
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongType(field, "an int of Unix seconds or an aware datetime", value)
    if not math.isfinite(value):
        raise ValueError(f"{field} is not finite")
    return math.floor(value)


def plain_json(value: object, field: str, found: list[Problem], depth: int = 0) -> Any:
    """A copy of *value* that JSON can hold: for `extra`, and the few fields whose shape TikTok leaves open."""
    if depth > _DEEPEST:
        raise ValueError(f"{field} is nested deeper than {_DEEPEST} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return text(value, field, found) or ""
    if isinstance(value, (int, float, Decimal)):
        return number(value, field, found)
    if isinstance(value, Mapping):
        return {_key(key, field): plain_json(one, f"{field}.{key}", found, depth + 1) for key, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_json(one, f"{field}[{index}]", found, depth + 1) for index, one in enumerate(value)]
    raise WrongType(field, "made of JSON's types", value)


def _key(key: object, field: str) -> str:
    if not isinstance(key, str):
        raise WrongType(f"a key of {field}", "str", key)
    key.encode()  # a lone surrogate in a key is a mistake in code: UnicodeEncodeError is a ValueError
    return key
