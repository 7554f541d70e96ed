"""Write records to the file of `SQLiteOutbox`: one transaction per put, or group commit by a thread every 50 ms."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Sequence

import attrs

from tiktok_events._outbox.protocol import PutResult, Record, Route
from tiktok_events._outbox.sqlite.file import FileConnection
from tiktok_events.errors import OutboxFull, TikTokEventsError

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
_NOT_STORED = 0
"""The id of a repeated event, which no row has."""

_INTERVAL = 0.05
_MOST_WAITING = 10_000


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
        ids, repeated = self._many([(now, record) for record in records], self.max_events)
        return PutResult.of((number for number in ids if number), repeated)

    def put_accepted(self, records: Sequence[Put]) -> tuple[Collection[int], int]:
        """Write *records* that were accepted. Returns their ids, and the number of events that still fit."""
        ids = self._many(records, None)[0] if records else ()
        return ids, self.max_events - self.handle.read(newest_and_count, self.busy_wait)[1]

    def is_repeat(self, connection: sqlite3.Connection, row: Row, now: float) -> bool:
        """Whether a keyed event with the id and route of *row* was put within `remember` seconds before *now*."""
        return self._age(connection, row, now) is not None

    def expire(self, connection: sqlite3.Connection) -> None:
        """Forget keys that were put more than `remember` seconds ago; none if nothing is remembered here."""
        if self.remember:
            connection.execute(_EXPIRE, (self.clock() - self.remember,))

    def full(self, there: int) -> OutboxFull:
        """The error for a file that already holds *there* events."""
        return OutboxFull(f"the outbox holds {there:,} events")

    def _one(self, record: Record, now: float) -> int | None:
        key = record.event_id if record.is_keyed else None
        values = (*record[:3], self.max_events, key, now - self.remember, *record[3:5], now, record.is_keyed)

        def write(connection: sqlite3.Connection) -> int | None:
            done = connection.execute(_ONE, values)
            return done.lastrowid if done.rowcount else None

        return self.handle.write_one(write, self.busy_wait)

    def _many(self, records: Sequence[Put], most: int | None) -> tuple[list[int], dict[str, float]]:
        """Write *records*. Returns their ids, `_NOT_STORED` for repeated ones, and the ages of those by event id."""

        def write(connection: sqlite3.Connection) -> tuple[list[int], dict[str, float]]:
            new, repeated = self._split(connection, records)
            rows = [row for row in new if row is not None]
            if most is not None and (there := newest_and_count(connection)[1]) + len(rows) > most:
                raise self.full(there)
            ids = iter(insert(connection, rows))
            return [_NOT_STORED if row is None else next(ids) for row in new], repeated

        return self.handle.write(write, self.busy_wait)

    def _split(
        self, connection: sqlite3.Connection, records: Sequence[Put]
    ) -> tuple[list[Row | None], dict[str, float]]:
        """The rows of *records*, None for repeated ones, and the ages of those by event id."""
        routes: dict[Route, int] = {}
        rows: list[Row | None] = []
        repeated: dict[str, float] = {}
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
                rows.append(None)
                repeated.setdefault(record.event_id, age)
        return rows, repeated

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


@attrs.define(eq=False, repr=False)
class PendingRecord:
    """A record that was accepted, and its id once it is in the file."""

    id: int | None = None


class GroupCommit:
    """Group commit: accept records at once, and write them with *writer* from a thread."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.renew()

    def renew(self) -> None:
        """Reset after a fork: records that are not written yet belong to the parent process."""
        self._writing, self._lock = threading.Lock(), threading.Lock()
        self._records: list[Put] = []
        self._tickets: list[PendingRecord] = []
        self._room = 0
        self._failure: TikTokEventsError | None = None
        self._came = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._paused = False

    def put(self, records: Sequence[Record]) -> PutResult:
        """Accept *records*, unless earlier ones could not be written."""
        is_left_alone = self._failure is not None and self._thread is None
        if is_left_alone or len(records) > self._room or len(self._records) > _MOST_WAITING:
            self.flush(always=True)
        with self._lock:
            if self._failure is not None:
                raise type(self._failure)(*self._failure.args)
            if len(records) > self._room:
                raise self._writer.full(self._writer.max_events - self._room)
            self._room -= len(records)
            tickets = [PendingRecord() for _ in records]
            now = self._writer.clock()
            self._records += [(now, record) for record in records]
            self._tickets += tickets
            if self._thread is None:
                self._start()
            is_served = self._thread is not None
        if is_served:
            self._came.set()
        else:  # the interpreter is shutting down and starts no more threads
            self.flush()
        return PutResult(tickets)

    def flush(self, *, always: bool = False) -> None:
        """Write the accepted records now; with *always* also count the free room again."""
        with self._writing:
            with self._lock:
                records, tickets = self._records, self._tickets
                self._records, self._tickets = [], []
            if not records and not always:
                return
            try:
                ids, room = self._writer.put_accepted(records)
            except TikTokEventsError as failure:
                with self._lock:
                    self._records, self._tickets = records + self._records, tickets + self._tickets
                    self._failure = failure
                raise
            for ticket, number in zip(tickets, ids, strict=True):
                ticket.id = number
            with self._lock:
                self._failure = None
                self._room = room - len(self._records)

    def close(self) -> None:
        """Write the accepted records, and end the thread."""
        self.flush()  # if that fails, the thread tries again
        with self._lock:
            self._thread = None
            self.stop()
        self.flush()  # records that arrived in between

    def stop(self) -> None:
        """Let the thread write the accepted records, and end."""
        self._stop.set()
        self._came.set()

    def is_writing_here(self) -> bool:
        """Whether the caller is the writing thread."""
        return threading.current_thread() is self._thread

    def before_fork(self) -> None:
        """Finish the current write, so that a child inherits none."""
        self._paused = self._writing.acquire(timeout=1.0)
        self._lock.acquire()

    def after_fork(self) -> None:
        """Continue, in the parent process."""
        self._lock.release()
        if self._paused:
            self._writing.release()

    def _start(self) -> None:
        self._stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(self._stop,), name="tiktok-events outbox", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return
        self._thread = thread

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._came.wait()
            self._came.clear()
            stop.wait(_INTERVAL)
            try:
                self.flush()
            except TikTokEventsError:  # the next `put` raises it, and the events are kept
                self._came.set()
