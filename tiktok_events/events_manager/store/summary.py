"""The summary of all stored events, computed from the table `events`."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from typing import Any

_TOTALS = """
SELECT count(*) AS received,
    coalesce(sum(code = 0), 0) AS accepted,
    coalesce(sum(code != 0), 0) AS rejected,
    coalesce(sum(code = 0 AND test_event_code IS NOT NULL), 0) AS tests,
    coalesce(sum(outcome = 'merged'), 0) AS merged,
    coalesce(sum(outcome = 'dropped'), 0) AS dropped,
    coalesce(sum(channel = 'browser'), 0) AS browser,
    coalesce(sum(channel = 'server'), 0) AS server
FROM events
"""
# The names are those of `PAGE_VIEW_NAMES`, by which `diagnostics` goes.
_PAGE_VIEWS = "SELECT count(*) FROM events WHERE counted AND event IN ('PageView', 'Pageview')"
_BY_EVENT = """
SELECT event,
    sum(counted) AS conversions,
    sum(alone AND channel = 'browser') AS browser_alone,
    sum(alone AND channel = 'server') AS server_alone,
    sum(counted AND channels = '["browser"]') AS browser_only,
    sum(counted AND channels = '["browser", "server"]') AS both,
    sum(counted AND channels = '["server"]') AS server_only
FROM events WHERE code = 0 AND test_event_code IS NULL AND event NOT IN ('PageView', 'Pageview')
GROUP BY event ORDER BY conversions DESC, event
"""
_CHANNEL_COUNTS = ("browser_only", "both", "server_only", "browser_alone", "server_alone")
_VALUES = """
SELECT event, coalesce(currency, '') AS currency, sum(value) AS value
FROM events WHERE counted AND value IS NOT NULL GROUP BY event, currency ORDER BY currency
"""
_IDENTIFIERS = """
SELECT identifiers, count(*) FROM events WHERE counted AND event NOT IN ('PageView', 'Pageview') GROUP BY identifiers
"""
_ERRORS = "SELECT errors, count(*) FROM events WHERE code != 0 GROUP BY errors"
_WARNINGS = "SELECT warnings, count(*) FROM events WHERE code = 0 GROUP BY warnings"


def summarize(connection: sqlite3.Connection) -> dict[str, Any]:
    """Compute the summary of all events in the database; `openapi.json` describes its fields."""
    totals = dict(connection.execute(_TOTALS).fetchone())
    channels = {name: totals.pop(name) for name in ("browser", "server")}
    events = _events(connection)
    conversions = sum(event["conversions"] for event in events)
    return {
        **totals,
        "conversions": conversions,
        "page_views": connection.execute(_PAGE_VIEWS).fetchone()[0],
        **{name: sum(event[name] for event in events) for name in _CHANNEL_COUNTS},
        "received_by_channel": channels,
        "events": events,
        "identifiers": _identifiers(connection, conversions),
        "rejected_by_rule": _count_names(connection, _ERRORS),
        "rejected_by_code": _count_codes(connection),
        "warnings_by_rule": _count_names(connection, _WARNINGS),
    }


def _events(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    values: dict[str, dict[str, float]] = {}
    for row in connection.execute(_VALUES):
        # Rounds the floating-point error of the sum: no currency has more than four decimals.
        values.setdefault(row["event"], {})[row["currency"]] = round(row["value"], 4)
    return [{**dict(row), "value": values.get(row["event"], {})} for row in connection.execute(_BY_EVENT)]


def _identifiers(connection: sqlite3.Connection, conversions: int) -> dict[str, dict[str, float]]:
    counts = _count_names(connection, _IDENTIFIERS)
    return {name: {"conversions": number, "share": round(number / conversions, 4)} for name, number in counts.items()}


def _count_names(connection: sqlite3.Connection, query: str) -> dict[str, int]:
    """Count the events of each name in the JSON lists that *query* returns, the most frequent name first."""
    counts: Counter[str] = Counter()
    for names, number in connection.execute(query):
        counts.update(dict.fromkeys(json.loads(names), number))
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _count_codes(connection: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT code, count(*) FROM events WHERE code != 0 GROUP BY code ORDER BY code"
    return {str(code): number for code, number in connection.execute(query)}
