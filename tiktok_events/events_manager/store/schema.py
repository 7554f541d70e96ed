"""The SQLite tables of the event store, and how older ones are upgraded."""

from __future__ import annotations

import os
import sqlite3
from contextlib import ExitStack

from tiktok_events.errors import ConfigurationError

_VERSION = 3
_SCHEMA = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, change INTEGER NOT NULL, received_at REAL NOT NULL,
    channel TEXT NOT NULL, channels TEXT NOT NULL, event_source TEXT NOT NULL, event_source_id TEXT NOT NULL,
    event TEXT, event_id TEXT, event_time INTEGER, test_event_code TEXT,
    outcome TEXT NOT NULL, counted INTEGER NOT NULL, alone INTEGER NOT NULL, first INTEGER,
    value REAL, currency TEXT, page TEXT, identifiers TEXT NOT NULL,
    problems TEXT NOT NULL, errors TEXT NOT NULL, warnings TEXT NOT NULL,
    code INTEGER NOT NULL, message TEXT NOT NULL, request_id TEXT NOT NULL, key BLOB, ttp_key BLOB,
    visitor TEXT NOT NULL DEFAULT '[]', items TEXT, order_digest TEXT
);
CREATE INDEX events_by_key ON events (key) WHERE key IS NOT NULL;
CREATE INDEX events_by_change ON events (change);
CREATE INDEX events_by_first ON events (first) WHERE first IS NOT NULL;
CREATE INDEX events_by_ttp ON events (ttp_key) WHERE ttp_key IS NOT NULL;
"""
_FROM_VERSION_1 = """
ALTER TABLE events ADD COLUMN ttp_key BLOB;
CREATE INDEX events_by_ttp ON events (ttp_key) WHERE ttp_key IS NOT NULL;
"""
_FROM_VERSION_2 = """
ALTER TABLE events ADD COLUMN visitor TEXT NOT NULL DEFAULT '[]';
ALTER TABLE events ADD COLUMN items TEXT;
ALTER TABLE events ADD COLUMN order_digest TEXT;
"""


def open_database(path: str | os.PathLike[str] | None) -> sqlite3.Connection:
    """Open the file *path*, or a database in memory, and create or upgrade its tables.

    Raises:
        ConfigurationError: If it is not a database of the Events Manager that can be written.
    """
    with ExitStack() as undo:
        try:
            # The server's thread writes and the caller's thread reads; the lock of EventStore serializes them.
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
    if version not in (1, 2, _VERSION) and not (version == 0 and is_empty):
        raise ConfigurationError("db is the database of another program: give the Events Manager a file of its own")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    if is_empty:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_VERSION}; COMMIT;")
    elif version < _VERSION:
        steps = _FROM_VERSION_2 if version == 2 else _FROM_VERSION_1 + _FROM_VERSION_2
        connection.executescript(f"BEGIN; {steps} PRAGMA user_version = {_VERSION}; COMMIT;")
