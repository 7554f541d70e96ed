"""All findings about the stored events."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from itertools import chain

from tiktok_events.events_manager.diagnostics import channels_and_visitors, doubles, single_events
from tiktok_events.events_manager.diagnostics.finding import BrokenRule, Finding, Row, in_order

NEWEST = 5_000
"""The number of newest events that are looked at."""

_ROWS = f"SELECT * FROM (SELECT * FROM events ORDER BY id DESC LIMIT {NEWEST}) ORDER BY id"  # noqa: S608 - no input
_CHECKS = (
    doubles.counted_again,
    doubles.values_differ,
    single_events.broken_rules,
    single_events.rejected_requests,
    single_events.test_events,
    single_events.page_views,
    channels_and_visitors.silent_channels,
    channels_and_visitors.click_id_lost,
    channels_and_visitors.shared_identifiers,
    channels_and_visitors.mixed_currencies,
    channels_and_visitors.clock_skew,
    channels_and_visitors.purchase_without_checkout,
)


def diagnose(rows: Sequence[Row], *, now: float) -> list[Finding]:
    """Return the findings about *rows*, which are in the order of arrival: open and severe ones first."""
    found = chain(doubles.suspected_doubles(rows, now=now), *(check(rows) for check in _CHECKS if rows))
    merged: dict[str, Finding] = {}
    for one in found:
        # A name may come twice, such as `event-id-missing` of a rule and of two copies: the one that says more is kept.
        known = merged.get(one.id)
        if known is None or (known.state, -known.count) > (one.state, -one.count):
            merged[one.id] = one
    return in_order(merged.values())


def read_rows(connection: sqlite3.Connection) -> list[Row]:
    """Read the newest events."""
    return [_row(row) for row in connection.execute(_ROWS)]


def _row(row: sqlite3.Row) -> Row:
    return Row(
        id=row["id"],
        event=row["event"] or "",
        event_id=row["event_id"],
        event_source=row["event_source"],
        event_source_id=row["event_source_id"],
        channel=row["channel"],
        channels=frozenset(json.loads(row["channels"])),
        outcome=row["outcome"],
        received_at=row["received_at"],
        event_time=row["event_time"],
        value=row["value"],
        currency=row["currency"],
        page=row["page"],
        identifiers=frozenset(json.loads(row["identifiers"])),
        visitor=frozenset(json.loads(row["visitor"])),
        items=row["items"],
        order=row["order_digest"],
        is_test=row["test_event_code"] is not None,
        first=row["first"],
        code=row["code"],
        problems=_broken_rules(row["problems"]),
    )


@lru_cache(maxsize=1_000)
def _broken_rules(text: str) -> tuple[BrokenRule, ...]:
    return tuple(BrokenRule(**problem) for problem in json.loads(text))
