"""Read times: Unix time in any unit, aware datetimes, and text in ISO 8601 or RFC 5322."""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from numbers import Real

from tiktok_events._events.normalize.foreign_values import plain
from tiktok_events._events.normalize.values import WrongType, integer
from tiktok_events._spec.problem import Problem

MIN_MILLISECONDS = 100_000_000_000
"""Unix times above this are milliseconds, microseconds or nanoseconds: as seconds, they are after the year 5138."""

_UNIX = re.compile(r"[0-9]{9,19}(?:\.[0-9]{1,9})?")
_UTC_SUFFIX = re.compile(r"\s*(?:UTC|GMT)$")
_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-][0-9]{2}:?[0-9]{2}$)")


def seconds(value: object, field: str) -> int:
    """*value* as whole Unix seconds.

    It is a Unix time (a number, or text of 9 to 19 digits) in seconds, or in milli-, micro- or nanoseconds if it is
    above `MIN_MILLISECONDS`; an aware datetime; or a text with an offset, as `parse_time` reads it.

    Raises:
        TypeError: If *value* has another type.
        ValueError: If it is a naive datetime, a text without an offset or in another form, or not finite. The message
            does not contain the value.
    """
    value = plain(value, is_number=isinstance(value, Real))
    if isinstance(value, str):
        value = parse_time(value)
        if value is None:
            raise ValueError(f"{field} is not a time: give Unix seconds, or a date in ISO 8601 with its offset")
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{field} has no offset from UTC: end it with Z or an offset such as +02:00")
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{field} is a naive datetime: give it a time zone, as in datetime.now(timezone.utc)")
        return math.floor(value.timestamp())
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise WrongType(field, "Unix seconds, an aware datetime, or a date in ISO 8601 with its offset", value)
    if not isinstance(value, int) and not math.isfinite(value):
        raise ValueError(f"{field} must be a finite number")
    return in_seconds(value)


def integer_or_time(value: object, field: str, problems: list[Problem]) -> int | None:
    """Like `integer`; an aware datetime becomes Unix seconds."""
    return seconds(value, field) if isinstance(value, datetime) else integer(value, field, problems)


def in_seconds(unix_time: float | Decimal) -> int:
    """*unix_time* (in seconds, milli-, micro- or nanoseconds, by its size) as whole seconds. `check` refuses others."""
    whole = math.floor(unix_time)
    for _ in ("milli", "micro", "nano"):
        if whole > MIN_MILLISECONDS:
            whole //= 1000
    return whole


def parse_time(text: str) -> datetime | int | None:
    """The time in *text*: Unix time in digits, or a date and time in ISO 8601 or RFC 5322; None if it is neither.

    A datetime is naive if *text* has no offset. Short numbers such as 20260101 are refused: they are meant as dates,
    but would be times in 1970.
    """
    text = text.strip()
    if _UNIX.fullmatch(text):
        return in_seconds(int(text.partition(".")[0]))
    if text.lstrip("+-").isdecimal():
        return None
    iso = _SPACE_BEFORE_OFFSET.sub("", _UTC_SUFFIX.sub("Z", text))
    try:
        moment = datetime.fromisoformat(iso)
        moment.timestamp()  # raises if the year is out of range
    except (ValueError, OverflowError):
        return _parse_rfc_5322(text)
    return moment


def _parse_rfc_5322(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
        moment.timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return moment
