"""Deduplication of events by source, name and event_id (pure functions).

The windows are from TikTok's help centre. `docs/explanation/assumptions.md` lists what the help centre leaves open.
"""

from __future__ import annotations

import hashlib
import json
from typing import Literal

import attrs

Channel = Literal["browser", "server"]
Outcome = Literal["kept", "merged", "dropped", "rejected"]

MERGE_WINDOW = 5 * 60
"""Seconds after the kept event in which a copy from the other channel is merged. O2: "Event deduplication"."""

DROP_WINDOW = 48 * 3600
"""Seconds after the kept event in which every copy is dropped; later ones count again. O2: the same page."""


@attrs.frozen
class KeptEvent:
    """The event that is kept for a key: when it was received, and the channels that have reported it since."""

    received_at: float
    channels: frozenset[str]


def outcome_of(channel: Channel, received_at: float, kept: KeptEvent | None) -> Outcome:
    """Decide about an event, given the event that is *kept* for the same key.

    A copy from the other channel is merged within 5 minutes. All other copies are dropped within 48 hours. A later
    event is kept.
    """
    if kept is None or received_at - kept.received_at > DROP_WINDOW:
        return "kept"
    if channel not in kept.channels and received_at - kept.received_at <= MERGE_WINDOW:
        return "merged"
    return "dropped"


def counts_alone(received_at: float, previous: float | None) -> bool:
    """Whether an event would count if its channel were the only one.

    *previous* is when the last event that counts so was received on this channel with the same key.
    """
    return previous is None or received_at - previous > DROP_WINDOW


def dedup_key(source_id: str, event: str, event_id: str | None, *, is_test: bool) -> bytes | None:
    """Return the key that copies of one event share; None without an `event_id`, as copies cannot be recognized then.

    Test events have keys of their own, so that a test event never replaces a real event.
    """
    if not event_id:
        return None
    parts = json.dumps([source_id, event, event_id, is_test])
    return hashlib.sha256(parts.encode()).digest()
