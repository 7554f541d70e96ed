"""A received event as it is stored: without digests, addresses, click ids, user agents and tokens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from tiktok_events._spec.fields import USER
from tiktok_events._spec.problem import Problem
from tiktok_events.events_manager.store.dedup import Channel

MATCH_KEYS = tuple(name for name in USER if name not in ("locale", "att_status"))
"""The identifiers that TikTok can match to a person, in the order of the field table. Their values are not stored."""


@attrs.frozen(kw_only=True)
class ReceivedEvent:
    """One event of a request, or a rejected request whose events cannot be read (`event` is None).

    `identifiers` are the names of the match keys that are present. `key` is the key for deduplication,
    `ttp_key` the one of an event without `event_id`. `visitor`, `items` and `order_digest` are digests by which
    suspected copies are found. `payload` is kept in memory only, for the newest events. `code`, `message` and `request_id` are those of the response to the request.
    """

    channel: Channel
    event: str | None = None
    event_id: str | None = None
    event_time: int | None = None
    event_source: str = ""
    event_source_id: str = ""
    test_event_code: str | None = None
    value: float | None = None
    currency: str | None = None
    page: str | None = None
    identifiers: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    key: bytes | None = None
    ttp_key: bytes | None = None
    visitor: tuple[str, ...] = ()
    items: str | None = None
    order_digest: str | None = None
    payload: Mapping[str, Any] | None = attrs.field(default=None, repr=False)
    code: int = 0
    message: str = "OK"
    request_id: str = ""
