"""Convert a `data[]` item to the event that is stored: short, printable, without personal data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from tiktok_events._events.normalize import urls
from tiktok_events._spec.problem import Problem
from tiktok_events.events_manager.intake.fingerprint import items_digest, order_digest, visitor_digests
from tiktok_events.events_manager.store.dedup import Channel, dedup_key, ttp_key
from tiktok_events.events_manager.store.received_event import MATCH_KEYS, ReceivedEvent

_MAX_NAME, _MAX_ID, _MAX_URL = 100, 200, 300
_MAX_PROBLEMS = 50
_MAX_INTEGER = 2**53


def received_event(
    channel: Channel, item: Mapping[str, Any], envelope: Mapping[str, Any], problems: Iterable[Problem]
) -> ReceivedEvent:
    """Convert *item*, with any contents. *envelope* holds the event source and the test event code."""
    user, properties, page = (as_object(item.get(name)) for name in ("user", "properties", "page"))
    source_id = as_text(envelope.get("event_source_id"))
    test_event_code = printable(envelope.get("test_event_code"))
    # The keys are made from the complete values: the stored ones are cut.
    whole = (source_id, as_text(item.get("event")), as_text(item.get("event_id")))
    return ReceivedEvent(
        channel=channel,
        event=printable(item.get("event"), _MAX_NAME) or "",
        event_id=printable(item.get("event_id")),
        event_time=_integer(item.get("event_time")),
        event_source=printable(envelope.get("event_source"), 20) or "",
        event_source_id=printable(source_id) or "",
        test_event_code=test_event_code,
        value=_number(properties.get("value")),
        currency=printable(properties.get("currency"), 8),
        page=_page_without_query(page.get("url")),
        identifiers=_identifiers(user, as_object(item.get("lead"))),
        problems=errors_first(problems),
        key=dedup_key(*whole, is_test=test_event_code is not None),
        ttp_key=ttp_key(*whole, as_text(user.get("ttp")), is_test=test_event_code is not None),
        visitor=visitor_digests(user),
        items=items_digest(properties),
        order_digest=order_digest(properties),
        payload=item,
    )


def errors_first(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort *problems*, errors first, and cut the list: an untrusted event can break a rule ten thousand times."""
    return tuple(sorted(problems, key=lambda problem: problem.severity != "error")[:_MAX_PROBLEMS])


def printable(value: object, max_length: int = _MAX_ID) -> str | None:
    """Return *value*, cut and with unprintable characters replaced, if it is a text that is not empty; else None."""
    if not isinstance(value, str) or not value:
        return None
    cut = value if len(value) <= max_length else value[: max_length - 1] + "…"
    # SQLite cannot store lone surrogates, and direction marks would change how the text after them is displayed.
    return cut if cut.isprintable() else "".join(char if char.isprintable() else "\ufffd" for char in cut)


def as_object(value: object) -> Mapping[str, Any]:
    """Return *value* if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: object) -> str:
    """Return *value* if it is text, else an empty one."""
    return value if isinstance(value, str) else ""


def _identifiers(user: Mapping[str, Any], lead: Mapping[str, Any]) -> tuple[str, ...]:
    present = tuple(name for name in MATCH_KEYS if user.get(name))
    return (*present, "lead_id") if lead.get("lead_id") else present


def _integer(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_INTEGER:
        return None
    return value


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > _MAX_INTEGER:
        return None
    return float(value) if math.isfinite(value) else None


def _page_without_query(url: object) -> str | None:
    """Return *url* without its query and without e-mail addresses in its path, as both are personal data."""
    if not isinstance(url, str):
        return None
    path = re.split(r"[?#;]", urls.without_secrets(url[:2000]), maxsplit=1)[0]
    return printable(re.sub(r"[^/]*(?:@|%40)[^/]*", "…", path), _MAX_URL)
