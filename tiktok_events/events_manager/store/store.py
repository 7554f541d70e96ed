"""Store received events in SQLite: in memory, or in a file."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import attrs

from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager.store import summary
from tiktok_events.events_manager.store.dedup import First, Outcome, counts_alone, outcome
from tiktok_events.events_manager.store.received import MATCH_KEYS, Received

MOST_EVENTS = 100_000
"""How many events are held; the oldest go first."""

_VERSION = 1
_SCHEMA = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, change INTEGER NOT NULL, received_at REAL NOT NULL,
    channel TEXT NOT NULL, channels TEXT NOT NULL, event_source TEXT NOT NULL, event_source_id TEXT NOT NULL,
    event TEXT, event_id TEXT, event_time INTEGER, test_event_code TEXT,
    outcome TEXT NOT NULL, counted INTEGER NOT NULL, alone INTEGER NOT NULL, first INTEGER,
    value REAL, currency TEXT, page TEXT, identifiers TEXT NOT NULL,
    problems TEXT NOT NULL, errors TEXT NOT NULL, warnings TEXT NOT NULL,
    code INTEGER NOT NULL, message TEXT NOT NULL, request_id TEXT NOT NULL, key BLOB
);
CREATE INDEX events_by_key ON events (key) WHERE key IS NOT NULL;
CREATE INDEX events_by_change ON events (change);
CREATE INDEX events_by_first ON events (first) WHERE first IS NOT NULL;
"""
_OLDEST = """
SELECT coalesce(
    (SELECT min(id) FROM events),
    (SELECT seq FROM sqlite_sequence WHERE name = 'events') + 1,
    1
)
"""
_FIRST = "SELECT * FROM events WHERE key = ? AND outcome = 'kept' ORDER BY id DESC LIMIT 1"
_FIRST_OF_CHANNEL = "SELECT * FROM events WHERE key = ? AND channel = ? AND alone ORDER BY id DESC LIMIT 1"
_INSERT = """
INSERT INTO events (
    change, received_at, channel, channels, event_source, event_source_id, event, event_id, event_time,
    test_event_code, outcome, counted, alone, first, value, currency, page, identifiers, problems, errors, warnings,
    code, message, request_id, key
) VALUES (
    :change, :received_at, :channel, :channels, :event_source, :event_source_id, :event, :event_id, :event_time,
    :test_event_code, :outcome, :counted, :alone, :first, :value, :currency, :page, :identifiers, :problems, :errors,
    :warnings, :code, :message, :request_id, :key
)
"""
_HIDDEN = ("change", "alone", "errors", "warnings", "key")


@attrs.frozen
class Page:
    """Some events in the order they came; `cursor` marks the newest change, `oldest` the oldest id still held."""

    events: list[dict[str, Any]]
    cursor: int
    oldest: int


class Store:
    """The received events and their outcomes. Thread-safe."""

    def __init__(self, path: str | os.PathLike[str] | None = None, *, most: int = MOST_EVENTS) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._connection = _open(path)
        self._change = self._one("SELECT coalesce(max(change), 0) FROM events")
        self.close = weakref.finalize(self, self._connection.close)

    def add(self, events: Sequence[Received], at: float) -> None:
        """Store *events*, received at *at*, and decide which of them are counted."""
        with self._writing():
            for event in events:
                self._add(event, at)
            self._connection.execute("DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ?", (self._most,))

    def clear(self) -> None:
        """Delete all events."""
        with self._writing():
            self._connection.execute("DELETE FROM events")

    def events(self, *, after: int = 0, limit: int = -1) -> Page:
        """Return the newest *limit* events (all of them by default) of those that changed since cursor *after*."""
        with self._lock:
            since = after if after <= self._change else 0  # a cursor of an earlier run
            rows = self._rows("SELECT * FROM events WHERE change > ? ORDER BY id DESC LIMIT ?", (since, limit))
            return Page([_as_dict(row) for row in reversed(rows)], self._change, self._one(_OLDEST))

    def merged_into(self, ids: Iterable[int]) -> dict[int, dict[str, Any]]:
        """Find the event that was merged into each of *ids*, by that id."""
        wanted = json.dumps(list(ids))
        with self._lock:
            rows = self._rows(
                "SELECT * FROM events WHERE outcome = 'merged' AND first IN (SELECT value FROM json_each(?))", (wanted,)
            )
        return {row["first"]: _as_dict(row) for row in rows}

    def summary(self) -> dict[str, Any]:
        """Compute the figures of everything held; `openapi.json` says what each one means."""
        with self._lock:
            return summary.of(self._connection)

    def _add(self, event: Received, at: float) -> None:
        self._change += 1
        first = self._first_of(event)
        seen = None if first is None else First(first["received_at"], frozenset(json.loads(first["channels"])))
        decided: Outcome = "rejected" if event.code else outcome(seen, event.channel, at)
        is_real = event.code == 0 and event.test_event_code is None
        self._insert(event, at, decided, first, alone=is_real and counts_alone(self._alone_since(event), at))
        if first is not None and decided == "merged":
            self._complete(first, event)
        if first is not None and decided in ("merged", "dropped"):
            self._also_from(first, event.channel)

    def _first_of(self, event: Received) -> sqlite3.Row | None:
        return self._newest(_FIRST, event.key)

    def _alone_since(self, event: Received) -> float | None:
        found = self._newest(_FIRST_OF_CHANNEL, event.key, event.channel)
        return found["received_at"] if found else None

    def _newest(self, query: str, *values: Any) -> sqlite3.Row | None:
        rows = self._rows(query, values)  # a key of None equals nothing in SQL, as it should
        return rows[0] if rows else None

    def _insert(self, event: Received, at: float, decided: Outcome, first: sqlite3.Row | None, *, alone: bool) -> None:
        values = {
            **attrs.asdict(event, recurse=False),
            "change": self._change,
            "received_at": at,
            "channels": json.dumps([event.channel]),
            "outcome": decided,
            "counted": decided == "kept" and event.test_event_code is None,
            "alone": alone,
            "first": first["id"] if first and decided in ("merged", "dropped") else None,
            "identifiers": json.dumps(event.identifiers),
            "problems": json.dumps([attrs.asdict(one) for one in event.problems]),
            "errors": json.dumps(sorted({one.rule for one in event.problems if one.severity == "error"})),
            "warnings": json.dumps(sorted({one.rule for one in event.problems if one.severity == "warning"})),
        }
        self._connection.execute(_INSERT, values)

    def _complete(self, first: sqlite3.Row, event: Received) -> None:
        """Complete the first event, which is kept, with fields of its copy. O2: "Event deduplication"."""
        both = {*json.loads(first["identifiers"]), *event.identifiers}
        identifiers = [name for name in (*MATCH_KEYS, "lead_id") if name in both]
        self._connection.execute(
            "UPDATE events SET identifiers = ?, value = coalesce(value, ?), currency = coalesce(currency, ?), "
            "page = coalesce(page, ?) WHERE id = ?",
            (json.dumps(identifiers), event.value, event.currency, event.page, first["id"]),
        )

    def _also_from(self, first: sqlite3.Row, channel: str) -> None:
        channels = json.dumps(sorted({*json.loads(first["channels"]), channel}))
        self._connection.execute(
            "UPDATE events SET change = ?, channels = ? WHERE id = ?", (self._change, channels, first["id"])
        )

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            yield

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        return self._connection.execute(query, values).fetchall()

    def _one(self, query: str) -> int:
        return int(self._rows(query)[0][0])


def _open(path: str | os.PathLike[str] | None) -> sqlite3.Connection:
    with ExitStack() as undo:
        try:
            # The server's thread writes, and whoever runs it reads; Store's lock keeps them apart.
            connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
            undo.callback(connection.close)
            _prepare(connection)
        except sqlite3.DatabaseError:
            raise ConfigurationError("db is not a file that SQLite can open and write") from None
        undo.pop_all()
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    is_empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if version != _VERSION and not (version == 0 and is_empty):
        raise ConfigurationError("db is a database of something else: give the Events Manager a file of its own")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if is_empty:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")


def _as_dict(row: sqlite3.Row) -> dict[str, Any]:
    event = {name: row[name] for name in row.keys() if name not in _HIDDEN}  # noqa: SIM118 (a Row iterates values)
    for name in ("channels", "identifiers", "problems"):
        event[name] = json.loads(event[name])
    return {**event, "counted": bool(event["counted"])}
