"""Whether two events are copies of one conversion, and what keeps TikTok from deduplicating them (pure functions)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tiktok_events._spec.names import DEPRECATED_NAMES, PAGE_VIEW_NAMES, RESERVED_NAMES
from tiktok_events.events_manager.diagnostics.finding import Row

BETWEEN_CHANNELS = 600.0
"""Seconds between the browser's and the server's copy of one conversion, at most."""

WITHIN_CHANNEL = 10.0
"""Seconds between two copies of one channel, at most. A person does not order the same twice in this time."""

_WITHOUT_ID = 60.0
_STRONG: Sequence[str] = ("ttp", "ttclid", "email", "phone", "external_id")
_OLD_NAMES = frozenset({*RESERVED_NAMES, *DEPRECATED_NAMES})
_ALIASES = {
    re.sub(r"[^a-z0-9]", "", old.lower()): re.sub(r"[^a-z0-9]", "", new.lower())
    for old, new in {**RESERVED_NAMES, **DEPRECATED_NAMES}.items()
    if new
}


def is_conversion(event: str) -> bool:
    """Whether *event* is anything but a page view."""
    return event not in PAGE_VIEW_NAMES


def canonical_name(event: str) -> str:
    """The name in small letters without separators, an old name as its current one: equal for one conversion."""
    name = re.sub(r"[^a-z0-9]", "", event.lower())
    name = _ALIASES.get(name, name)
    return _ALIASES.get(name, name)


def current_name(rows: Iterable[Row]) -> str:
    """The name to use among those of *rows*: a current one rather than an old one, in its usual capitals."""
    names = {row.event for row in rows}
    return max(names - _OLD_NAMES or names, key=lambda name: (sum(map(str.isupper, name)), name))


def spelled(event: str) -> str:
    """The name in small letters without separators."""
    return re.sub(r"[^a-z0-9]", "", event.lower())


def same_id(one: Row, other: Row) -> bool:
    """Whether both have the same `event_id` but for letter case and blanks."""
    return bool(one.event_id and other.event_id) and plain_id(one.event_id) == plain_id(other.event_id)


def what_differs(one: Row, other: Row) -> str:
    """The id of the finding for two copies that are not deduplicated."""
    if one.event_source_id != other.event_source_id:
        return "pixels-differ"
    if one.event != other.event:
        return "case-differs" if spelled(one.event) == spelled(other.event) else "names-differ"
    if not (one.event_id and other.event_id):
        return "event-id-missing"
    return "case-differs" if same_id(one, other) and one.event_id != other.event_id else "ids-differ"


def same_conversion(one: Row, other: Row) -> bool:
    """Whether two events with one canonical name, which TikTok counts both, look like copies of one conversion.

    Two real orders of one person are reported by the same channels each, at least `WITHIN_CHANNEL` seconds apart.
    """
    apart = abs(one.received_at - other.received_at)
    if same_id(one, other) or (one.order is not None and one.order == other.order):
        return True
    if one.order is not None and other.order is not None:
        return False
    if not _same_content(one, other):
        return False
    visitor = same_visitor(one, other)
    if one.channels == other.channels:
        return _is_alone(one) and apart <= WITHIN_CHANNEL and same_visitor(one, other, strong_only=True) is True
    if one.channels & other.channels:
        return False
    if visitor is None:
        return apart <= _WITHOUT_ID and one.page is not None and one.page == other.page and one.value is not None
    return visitor and apart <= BETWEEN_CHANNELS


def same_visitor(one: Row, other: Row, *, strong_only: bool = False) -> bool | None:
    """Whether both are of one visitor, by the first field that both have; None if they have none in common.

    *strong_only* ignores user agents, which visitors share.
    """
    for name in _STRONG if strong_only else (*_STRONG, "user_agent"):
        if _has(one, name) and _has(other, name):
            return any(digest.startswith(f"{name}:") for digest in one.visitor & other.visitor)
    return None


def _has(row: Row, name: str) -> bool:
    return any(digest.startswith(f"{name}:") for digest in row.visitor)


def _same_content(one: Row, other: Row) -> bool:
    if one.value is not None and other.value is not None and abs(one.value - other.value) > 0.005:
        return False
    return one.items is None or other.items is None or one.items == other.items


def _is_alone(row: Row) -> bool:
    return len(row.channels) == 1


def plain_id(text: str | None) -> str:
    """The `event_id` in small letters, without blanks around it."""
    return (text or "").strip().casefold()
