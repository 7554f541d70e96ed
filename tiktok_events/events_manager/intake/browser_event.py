"""Read the event in the body of a `POST /api/v2/pixel/act`, in the pixel's shape (pure functions)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from tiktok_events._checks.body import check_raw_item
from tiktok_events._runtime import json_codec
from tiktok_events._spec.fields import CONTENT, USER
from tiktok_events._spec.names import PAGE_VIEW_NAMES
from tiktok_events._spec.problem import Problem
from tiktok_events.events_manager.intake.fingerprint import visitor_digests
from tiktok_events.events_manager.intake.item import as_object, as_text, received_event
from tiktok_events.events_manager.store.received_event import MATCH_KEYS, ReceivedEvent

_SERVER_NAMES = {
    "phone_number": "phone",
    "sha256_phone_number": "phone",
    "sha256_email": "email",
    "callback": "ttclid",
}
"""The pixel's names of identifiers, and the Events API's."""

_IGNORED_RULES = frozenset({"no-identifier", "ldu-without-ip", "content-type-place", "discouraged-field"})
"""Rules that do not fit a browser event: its connection has address and user agent, its items have their type."""

_NOT_IN_CONTENTS = frozenset({"content_type", "description"})


def browser_event(body: bytes, *, now: float, user_agent: str = "") -> ReceivedEvent:
    """Return the event that *body* reports, sent by a browser with *user_agent*. All its problems are warnings.

    Raises:
        ValueError: If *body* is not a JSON object.
    """
    posted = json_codec.loads(body)
    if not isinstance(posted, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 (the text is wrong, not its type)
    item = _server_item(posted, now)
    pixel = as_object(as_object(posted.get("context")).get("pixel"))
    envelope = {"event_source": "web", "event_source_id": pixel.get("code")}
    event = received_event("browser", item, envelope, _warnings(item, now))
    # TikTok reads both from the connection; they are not in the body.
    present = {*event.identifiers, "ip", "user_agent"}
    return attrs.evolve(
        event,
        identifiers=tuple(name for name in MATCH_KEYS if name in present),
        visitor=(*event.visitor, *visitor_digests({"user_agent": user_agent})),
    )


def _warnings(item: Mapping[str, Any], now: float) -> list[Problem]:
    ignored = _IGNORED_RULES
    if as_text(item.get("event")) in PAGE_VIEW_NAMES:
        ignored |= {"event-id-missing"}  # ttq.page() takes no event_id
    problems = check_raw_item(item, "web", now=now)
    return [attrs.evolve(problem, severity="warning") for problem in problems if problem.rule not in ignored]


def _server_item(posted: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Convert the pixel's body to a `data[]` item. Its time is *now*, because the browser's clock may be wrong."""
    context = as_object(posted.get("context"))
    page = as_object(context.get("page"))
    return _without_empty({
        "event": posted.get("event"),
        "event_id": posted.get("event_id"),
        "event_time": int(now),
        "user": _user({**as_object(context.get("user")), **as_object(context.get("ad"))}),
        "page": _without_empty({name: page.get(name) for name in ("url", "referrer")}),
        "properties": _properties(posted.get("properties")),
    })


def _user(identifiers: Mapping[str, Any]) -> dict[str, Any]:
    renamed = {_SERVER_NAMES.get(name, name): value for name, value in identifiers.items()}
    return _without_empty({name: value for name, value in renamed.items() if name in USER})


def _properties(posted: object) -> Any:
    """Move the fields of a single item, which the pixel accepts beside `value`, into `contents` as the server does."""
    if not isinstance(posted, dict):
        return posted
    properties = _without_empty(posted)
    properties.pop("limited_data_use", None)
    names = [name for name in CONTENT if name in properties and name not in _NOT_IN_CONTENTS]
    single_item = {name: properties.pop(name) for name in names}
    if single_item and "contents" not in properties:
        properties["contents"] = [single_item]
    return properties


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}
