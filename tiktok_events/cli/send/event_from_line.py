"""Make an event from a line: apply defaults, read its time, and derive an id if the line has none."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

import attrs

from tiktok_events._events.event import Event
from tiktok_events._spec.problem import Problem
from tiktok_events.cli.rules import problem, problem_of
from tiktok_events.cli.send.lines import Line

_UNIX = re.compile(r"-?[0-9]{9,16}(?:\.[0-9]{1,9})?")
_SPACE_BEFORE_OFFSET = re.compile(r"\s+(?=[+-][0-9]{2}:?[0-9]{2}$)")


class Refused(Exception):
    """The line is not an event. `problems` says why."""

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


class Seen:
    """Counts equal lines, so that each of them gets its own id, and the same id in the next run.

    Only equal lines are counted, so moving, adding or removing other lines changes no id.
    """

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}

    def key(self, content: bytes) -> str:
        """Make the key of a line that says *content*: a different one for each repetition."""
        digest = hashlib.sha256(content).digest()
        count = self._counts.get(digest[:12], 0) + 1
        self._counts[digest[:12]] = count
        return hashlib.sha256(digest + str(count).encode()).hexdigest()


def event_from(line: Line, defaults: Defaults, seen: Seen) -> Event:
    """Make the event that *line* describes.

    Raises:
        Refused: If it describes none.
    """
    if line.fields is None:
        raise Refused(*line.problems)
    if "event" not in line.fields and not line.fields.keys().isdisjoint(("data", "event_source")):
        raise Refused(problem("line-is-body", "line"))
    fields = _present(line.fields)
    ids = [name for name in ("key", "event_id") if name in line.fields]
    if not ids:
        fields["key"] = seen.key(_content(line.fields))
    else:
        _check_ids(ids, line.fields)
    _fill_in(fields, defaults)
    fields["event_time"] = _time(fields.get("event_time"), defaults.timezone)
    try:
        return Event.from_mapping(fields)
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(problem_of(error)) from None


def _check_ids(ids: Sequence[str], fields: Mapping[str, Any]) -> None:
    if len(ids) > 1:
        raise Refused(problem("key-and-event-id", "event_id"))
    given = fields[ids[0]]
    if given is None or given == "":  # an order without a number: a random id would count it again
        raise Refused(problem("id-empty", ids[0]))
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise Refused(problem("wrong-type", ids[0], "a JSON string or a whole number"))


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None and value != ""}


def _content(fields: Mapping[str, Any]) -> bytes:
    # Sorted, so that the order of keys or columns does not matter.
    try:
        return json.dumps(fields, sort_keys=True).encode()
    except RecursionError:
        raise Refused(problem("item-unusable", "event")) from None


def _fill_in(fields: dict[str, Any], defaults: Defaults) -> None:
    if defaults.event:
        fields.setdefault("event", defaults.event)
    user, properties = fields.get("user"), fields.get("properties")
    if defaults.phone_region and isinstance(user, dict) and user.get("phone"):
        fields["user"] = {"phone_region": defaults.phone_region} | _present(user)
    if defaults.currency and isinstance(properties, dict) and not properties.keys().isdisjoint(("value", "contents")):
        fields["properties"] = {"currency": defaults.currency} | _present(properties)


def _time(given: object, timezone: tzinfo | None) -> Any:
    """*given* as `Event` takes it. A missing time is never replaced by the present."""
    if given is None:
        raise Refused(problem("event-time-missing", "event_time"))
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise Refused(problem("wrong-type", "event_time", "Unix seconds or a date in ISO 8601"))
    if isinstance(given, str):
        return _time_in(given.strip(), timezone)
    if given != given or given in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN is unlike itself
        raise Refused(problem("time-malformed", "event_time"))
    return given


def _time_in(text: str, timezone: tzinfo | None) -> int | datetime:
    if _UNIX.fullmatch(text):
        return int(text.partition(".")[0])
    if text.lstrip("-").isdigit():  # 20260101 is a date for people and a time in 1970 as a number
        raise Refused(problem("time-malformed", "event_time"))
    text = _SPACE_BEFORE_OFFSET.sub("", text.removesuffix(" UTC") + ("Z" if text.endswith(" UTC") else ""))
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and timezone is None:
            raise Refused(problem("time-without-zone", "event_time"))
        moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=timezone)
        moment.timestamp()
    except (ValueError, OverflowError):
        raise Refused(problem("time-malformed", "event_time")) from None
    return moment
