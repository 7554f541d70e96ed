"""An event as the manager keeps it: what the page shows, and no digest, address, click id, user agent or token."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from tiktok_events._events.normalize import urls
from tiktok_events._spec.fields import USER
from tiktok_events._spec.problem import Problem
from tiktok_events.events_manager.store.dedup import Channel

MATCH_KEYS = tuple(name for name in USER if name not in ("locale", "att_status"))
"""What can match a person, in the order of the field table. Only these names are kept, never the values."""

_LONGEST_NAME, _LONGEST_ID, _LONGEST_URL = 100, 200, 300
_MOST_PROBLEMS = 50
_LARGEST_INTEGER = 2**53


@attrs.frozen(kw_only=True)
class Received:
    """One event of a request, or a refused request that held none that could be read (`event` is None)."""

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
    code: int = 0
    message: str = "OK"
    request_id: str = ""


def event_fields(item: Mapping[str, Any]) -> dict[str, Any]:
    """Take what is kept of a raw `data[]` item, whatever it holds."""
    user, properties, page = (_object(item.get(name)) for name in ("user", "properties", "page"))
    return {
        "event": shown(item.get("event"), _LONGEST_NAME) or "",
        "event_id": shown(item.get("event_id"), _LONGEST_ID),
        "event_time": _whole(item.get("event_time")),
        "value": _amount(properties.get("value")),
        "currency": shown(properties.get("currency"), 8),
        "page": _place(page.get("url")),
        "identifiers": identifiers_in(user, _object(item.get("lead"))),
    }


def identifiers_in(user: Mapping[str, Any], lead: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the match keys that *user* and *lead* hold."""
    found = tuple(name for name in MATCH_KEYS if user.get(name))
    return (*found, "lead_id") if lead.get("lead_id") else found


def first_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Errors first, and only as many as a reader takes in: a hostile event can break a rule ten thousand times."""
    return tuple(sorted(problems, key=lambda one: one.severity != "error")[:_MOST_PROBLEMS])


def shown(value: object, longest: int = _LONGEST_ID) -> str | None:
    """*value* if it is text with something in it, printable and cut; else None."""
    if not isinstance(value, str) or not value:
        return None
    cut = value if len(value) <= longest else value[: longest - 1] + "…"
    # Lone surrogates cannot be stored, and direction marks would let one field rewrite the look of the next.
    return cut if cut.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in cut)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int | None:
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and abs(value) <= _LARGEST_INTEGER else None  # type: ignore[arg-type, return-value]


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > _LARGEST_INTEGER:
        return None
    return float(value) if math.isfinite(value) else None


def _place(url: object) -> str | None:
    """Where the page is, without the query: that is personal data, and so is an e-mail address in the path."""
    if not isinstance(url, str):
        return None
    path = re.split(r"[?#;]", urls.without_secrets(url[:2000]), maxsplit=1)[0]
    return shown(re.sub(r"[^/]*(?:@|%40)[^/]*", "…", path), _LONGEST_URL)
