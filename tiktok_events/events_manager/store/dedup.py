"""Deduplication of events by source, name and event_id, or by `_ttp` without an event_id (pure functions).

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

TTP_WINDOW = 5 * 60
"""Seconds between a browser event and a server event without event_id, with the same `_ttp`: only the browser's is kept.

O2: the developer page on event deduplication, as read by others in September 2026.
"""

DROP_WINDOW = 48 * 3600
"""Seconds after the kept event in which every copy is dropped; later ones count again. O2: the same page."""


@attrs.frozen
class KeptEvent:
    """The event that is kept for a key: when it was received, and the channels that have reported it since."""

    received_at: float
    channels: frozenset[str]


@attrs.frozen(kw_only=True)
class DedupRules:
    """What TikTok's pages leave open or contradict each other about.

    - `by_ttp`: whether events without an event_id are deduplicated by `_ttp`.
    - `merges_same_channel`: whether copies of one channel are merged within 5 minutes, as the developer page says, or
      dropped, as the help centre says. Their number is the same; a merged copy adds its fields to the kept event.
    """

    by_ttp: bool = True
    merges_same_channel: bool = False


def outcome_of(channel: Channel, received_at: float, kept: KeptEvent | None, rules: DedupRules) -> Outcome:
    """Decide about an event, given the event that is *kept* for the same key.

    A copy from the other channel is merged within 5 minutes; *rules* says whether one from the same channel is, too.
    All other copies are dropped within 48 hours. A later event is kept.
    """
    if kept is None or received_at - kept.received_at > DROP_WINDOW:
        return "kept"
    may_merge = channel not in kept.channels or rules.merges_same_channel
    if may_merge and received_at - kept.received_at <= MERGE_WINDOW:
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
    return _digest(source_id, event, event_id, is_test) if event_id else None


def ttp_key(source_id: str, event: str, event_id: str | None, ttp: str | None, *, is_test: bool) -> bytes | None:
    """Return the key that events of one visitor share if they have no `event_id`; None with one, or without `_ttp`.

    It is a digest, so that no identifier is stored.
    """
    return _digest(source_id, event, "ttp", ttp, is_test) if ttp and not event_id else None


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
