"""What becomes of an event whose source, name and id were seen before. No clock, no store.

TikTok's help centre gives the windows; what it leaves open stands in `docs/explanation/assumptions.md`.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

import attrs

Channel = Literal["browser", "server"]
Outcome = Literal["kept", "merged", "dropped", "rejected"]

MERGE_WINDOW = 5 * 60
"""Seconds after the first in which the other channel's copy completes it. O2: "Event deduplication"."""

DROP_WINDOW = 48 * 3600
"""Seconds after the first in which every copy is dropped; later ones count again. O2: the same page."""


@attrs.frozen
class First:
    """The event that was kept for a key: when it came, and the channels that have reported it by now."""

    at: float
    channels: frozenset[str]


def outcome(first: First | None, channel: Channel, at: float) -> Outcome:
    """Decide about an event that arrives on *channel* at *at*, given the *first* one kept for its key.

    The other channel's copy is merged within 5 minutes; all else is dropped until 48 hours, and kept after.
    """
    if first is None or at - first.at > DROP_WINDOW:
        return "kept"
    if channel not in first.channels and at - first.at <= MERGE_WINDOW:
        return "merged"
    return "dropped"


def counts_alone(first_at: float | None, at: float) -> bool:
    """Whether an event would count if its own channel were the only one; *first_at* is that channel's first."""
    return first_at is None or at - first_at > DROP_WINDOW


def key_of(source_id: str, event: str, event_id: str | None, *, test: bool) -> bytes | None:
    """Make what two copies of one event share; None without an `event_id`, since nothing then says they are copies.

    Test events have keys of their own: a try-out must not swallow a real event.
    """
    if not event_id:
        return None
    parts = json.dumps([source_id, event, event_id, test])
    return hashlib.sha256(parts.encode()).digest()
