"""Write records to the file of `SQLiteOutbox`, one transaction per put."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

import attrs

from tiktok_events._outbox.protocol import PutResult, Record, Repeat, Route
from tiktok_events._outbox.sqlite.file import FileConnection
from tiktok_events.errors import OutboxFull

Row = tuple[int, str, bytes, float, bool]
"""The number of its route, event_id, data, when it was put, and whether it has a key."""

Put = tuple[float, Record]
"""A record, and when it was put."""

# One statement: SQLite's lock is not held while threads of this process hand the interpreter around. A route that is
# new, no room, or a repeated key leaves a NULL where none may be, and the row is ignored.
_ONE = """
INSERT OR IGNORE INTO event VALUES (
    (SELECT newest + 1 FROM total),
    (
        SELECT id FROM route WHERE event_source = ? AND event_source_id = ? AND test_event_code IS ?
        AND (SELECT there FROM total) < ?
        AND NOT EXISTS (SELECT 1 FROM remembered WHERE event_id = ? AND remembered.route = route.id AND put > ?)
    ),
    ?, ?, ?, ?
)
"""
_ROWS = {rows: "INSERT INTO event VALUES" + ", ".join(["(?, ?, ?, ?, ?, ?)"] * rows) for rows in (128, 16, 1)}
_ROUTE = "SELECT id FROM route WHERE event_source = ? AND event_source_id = ? AND test_event_code IS ?"
_REMEMBERED = "SELECT put FROM remembered WHERE event_id = ? AND route = ? AND put > ?"
_EXPIRE = "DELETE FROM remembered WHERE put <= ?"


def newest_and_count(connection: sqlite3.Connection) -> tuple[int, int]:
    """The newest id that was assigned, and the number of events in the file."""
    newest, there = connection.execute("SELECT newest, there FROM total").fetchone()
    return newest, there


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> range:
    """Insert *rows* within a transaction. Returns their ids."""
    newest, _ = newest_and_count(connection)
    at = 0
    for size, statement in _ROWS.items():
        while len(rows) - at >= size:
            values: list[object] = []
            for number, row in enumerate(rows[at : at + size], newest + at + 1):
                values += (number, *row)
            connection.execute(statement, values)
            at += size
    return range(newest + 1, newest + 1 + len(rows))


@attrs.frozen(eq=False)
class Writer:
    """Write records through *handle*, waiting up to *busy_wait* seconds for other writers.

    Keyed events that were put within *remember* seconds are not written again.
    """

    handle: FileConnection
    busy_wait: float
    max_events: int
    clock: Callable[[], float]
    remember: float

    def put(self, records: Sequence[Record]) -> PutResult:
        """Write *records*, all or none, except repeated ones. Returns their ids.

        Raises:
            OutboxFull: If there is no room for all of them.
        """
        now = self.clock()
        if len(records) == 1 and (number := self._one(records[0], now)) is not None:
            return PutResult((number,))
        # One record comes here if it is the first of its route, repeats a key, or has no room.
        done = self._many([(now, record) for record in records], self.max_events)
        ids = (one for one in done if not isinstance(one, Repeat))
        return PutResult.of(ids, [one for one in done if isinstance(one, Repeat)])

    def put_accepted(self, records: Sequence[Put]) -> Sequence[int | Repeat]:
        """Write *records* that were accepted. Returns the id of each, or that it is repeated."""
        return self._many(records, None)

    def room(self) -> int:
        """The number of events that still fit."""
        return self.max_events - self.handle.read(newest_and_count, self.busy_wait)[1]

    def is_repeat(self, connection: sqlite3.Connection, row: Row, now: float) -> bool:
        """Whether a keyed event with the id and route of *row* was put within `remember` seconds before *now*."""
        return self._age(connection, row, now) is not None

    def expire(self, connection: sqlite3.Connection) -> None:
        """Forget keys that were put more than `remember` seconds ago; none if nothing is remembered here."""
        if self.remember:
            connection.execute(_EXPIRE, (self.clock() - self.remember,))

    def full(self, there: int) -> OutboxFull:
        """The error for a file that already holds *there* events."""
        return OutboxFull(f"the outbox has no room: it holds {there:,} events")

    def _one(self, record: Record, now: float) -> int | None:
        key = record.event_id if record.is_keyed else None
        values = (*record[:3], self.max_events, key, now - self.remember, *record[3:5], now, record.is_keyed)

        def write(connection: sqlite3.Connection) -> int | None:
            done = connection.execute(_ONE, values)
            return done.lastrowid if done.rowcount else None

        return self.handle.write_one(write, self.busy_wait)

    def _many(self, records: Sequence[Put], most: int | None) -> list[int | Repeat]:
        """Write *records*. Returns the id of each, or that it is repeated."""

        def write(connection: sqlite3.Connection) -> list[int | Repeat]:
            found = self._find_repeated(connection, records)
            rows = [row for row in found if not isinstance(row, Repeat)]
            if most is not None and (there := newest_and_count(connection)[1]) + len(rows) > most:
                raise self.full(there)
            ids = iter(insert(connection, rows))
            return [row if isinstance(row, Repeat) else next(ids) for row in found]

        return self.handle.write(write, self.busy_wait)

    def _find_repeated(self, connection: sqlite3.Connection, records: Sequence[Put]) -> list[Row | Repeat]:
        """The row of each of *records*, or that it is repeated."""
        routes: dict[Route, int] = {}
        rows: list[Row | Repeat] = []
        added: set[tuple[int, str]] = set()
        for put, record in records:
            route = record[:3]
            if route not in routes:
                routes[route] = _number(connection, route)
            row = (routes[route], record.event_id, record.data, put, record.is_keyed)
            key = row[:2]
            age = 0.0 if key in added else self._age(connection, row, put)
            if age is None:
                rows.append(row)
                if record.is_keyed and self.remember:
                    added.add(key)
            else:
                rows.append(Repeat(record.event_id, age))
        return rows

    def _age(self, connection: sqlite3.Connection, row: Row, now: float) -> float | None:
        """Seconds since the keyed event of *row* was put; None if it is new or has no key."""
        route, event_id, _, _, is_keyed = row
        if not (is_keyed and self.remember):
            return None
        found = connection.execute(_REMEMBERED, (event_id, route, now - self.remember)).fetchone()
        return None if found is None else max(0.0, now - found[0])


def _number(connection: sqlite3.Connection, route: Route) -> int:
    found = connection.execute(_ROUTE, route).fetchone()
    if found is None:
        into = "INSERT INTO route (event_source, event_source_id, test_event_code) VALUES (?, ?, ?)"
        return connection.execute(into, route).lastrowid or 0
    return int(found[0])
