"""Write records to the file of `SQLiteOutbox`: one transaction per put, or group commit by a thread every 50 ms."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Collection, Sequence

import attrs

from tiktok_events._outbox.protocol import Record, RecordId, Route
from tiktok_events._outbox.sqlite.file import FileConnection
from tiktok_events.errors import OutboxFull, TikTokEventsError

Row = tuple[int, str, bytes, float]
"""The number of its route, event_id, data, and when it was put."""

Put = tuple[float, Record]
"""A record, and when it was put."""

# One statement: SQLite's lock is not held while threads of this process hand the interpreter around. A route that is
# new, or no room, leaves a NULL where none may be, and the row is ignored.
_ONE = """
INSERT OR IGNORE INTO event VALUES (
    (SELECT newest + 1 FROM total),
    (
        SELECT id FROM route WHERE event_source = ? AND event_source_id = ? AND test_event_code IS ?
        AND (SELECT there FROM total) < ?
    ),
    ?, ?, ?
)
"""
_ROWS = {rows: "INSERT INTO event VALUES" + ", ".join(["(?, ?, ?, ?, ?)"] * rows) for rows in (128, 16, 1)}
_ROUTE = "SELECT id FROM route WHERE event_source = ? AND event_source_id = ? AND test_event_code IS ?"
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
    """Write records through *handle*, waiting up to *busy_wait* seconds for other writers."""

    handle: FileConnection
    busy_wait: float
    max_events: int
    clock: Callable[[], float]

    def put(self, records: Sequence[Record]) -> Collection[int]:
        """Write *records*, all or none. Returns their ids.

        Raises:
            OutboxFull: If there is no room for all of them.
        """
        now = self.clock()
        if len(records) > 1:
            return self._many([(now, record) for record in records], self.max_events)
        (record,) = records
        number = self._one(record, now)
        # It is the first of its route, or there is no room for it.
        return (number,) if number is not None else self._many([(now, record)], self.max_events)

    def put_accepted(self, records: Sequence[Put]) -> tuple[Collection[int], int]:
        """Write *records* that were accepted. Returns their ids, and the number of events that still fit."""
        ids = self._many(records, None) if records else ()
        return ids, self.max_events - self.handle.read(newest_and_count, self.busy_wait)[1]

    def full(self, there: int) -> OutboxFull:
        """The error for a file that already holds *there* events."""
        return OutboxFull(f"the outbox holds {there:,} events")

    def _one(self, record: Record, now: float) -> int | None:
        values = (*record[:3], self.max_events, record.event_id, record.data, now)

        def write(connection: sqlite3.Connection) -> int | None:
            done = connection.execute(_ONE, values)
            return done.lastrowid if done.rowcount else None

        return self.handle.write_one(write, self.busy_wait)

    def _many(self, records: Sequence[Put], most: int | None) -> range:
        def write(connection: sqlite3.Connection) -> range:
            if most is not None and (there := newest_and_count(connection)[1]) + len(records) > most:
                raise self.full(there)
            routes: dict[Route, int] = {}
            rows = []
            for put, record in records:
                route = record[:3]
                if route not in routes:
                    routes[route] = _number(connection, route)
                rows.append((routes[route], record.event_id, record.data, put))
            return insert(connection, rows)

        return self.handle.write(write, self.busy_wait)


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

    def put(self, records: Sequence[Record]) -> Collection[RecordId]:
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
        return tickets

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
