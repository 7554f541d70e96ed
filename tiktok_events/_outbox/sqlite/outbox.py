"""`SQLiteOutbox`: an outbox in an SQLite file in WAL mode, shared by the processes of one machine."""

from __future__ import annotations

import json
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from tiktok_events._outbox.protocol import (
    NOTHING_STORED,
    Claim,
    DeadLetter,
    OnRepeated,
    PutResult,
    Record,
    RecordId,
    Route,
    Scope,
)
from tiktok_events._outbox.remembered_keys import REMEMBER_DAYS, checked_days
from tiktok_events._outbox.sqlite import leases
from tiktok_events._outbox.sqlite.file import FileConnection, Settings, Synchronous
from tiktok_events._outbox.sqlite.group_commit import GroupCommit, PendingRecord
from tiktok_events._outbox.sqlite.put import Row, Writer, insert, newest_and_count
from tiktok_events._outbox.sqlite.wal import WriteAheadLog
from tiktok_events._outbox.sqlite.write_gate import WriteGate
from tiktok_events._runtime.clock import monotonic
from tiktok_events._runtime.fork import pause_while_forking, renew_after_fork
from tiktok_events._runtime.payload import Payload

T = TypeVar("T")

_WAIT = 5.0
_EXPIRE_EVERY = 3_600.0
_DEAD = """
SELECT event_source, event_source_id, test_event_code, event_id, data, keyed, reason, time
FROM dead JOIN route ON route.id = dead.route ORDER BY dead.id DESC LIMIT ?
"""
_FIND_DEAD = """
SELECT route, event_id, data, keyed FROM dead WHERE :ids IS NULL OR event_id IN (SELECT value FROM json_each(:ids)) ORDER BY id
"""
_PURGE = "DELETE FROM dead WHERE :ids IS NULL OR event_id IN (SELECT value FROM json_each(:ids))"
_STILL = "SELECT id FROM event WHERE id IN (SELECT value FROM json_each(?))"
_OLDEST = "SELECT put FROM event ORDER BY id LIMIT 1"


class SQLiteOutbox:
    """An outbox in the file *path*, shared by all processes and threads of this machine that open it.

    With `commit="each"` an event is in the file when `put` returns and survives that this process is killed; with
    `synchronous="FULL"` also that the machine loses power, for one wait for the disk per `put`. With "NORMAL" a power
    loss may take the last seconds, and never harms the file. With `commit="group"` callers do not wait: a thread
    writes together what came within 50 ms, so a kill may lose the last 50 ms; `close` and `claim` see what was put.

    `put` waits up to `busy_wait` seconds for other writers, the other methods up to 5 s. The file holds at most
    `max_events` events and grows to at most `max_bytes` bytes by them; the last `max_dead` dead letters are kept in it,
    too. A keyed event is not stored again within `remember_keys` days, in whatever process it is put, unless it became a
    dead letter; 0 turns this off. The file is made for its owner alone (mode 0600); a link in its place is refused, and a network folder cannot hold
    it. `clock` counts seconds, never goes back and is the same for all processes of the machine; `wall_clock` is Unix
    time.

    Every method raises `OutboxUnavailable` when the file is busy, damaged or cannot be written now, and
    `ConfigurationError` when it is a link, another program's or a newer version's; nothing was done then.

    Raises:
        ValueError: If `commit` or `synchronous` is something else, *path* names no file, or `remember_keys` is negative.
    """

    scope: Scope = "machine"

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        commit: Literal["each", "group"] = "each",
        synchronous: Synchronous = "NORMAL",
        busy_wait: float = 0.1,
        max_events: int = 1_000_000,
        max_bytes: int = 2_000_000_000,
        max_dead: int = 1_000,
        remember_keys: float = REMEMBER_DAYS,
        clock: Callable[[], float] = monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        if commit not in ("each", "group") or synchronous not in ("NORMAL", "FULL"):
            raise ValueError('commit must be "each" or "group", synchronous "NORMAL" or "FULL"')
        file = Path(path).absolute()  # also after a change of the working directory
        if not os.fspath(path) or file.name in ("", ":memory:"):
            raise ValueError("path must name a file; MemoryOutbox needs none")
        self._name, self._max_dead, self._clock, self._wall_clock = file.name, max_dead, clock, wall_clock
        settings = Settings(file, synchronous, max_bytes, clock)
        # Two connections: `put` may not use the last pages of the file, because delivery needs some.
        gate = WriteGate()
        self._puts, self._work = FileConnection(settings, gate, puts=True), FileConnection(settings, gate, puts=False)
        self._log = WriteAheadLog(self._work, _WAIT, gate)
        self._writer = Writer(self._puts, busy_wait, max_events, wall_clock, checked_days(remember_keys))
        self._expired_at = float("-inf")
        self._group = GroupCommit(self._writer) if commit == "group" else None
        weakref.finalize(self, _close, self._group, self._log, self._puts, self._work)
        renew_after_fork(self)
        pause_while_forking(self)

    def __repr__(self) -> str:
        return f"SQLiteOutbox({self._name!r})"

    def put(self, records: Sequence[Record]) -> PutResult:
        """Store *records* in the file, all or none, except repeated ones; with `commit="group"` within 50 ms.

        Raises:
            OutboxFull: If there is no room for all of them.
            OutboxUnavailable: If others write for longer than `busy_wait`, or the file cannot be written now.
        """
        if not records:
            return NOTHING_STORED
        record_ids = self._writer.put(records) if self._group is None else self._group.put(records)
        self._log.after_put()
        return record_ids

    def on_repeated(self, route: Route, call: OnRepeated) -> None:
        """With `commit="group"`: call *call*, a method, with the repeated events of *route* that a later write finds."""
        if self._group is not None:
            self._group.on_repeated(route, call)

    def claim(self, limit: int, *, lease: float, routes: Collection[Route]) -> list[Claim]:
        """As `Outbox.claim`. Claims of processes of this machine that have ended are released at once."""
        self._expire_keys()
        if limit < 1 or self.due_in(routes) != 0:  # a read does not block writers
            return []
        now, scanned = self._clock(), self._work.notes
        return self._write(lambda connection: leases.claim(connection, limit, routes, scanned, now=now, lease=lease))

    def ack(self, claims: Sequence[Claim]) -> None:
        """As `Outbox.ack`."""
        self._decide(claims, leases.forget)

    def nack(self, claims: Sequence[Claim], *, delay: float, reason: str) -> None:
        """As `Outbox.nack`."""
        self._decide(claims, leases.give_back(self._clock() + delay))

    def dead_letter(self, claims: Sequence[Claim], *, reason: str) -> None:
        """As `Outbox.dead_letter`."""
        self._decide(claims, leases.dead_letter(reason, self._wall_clock(), self._max_dead))

    def dead(self, limit: int = 1_000) -> Sequence[DeadLetter]:
        """As `Outbox.dead`."""
        rows = self._read(lambda connection: connection.execute(_DEAD, (max(0, limit),)).fetchall())
        return [
            DeadLetter(Record(kind, source_id, code, event_id, Payload(data), bool(keyed)), reason, time)
            for kind, source_id, code, event_id, data, keyed, reason, time in reversed(rows)
        ]

    def replay(self, event_ids: Collection[str] | None = None) -> int:
        """As `Outbox.replay`.

        Raises:
            OutboxFull: If there is no room for all of them; they stay dead letters.
        """
        self._arrived()
        named, now = {"ids": _listed(event_ids)}, self._wall_clock()

        def put_back(connection: sqlite3.Connection) -> int:
            found = connection.execute(_FIND_DEAD, named).fetchall()
            rows: list[Row] = [(route, event_id, data, now, bool(keyed)) for route, event_id, data, keyed in found]
            rows = [row for row in rows if not self._writer.is_repeat(connection, row, now)]  # put again meanwhile
            _, there = newest_and_count(connection)
            if rows and there + len(rows) > self._writer.max_events:
                raise self._writer.full(there)
            connection.execute(_PURGE, named)
            return len(insert(connection, rows))

        return self._write(put_back)

    def purge(self, event_ids: Collection[str] | None = None) -> int:
        """As `Outbox.purge`."""
        named = {"ids": _listed(event_ids)}
        return self._write(lambda connection: connection.execute(_PURGE, named).rowcount)

    def undelivered(self, record_ids: Collection[RecordId]) -> Collection[RecordId]:
        """As `Outbox.undelivered`."""
        there: set[RecordId] = set()
        by_id: dict[object, RecordId] = {}
        for one in record_ids:
            number = one.id if isinstance(one, PendingRecord) else one
            if number is None:  # accepted, but not written yet
                there.add(one)
            else:
                by_id[number] = one
        if by_id:
            listed = _listed(by_id)
            ids = self._read(lambda connection: connection.execute(_STILL, (listed,)).fetchall())
            there.update(by_id[number] for (number,) in ids)
        return there

    def depth(self) -> int:
        """As `Outbox.depth`."""
        self._arrived()
        return self._read(newest_and_count)[1]

    def age(self) -> float | None:
        """As `Outbox.age`."""
        self._arrived()
        found = self._read(lambda connection: connection.execute(_OLDEST).fetchone())
        return max(0.0, self._wall_clock() - found[0]) if found else None

    def due_in(self, routes: Collection[Route]) -> float | None:
        """As `Outbox.due_in`."""
        self._arrived()
        now, scanned = self._clock(), self._work.notes
        return self._read(lambda connection: leases.due_in(connection, routes, scanned, now=now))

    def close(self) -> None:
        """As `Outbox.close`.

        Raises:
            OutboxUnavailable: If what `commit="group"` accepted cannot be written now. It is kept in memory.
        """
        _close(self._group, self._log, self._puts, self._work)

    def _renew(self) -> None:
        if self._group is not None:
            self._group.renew()
        gate = WriteGate()
        for handle in (self._puts, self._work):
            handle.renew(gate)
        self._log.renew(gate)

    def _before_fork(self) -> None:
        if self._group is not None:
            self._group.before_fork()
        for handle in (self._puts, self._work):
            handle.before_fork()

    def _after_fork(self) -> None:
        for handle in (self._puts, self._work):
            handle.after_fork()
        if self._group is not None:
            self._group.after_fork()

    def _expire_keys(self) -> None:
        now = self._clock()
        if now - self._expired_at >= _EXPIRE_EVERY:
            self._expired_at = now
            self._write(self._writer.expire)

    def _arrived(self) -> None:
        if self._group is not None:
            self._group.flush()

    def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return self._work.read(work, _WAIT)

    def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        done = self._work.write(work, _WAIT)
        self._log.after_work()
        return done

    def _decide(self, claims: Sequence[Claim], decision: leases.Decision) -> None:
        if claims:
            self._write(lambda connection: leases.decide(connection, claims, decision))


def _close(group: GroupCommit | None, log: WriteAheadLog, *handles: FileConnection) -> None:
    if group is not None and group.is_writing_here():  # garbage collection may run this in that thread too
        group.stop()
        return
    try:
        if group is not None:
            group.close()
    finally:
        log.close()
        for handle in handles:
            handle.close()


def _listed(what: Iterable[object] | None) -> str | None:
    return None if what is None else json.dumps(list(what))
