"""Make an event from a line: apply defaults, read its time, and derive an id if the line has none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import attrs

from tiktok_events._events.event import Event
from tiktok_events._events.normalize.times import parse_time
from tiktok_events._spec.problem import Problem
from tiktok_events.cli.file_rules import problem, problem_from_error
from tiktok_events.cli.send.line import Line


class LineRefused(Exception):
    """Raised if a line is not a valid event. `problems` gives the reasons."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__()


@attrs.frozen(kw_only=True)
class Defaults:
    """Defaults for fields that a line leaves out."""

    event: str | None = None
    currency: str | None = None
    phone_region: str | None = None
    timezone: tzinfo | None = None
    date_format: str | None = None
    """A format of `strptime` that times have besides ISO 8601 and Unix seconds."""


class RepeatCounter:
    """Derive a key from a line's content and the number of equal lines before it: unique, and equal in the next run.

    Only equal lines are counted, so moving, adding or removing other lines changes no id.
    """

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}

    def key(self, content: bytes) -> str:
        """Make the key of a line with *content*. Each repetition of the content gets a different key."""
        digest = hashlib.sha256(content).digest()
        count = self._counts.get(digest[:12], 0) + 1
        self._counts[digest[:12]] = count
        return hashlib.sha256(digest + str(count).encode()).hexdigest()


def make_event(line: Line, defaults: Defaults, repeats: RepeatCounter) -> Event:
    """Make the event that *line* describes.

    Raises:
        LineRefused: If the line is not an event.
    """
    if line.fields is None:
        raise LineRefused(*line.problems)
    if "event" not in line.fields and not line.fields.keys().isdisjoint(("data", "event_source")):
        raise LineRefused(problem("line-is-body", "line"))
    fields = _non_empty(line.fields)
    ids = [name for name in ("key", "event_id") if name in line.fields]
    if not ids:
        fields["key"] = repeats.key(_content(line.fields))
    else:
        _check_ids(ids, line.fields)
    _apply_defaults(fields, defaults)
    fields["event_time"] = _time(fields.get("event_time"), defaults)
    try:
        return Event.from_mapping(fields)
    except (TypeError, ValueError, RecursionError) as error:
        raise LineRefused(problem_from_error(error)) from None


def _check_ids(ids: Sequence[str], fields: Mapping[str, Any]) -> None:
    if len(ids) > 1:
        raise LineRefused(problem("key-and-event-id", "event_id"))
    value = fields[ids[0]]
    if value is None or value == "":  # a random id would count the order again in the next run
        raise LineRefused(problem("id-empty", ids[0]))
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise LineRefused(problem("wrong-type", ids[0], "a JSON string or a whole number"))


def _non_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _content(fields: Mapping[str, Any]) -> bytes:
    # Sorted, so that the order of keys or columns does not matter.
    try:
        return json.dumps(fields, sort_keys=True).encode()
    except RecursionError:
        raise LineRefused(problem("item-unusable", "event")) from None


def _apply_defaults(fields: dict[str, Any], defaults: Defaults) -> None:
    if defaults.event:
        fields.setdefault("event", defaults.event)
    user, properties = fields.get("user"), fields.get("properties")
    if defaults.phone_region and isinstance(user, dict) and user.get("phone"):
        fields["user"] = {"phone_region": defaults.phone_region} | _non_empty(user)
    if defaults.currency and isinstance(properties, dict) and not properties.keys().isdisjoint(("value", "contents")):
        fields["properties"] = {"currency": defaults.currency} | _non_empty(properties)


def _time(value: object, defaults: Defaults) -> Any:
    """Convert *value* to a type that `Event` accepts. A missing time is never replaced by the current time."""
    if value is None:
        raise LineRefused(problem("event-time-missing", "event_time"))
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise LineRefused(problem("wrong-type", "event_time", "Unix seconds or a date in ISO 8601"))
    if isinstance(value, str):
        return _parse_time(value.strip(), defaults)
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN is not equal to itself
        raise LineRefused(problem("time-malformed", "event_time"))
    return value


def _parse_time(text: str, defaults: Defaults) -> int | datetime:
    moment = _in_format(text, defaults.date_format) or parse_time(text)
    if moment is None:
        raise LineRefused(problem("time-malformed", "event_time"))
    if isinstance(moment, datetime) and moment.tzinfo is None:
        if defaults.timezone is None:
            raise LineRefused(problem("time-without-zone", "event_time"))
        moment = moment.replace(tzinfo=defaults.timezone)
    return moment


def _in_format(text: str, date_format: str | None) -> datetime | None:
    if date_format is None:
        return None
    try:
        moment = datetime.strptime(text, date_format)  # noqa: DTZ007 - the caller adds the zone
        moment.timestamp()  # raises if the year is out of range
    except (ValueError, OverflowError):
        return None
    return moment
