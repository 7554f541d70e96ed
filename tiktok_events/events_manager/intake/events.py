"""Read received events from request bodies (pure functions)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs

from tiktok_events._checks.body import BodyReport, check_raw_item
from tiktok_events._runtime import json_codec
from tiktok_events._spec.fields import CONTENT, USER
from tiktok_events._spec.names import PAGE_VIEW_NAMES
from tiktok_events._spec.problem import Problem
from tiktok_events.events_manager.store.dedup import key_of
from tiktok_events.events_manager.store.received import MATCH_KEYS, Received, event_fields, first_problems, shown

_ITEM = re.compile(r"data\[([0-9]+)\]\.?")
_INDEX = re.compile(r"\[([0-9]+)\]")

_WORDS = {
    "must be a JSON string": "Not a valid string",
    "must be a JSON number": "Not a valid number",
    "must be a whole JSON number": "Not a valid integer",
    "must be true or false": "Not a valid boolean",
    "must be a list of JSON strings": "Not a valid list",
    "must be a list of JSON objects": "Not a valid list",
    "must be a JSON object": "Not a valid mapping type",
}
"""The rule table's words for types, and how TikTok's answers put them (recorded: "Not a valid string")."""

_MISSING = frozenset({"event-missing", "event-time-missing", "source-id-missing", "app-id-missing"})

_BROWSER_KEYS = {
    "phone_number": "phone",
    "sha256_phone_number": "phone",
    "sha256_email": "email",
    "callback": "ttclid",
}
"""The pixel's names for identifiers, and the server's."""

_NOT_SAID_OF_THE_PIXEL = frozenset({"no-identifier", "ldu-without-ip", "content-type-place", "discouraged-field"})
"""Rules that do not fit a browser event: its connection brings address and user agent, its items their type."""


def refusal(report: BodyReport) -> str | None:
    """TikTok's message for the first error in *report*, naming index and field and no value; None without one."""
    for one in report.problems:
        if one.severity == "error":
            return refusal_text(one)
    return None


def refusal_text(one: Problem) -> str:
    """*one* in the form of TikTok's answers: `Batch.0.properties.contents.0.content_id: Not a valid string`."""
    place = _INDEX.sub(r".\1", one.field)
    place = f"Batch{place[4:]}" if place.startswith("data.") else place
    words = "Missing data for required field" if one.rule in _MISSING else _WORDS.get(one.message, one.message)
    return f"{place}: {words}"


def server_events(report: BodyReport) -> list[Received]:
    """Read the events of a `POST event/track/`, each with its problems; empty if the body holds no list of events."""
    data = report.body.get("data")
    by_item, common = _by_item(report.problems)
    if not isinstance(data, list) or any(one.rule in ("no-events", "too-many-events") for one in common):
        return []
    return [_server_event(item, report.body, [*by_item.get(index, []), *common]) for index, item in enumerate(data)]


def _by_item(problems: list[Problem]) -> tuple[dict[int, list[Problem]], list[Problem]]:
    by_item: dict[int, list[Problem]] = {}
    common: list[Problem] = []
    for one in problems:
        place = _ITEM.match(one.field)
        if place is None:
            common.append(one)
        else:
            own = attrs.evolve(one, field=one.field[place.end() :])
            by_item.setdefault(int(place.group(1)), []).append(own)
    return by_item, common


def _server_event(item: Any, body: Mapping[str, Any], problems: list[Problem]) -> Received:
    raw = item if isinstance(item, dict) else {}
    return _received("server", raw, body.get("event_source"), body, first_problems(problems))


def browser_event(body: bytes, *, now: float) -> Received:
    """Read the event of a `POST /api/v2/pixel/act`, in the pixel's shape. What is wrong with it is a warning.

    Raises:
        ValueError: If *body* is not a JSON object.
    """
    posted = json_codec.loads(body)
    if not isinstance(posted, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 (the text is wrong, not its type)
    item = _item_of(posted, now)
    pixel = _object(_object(posted.get("context")).get("pixel"))
    problems = [
        attrs.evolve(one, severity="warning") for one in check_raw_item(item, "web", now=now) if _is_said(one, item)
    ]
    event = _received("browser", item, "web", {"event_source_id": pixel.get("code")}, first_problems(problems))
    # TikTok gets both from the connection, not from the body.
    brought = {*event.identifiers, "ip", "user_agent"}
    return attrs.evolve(event, identifiers=tuple(name for name in MATCH_KEYS if name in brought))


def _is_said(one: Problem, item: Mapping[str, Any]) -> bool:
    # ttq.page() takes no event id, so a page view without one has no problem.
    without_id = one.rule == "event-id-missing" and _text(item.get("event")) in PAGE_VIEW_NAMES
    return one.rule not in _NOT_SAID_OF_THE_PIXEL and not without_id


def _item_of(posted: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Turn the pixel's body into a `data[]` item. Its time is the time of arrival, because the browser's clock may be wrong."""
    context = _object(posted.get("context"))
    item = {
        "event": posted.get("event"),
        "event_id": posted.get("event_id"),
        "event_time": int(now),
        "user": _user_of({**_object(context.get("user")), **_object(context.get("ad"))}),
        "page": {name: _object(context.get("page")).get(name) for name in ("url", "referrer")},
        "properties": _properties_of(posted.get("properties")),
    }
    item["page"] = _filled(item["page"])
    return _filled(item)


def _user_of(identifiers: Mapping[str, Any]) -> dict[str, Any]:
    named = {_BROWSER_KEYS.get(name, name): value for name, value in identifiers.items()}
    return _filled({name: value for name, value in named.items() if name in USER})


def _properties_of(posted: object) -> Any:
    """Put a single item's fields, which the pixel takes beside `value`, into `contents` as the server does."""
    if not isinstance(posted, dict):
        return posted
    properties = _filled(posted)
    properties.pop("limited_data_use", None)
    single = {name: properties.pop(name) for name in CONTENT if name in properties and name not in _BESIDE}
    if single and "contents" not in properties:
        properties["contents"] = [single]
    return properties


_BESIDE = frozenset({"content_type", "description"})


def _received(
    channel: Any, item: Mapping[str, Any], kind: object, body: Mapping[str, Any], problems: tuple[Problem, ...]
) -> Received:
    event, event_id, source_id = (
        _text(one) for one in (item.get("event"), item.get("event_id"), body.get("event_source_id"))
    )
    test_event_code = shown(body.get("test_event_code"))
    return Received(
        channel=channel,
        event_source=shown(kind, 20) or "",
        event_source_id=shown(source_id) or "",
        test_event_code=test_event_code,
        problems=problems,
        key=key_of(source_id, event, event_id, test=test_event_code is not None),
        **event_fields(item),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
