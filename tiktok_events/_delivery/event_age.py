"""Find claimed events that happened too long ago to be delivered."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tiktok_events._outbox.protocol import Claim


def split_by_age(claims: Sequence[Claim], max_age: float, now: float) -> tuple[list[Claim], list[Claim]]:
    """Those of *claims* whose `event_time` is at most *max_age* seconds before *now*, and the others."""
    fresh: list[Claim] = []
    old: list[Claim] = []
    for claim in claims:
        (old if now - _event_time(claim.record.data, now) > max_age else fresh).append(claim)
    return fresh, old


def age_text(seconds: float) -> str:
    """The age in hours or seconds, for a message."""
    return f"{seconds / 3600:g} hours" if seconds >= 3600 else f"{seconds:g} seconds"


def _event_time(data: bytes, default: float) -> float:
    """The `event_time` of an encoded event; *default* for an event of another encoder without one."""
    try:
        event_time = json.loads(data).get("event_time")
    except (ValueError, AttributeError):
        return default
    is_number = isinstance(event_time, (int, float)) and not isinstance(event_time, bool)
    return float(event_time) if is_number else default
