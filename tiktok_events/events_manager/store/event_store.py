"""SQLite store of received events, in memory or in a file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import attrs

from tiktok_events.events_manager.diagnostics.diagnose import diagnose, read_rows
from tiktok_events.events_manager.diagnostics.doubles import COPY_WAIT
from tiktok_events.events_manager.diagnostics.finding import Finding
from tiktok_events.events_manager.store.dedup import (
    TTP_WINDOW,
    DedupRules,
    KeptEvent,
    Outcome,
    counts_alone,
    outcome_of,
)
from tiktok_events.events_manager.store.payloads import MAX_PAYLOADS, Payloads
from tiktok_events.events_manager.store.received_event import MATCH_KEYS, ReceivedEvent
from tiktok_events.events_manager.store.schema import open_database
from tiktok_events.events_manager.store.summary import summarize

MAX_EVENTS = 100_000
"""Maximum number of stored events. The oldest are deleted first."""

_OLDEST = """
SELECT coalesce(
    (SELECT min(id) FROM events),
    (SELECT seq FROM sqlite_sequence WHERE name = 'events') + 1,
    1
)
"""
_NEWEST = "SELECT coalesce(max(id), 0) FROM events"
_KEPT = "SELECT * FROM events WHERE key = ? AND outcome = 'kept' ORDER BY id DESC LIMIT 1"
_ALONE = "SELECT * FROM events WHERE key = ? AND channel = ? AND alone ORDER BY id DESC LIMIT 1"
_BY_TTP = """
SELECT * FROM events WHERE ttp_key = ? AND channel = ? AND outcome = 'kept' AND received_at >= ? ORDER BY id DESC LIMIT 1
"""
_COPIES = """
SELECT * FROM events WHERE id = :id OR first = (SELECT coalesce(first, id) FROM events WHERE id = :id)
    OR id = (SELECT first FROM events WHERE id = :id)
ORDER BY id LIMIT 50
"""
_DROP = "UPDATE events SET outcome = 'dropped', counted = 0, first = ?, change = ? WHERE id = ?"
_DELETE_OLDEST = "DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?"
_INSERT = """
INSERT INTO events (
    change, received_at, channel, channels, event_source, event_source_id, event, event_id, event_time,
    test_event_code, outcome, counted, alone, first, value, currency, page, identifiers, problems, errors, warnings,
    code, message, request_id, key, ttp_key, visitor, items, order_digest
) VALUES (
    :change, :received_at, :channel, :channels, :event_source, :event_source_id, :event, :event_id, :event_time,
    :test_event_code, :outcome, :counted, :alone, :first, :value, :currency, :page, :identifiers, :problems, :errors,
    :warnings, :code, :message, :request_id, :key, :ttp_key, :visitor, :items, :order_digest
)
"""
_HIDDEN = ("change", "alone", "errors", "warnings", "key", "ttp_key", "visitor", "items", "order_digest")


@attrs.frozen
class EventList:
    """Stored events in the order of arrival; `cursor` marks the newest change, `oldest` the oldest id still stored."""

    events: list[dict[str, Any]]
    cursor: int
    oldest: int


class EventStore:
    """The received events and their outcomes, in SQLite. Thread-safe.

    *path* is a file; without it, events are kept in memory.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        max_events: int = MAX_EVENTS,
        max_payloads: int = MAX_PAYLOADS,
        rules: DedupRules = DedupRules(),  # noqa: B008 - it is frozen
    ) -> None:
        self._max_events, self._rules = max_events, rules
        self._lock = threading.Lock()
        self._connection = open_database(path)
        self._change = self._integer("SELECT coalesce(max(change), 0) FROM events")
        self.listener: Callable[[list[dict[str, Any]]], object] | None = None
        """Called with the events of each request, after they are stored."""
        self._payloads = Payloads(max_payloads)
        self._findings: list[Finding] = []
        self._findings_of: int | None = None
        self.close = weakref.finalize(self, self._connection.close)

    def add(self, events: Sequence[ReceivedEvent], received_at: float) -> None:
        """Deduplicate *events* and store them with their outcomes."""
        with self._transaction():
            newest = self._integer(_NEWEST)
            for event in events:
                self._add(event, received_at)
            self._connection.execute(_DELETE_OLDEST, (self._max_events,))
            added = self._rows("SELECT * FROM events WHERE id > ? ORDER BY id", (newest,)) if self.listener else []
        if self.listener and added:
            self.listener([_as_dict(row) for row in added])

    def clear(self) -> None:
        """Delete all events."""
        with self._transaction():
            self._connection.execute("DELETE FROM events")
            self._payloads.clear()
            self._findings_of = None

    def events(self, *, after: int = 0, limit: int = -1) -> EventList:
        """Return the newest *limit* events (all of them by default) of those that changed since cursor *after*."""
        with self._lock:
            since = after if after <= self._change else 0  # a larger cursor is from an earlier run
            rows = self._rows("SELECT * FROM events WHERE change > ? ORDER BY id DESC LIMIT ?", (since, limit))
            return EventList([_as_dict(row) for row in reversed(rows)], self._change, self._integer(_OLDEST))

    def merged_copies(self, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Return the copy that was merged into each event of *ids*, by the id of that event."""
        wanted = json.dumps(list(ids))
        with self._lock:
            rows = self._rows(
                "SELECT * FROM events WHERE outcome = 'merged' AND first IN (SELECT value FROM json_each(?))", (wanted,)
            )
        return {row["first"]: _as_dict(row) for row in rows}

    def copies_of(self, number: int) -> list[dict[str, Any]]:
        """Return the copies of the conversion that event *number* belongs to, in the order of arrival, with payloads."""
        with self._lock:
            rows = self._rows(_COPIES, {"id": number})
            return [{**_as_dict(row), "payload": self._payloads.get(row["id"])} for row in rows]

    def payloads_of(self, number: int) -> list[dict[str, Any]]:
        """Return the payloads of the copies of event *number* that are in memory."""
        return [copy["payload"] for copy in self.copies_of(number) if copy["payload"] is not None]

    def neighbours(self, number: int) -> dict[str, int | None]:
        """Return the ids of the events before and after event *number*, without merged copies."""
        with self._lock:
            before = self._rows("SELECT max(id) FROM events WHERE id < ? AND outcome != 'merged'", (number,))
            after = self._rows("SELECT min(id) FROM events WHERE id > ? AND outcome != 'merged'", (number,))
        return {"previous": before[0][0], "next": after[0][0]}

    def summary(self) -> dict[str, Any]:
        """Return the summary of all stored events; `openapi.json` describes its fields."""
        with self._lock:
            return summarize(self._connection)

    def received(self) -> int:
        """Return the number of stored events."""
        with self._lock:
            return self._integer("SELECT count(*) FROM events")

    def findings(self, now: float) -> list[Finding]:
        """Return the findings about the newest events."""
        with self._lock:
            if self._findings_of != self._change:
                rows = read_rows(self._connection)
                self._findings = diagnose(rows, now=now)
                is_final = not rows or now - rows[-1].received_at >= COPY_WAIT
                self._findings_of = self._change if is_final else None
            return self._findings

    def _add(self, event: ReceivedEvent, received_at: float) -> None:
        self._change += 1
        kept = self._newest(_KEPT, event.key) or self._kept_browser_event(event, received_at)
        outcome = self._outcome(event, received_at, kept)
        original = kept if outcome in ("merged", "dropped") else None
        alone = self._counts_alone(event, received_at)
        self._insert(event, received_at, outcome, alone=alone, first=original["id"] if original else None)
        if original is not None and outcome == "merged":
            self._complete(original, event)
        if original is not None:
            self._add_channel(original, event.channel)
        self._drop_earlier_server_event(event, received_at)

    def _outcome(self, event: ReceivedEvent, received_at: float, kept: sqlite3.Row | None) -> Outcome:
        if event.code != 0:
            return "rejected"
        if kept is None:
            return "kept"
        if event.key is None:
            return "dropped"  # a server event whose browser event has the same `_ttp`
        kept_event = KeptEvent(kept["received_at"], frozenset(json.loads(kept["channels"])))
        return outcome_of(event.channel, received_at, kept_event, self._rules)

    def _kept_browser_event(self, event: ReceivedEvent, received_at: float) -> sqlite3.Row | None:
        """The browser event for which the server event *event*, without event_id, is dropped."""
        if event.channel != "server" or not self._rules.by_ttp:
            return None
        return self._newest(_BY_TTP, event.ttp_key, "browser", received_at - TTP_WINDOW)

    def _drop_earlier_server_event(self, event: ReceivedEvent, received_at: float) -> None:
        """Drop the server event that came before the browser event *event*, both without event_id."""
        if event.channel != "browser" or event.code != 0 or not self._rules.by_ttp:
            return
        server_event = self._newest(_BY_TTP, event.ttp_key, "server", received_at - TTP_WINDOW)
        browser_event = self._newest(_BY_TTP, event.ttp_key, "browser", received_at)
        if server_event is not None and browser_event is not None:
            self._connection.execute(_DROP, (browser_event["id"], self._change, server_event["id"]))
            self._add_channel(browser_event, "server")

    def _counts_alone(self, event: ReceivedEvent, received_at: float) -> bool:
        if event.code != 0 or event.test_event_code is not None:
            return False
        previous = self._newest(_ALONE, event.key, event.channel)
        return counts_alone(received_at, previous["received_at"] if previous else None)

    def _newest(self, query: str, *values: Any) -> sqlite3.Row | None:
        rows = self._rows(query, values)  # without a key there are none: in SQL, `key = NULL` is never true
        return rows[0] if rows else None

    def _insert(
        self, event: ReceivedEvent, received_at: float, outcome: Outcome, *, alone: bool, first: int | None
    ) -> None:
        rules = {
            severity: sorted({problem.rule for problem in event.problems if problem.severity == severity})
            for severity in ("error", "warning")
        }
        values = {
            **attrs.asdict(event, recurse=False, filter=attrs.filters.exclude("payload")),
            "change": self._change,
            "received_at": received_at,
            "channels": json.dumps([event.channel]),
            "outcome": outcome,
            "counted": outcome == "kept" and event.test_event_code is None,
            "alone": alone,
            "first": first,
            "identifiers": json.dumps(event.identifiers),
            "visitor": json.dumps(event.visitor),
            "problems": json.dumps([attrs.asdict(problem) for problem in event.problems]),
            "errors": json.dumps(rules["error"]),
            "warnings": json.dumps(rules["warning"]),
        }
        number = self._connection.execute(_INSERT, values).lastrowid
        self._payloads.add(number or 0, event.payload)

    def _complete(self, original: sqlite3.Row, copy: ReceivedEvent) -> None:
        """Add to the kept event what only its copy has. O2: "Event deduplication"."""
        both = {*json.loads(original["identifiers"]), *copy.identifiers}
        identifiers = [name for name in (*MATCH_KEYS, "lead_id") if name in both]
        visitor = json.dumps(list(dict.fromkeys([*json.loads(original["visitor"]), *copy.visitor])))
        self._connection.execute(
            "UPDATE events SET identifiers = ?, value = coalesce(value, ?), currency = coalesce(currency, ?), "
            "page = coalesce(page, ?), items = coalesce(items, ?), visitor = ? WHERE id = ?",
            (json.dumps(identifiers), copy.value, copy.currency, copy.page, copy.items, visitor, original["id"]),
        )

    def _add_channel(self, original: sqlite3.Row, channel: str) -> None:
        channels = json.dumps(sorted({*json.loads(original["channels"]), channel}))
        self._connection.execute(
            "UPDATE events SET change = ?, channels = ? WHERE id = ?", (self._change, channels, original["id"])
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def _rows(self, query: str, values: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        return self._connection.execute(query, values).fetchall()

    def _integer(self, query: str) -> int:
        return int(self._rows(query)[0][0])


def _as_dict(row: sqlite3.Row) -> dict[str, Any]:
    event = {name: row[name] for name in row.keys() if name not in _HIDDEN}  # noqa: SIM118 (a Row iterates values)
    for name in ("channels", "identifiers", "problems"):
        event[name] = json.loads(event[name])
    return {**event, "counted": bool(event["counted"])}
