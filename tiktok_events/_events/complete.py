"""Fill the fields that an event leaves out. A field of the event itself always wins."""

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
    visitor: str | None = None,
    currency: str | None = None,
    limited_data_use: bool = False,
) -> Event:
    """A copy of *event* with *user*, *page* and the rest where it has none.

    *visitor* is a digest that is added behind the event's own `external_id`s; *currency* is added only to a value.
    """
    found: list[Problem] = list(event.problems)
    wire: Wire = dict(event._wire)
    known = {name: value for name, value in wire_of(User, user, found).items() if name not in wire.get("user", {})}
    merged = {**wire.get("user", {}), **known}
    if visitor:
        merged["external_id"] = _with(merged.get("external_id"), visitor)
    if merged:
        wire["user"] = merged
    if looked_at := {**wire_of(Page, page, found), **wire.get("page", {})}:
        wire["page"] = looked_at
    properties = wire.get("properties", {})
    if currency and "value" in properties and "currency" not in properties:
        wire["properties"] = {**properties, "currency": currency.upper()}
    if limited_data_use:
        wire.setdefault("limited_data_use", True)
    return clone(event, wire, tuple(found))


def _with(external_id: str | list[str] | None, visitor: str) -> str | list[str]:
    several = [external_id] if isinstance(external_id, str) else list(external_id or ())
    several = [*several, visitor] if visitor not in several else several
    return several if len(several) > 1 else several[0]
