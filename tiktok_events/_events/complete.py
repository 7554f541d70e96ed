"""`complete`: add default values to an event. A field that the event sets itself has priority."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tiktok_events._events.event import Event, clone
from tiktok_events._events.field_plan import Wire
from tiktok_events._events.objects import Page
from tiktok_events._events.user import User
from tiktok_events._events.wire_object import wire_of
from tiktok_events._spec.problem import Problem


def complete(
    event: Event,
    *,
    user: Mapping[str, Any],
    page: Mapping[str, Any],
    visitor_id: str | None = None,
    currency: str | None = None,
    limited_data_use: bool = False,
) -> Event:
    """A copy of *event* with the fields of *user* and *page* and the other defaults that it does not set.

    *visitor_id* (a digest) is added after the event's own `external_id` values; *currency* is added only if there is a
    value.
    """
    problems: list[Problem] = list(event.problems)
    wire: Wire = dict(event._wire)
    new_fields = {
        name: value for name, value in wire_of(User, user, problems).items() if name not in wire.get("user", {})
    }
    full_user = {**wire.get("user", {}), **new_fields}
    if visitor_id:
        full_user["external_id"] = _with_visitor_id(full_user.get("external_id"), visitor_id)
    if full_user:
        wire["user"] = full_user
    if full_page := {**wire_of(Page, page, problems), **wire.get("page", {})}:
        wire["page"] = full_page
    properties = wire.get("properties", {})
    if currency and "value" in properties and "currency" not in properties:
        wire["properties"] = {**properties, "currency": currency.upper()}
    if limited_data_use:
        wire.setdefault("limited_data_use", True)
    return clone(event, wire, tuple(problems))


def _with_visitor_id(external_id: str | list[str] | None, visitor_id: str) -> str | list[str]:
    ids = [external_id] if isinstance(external_id, str) else list(external_id or ())
    ids = [*ids, visitor_id] if visitor_id not in ids else ids
    return ids if len(ids) > 1 else ids[0]
