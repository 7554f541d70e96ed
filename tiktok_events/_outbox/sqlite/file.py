"""Connections to the file of `SQLiteOutbox`: opened on use, with bounded waits and translated errors."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

import attrs

from tiktok_events._outbox.sqlite.schema import make, reset_after_reboot, run_in_transaction, set_up, unusable_file
from tiktok_events._outbox.sqlite.write_gate import WriteGate, busy
from tiktok_events._runtime.clock import monotonic
from tiktok_events.errors import OutboxFull, OutboxUnavailable

Synchronous = Literal["NORMAL", "FULL"]
T = TypeVar("T")

_LONGEST_REST = 0.0005
_LARGEST_IDLE_LOG = 4_000_000
_inherited: list[sqlite3.Connection | None] = []


@attrs.frozen
class Settings:
    """Settings of the file."""

    path: Path
    synchronous: Synchronous
    max_bytes: int
    clock: Callable[[], float]


class FileConnection:
    """One connection to the file, opened on use and again after an error; one thread at a time uses it.

    Handles that share a *gate* write one after the other.
    """

    def __init__(self, settings: Settings, gate: WriteGate, *, puts: bool) -> None:
        self.settings = settings
        self._gate = gate
        self._puts = puts
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._paused = False
        self.notes: dict[int, int] = {}
        """What its user has found out about the file. Empty when that is opened again, for it may be another one."""

    def read(self, work: Callable[[sqlite3.Connection], T], wait: float) -> T:
        """The result of *work* with the connection, if that is free within *wait* seconds.

        Raises:
            OutboxUnavailable: If it is not, or cannot be used for another reason.
            OutboxFull: If a put found the file as large as it may be.
            ConfigurationError: If the file is no outbox for us.
        """
        return self._use(work, monotonic() + wait, wait)

    def write_one(self, work: Callable[[sqlite3.Connection], T], wait: float) -> T:
        """As `read`, for one statement that writes; it changes nothing if it fails."""
        # Threads of this process wait at the gate: it wakes them, while SQLite's lock has to be polled.
        with self._gate.held(wait) as until:
            return self._use(work, until, wait)

    def write(self, work: Callable[[sqlite3.Connection], T], wait: float) -> T:
        """As `write_one`, for a transaction: all of *work* is stored, or nothing."""
        return self.write_one(lambda connection: run_in_transaction(connection, lambda: work(connection)), wait)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        with self._lock:
            self._release()

    def before_fork(self) -> None:
        """Close the connection, so that a child inherits none: SQLite keeps its locks per process."""
        self._paused = self._lock.acquire(timeout=1.0)
        if self._paused:
            self._release()

    def after_fork(self) -> None:
        """Continue, in the parent process."""
        if self._paused:
            self._paused = False
            self._lock.release()

    def renew(self, gate: WriteGate) -> None:
        """Reset the state in a child process."""
        if self._connection is not None:  # closing it would release the parent's locks
            _inherited.append(self._connection)
        self._connection, self._gate, self._lock, self._paused = None, gate, threading.Lock(), False

    def _use(self, work: Callable[[sqlite3.Connection], T], until: float, wait: float) -> T:
        if not self._lock.acquire(timeout=max(0.0, until - monotonic())):
            raise busy(wait)
        try:
            while True:
                try:
                    return work(self._connection or self._open())
                except sqlite3.Error as error:
                    if not _is_busy(error):
                        raise self._explained(error) from error
                    if monotonic() >= until:
                        raise busy(wait) from error
                # SQLite's busy handler sleeps up to 0.1 s at a time, while a write takes microseconds.
                time.sleep(random.random() * _LONGEST_REST)
        finally:
            self._lock.release()

    def _release(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        path = self.settings.path
        make(path)
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            set_up(connection)
            self._adjust(connection)
            reset_after_reboot(connection, self.settings.clock())
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self.notes.clear()
        return connection

    def _adjust(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA synchronous={self.settings.synchronous}")
        connection.execute(f"PRAGMA journal_size_limit={_LARGEST_IDLE_LOG}")
        if self._puts:
            (page,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count={self.settings.max_bytes // page}")
            connection.execute("PRAGMA wal_autocheckpoint=0")  # a put does not wait for a checkpoint; see `wal.py`

    def _explained(self, error: sqlite3.Error) -> Exception:
        """Return *error* as an error of this package, and close the connection: the next use opens a new one."""
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        translated: Exception = OutboxUnavailable(f"the outbox cannot be used: {error} ({name})")
        if name == "SQLITE_FULL":
            translated = OutboxUnavailable("the outbox cannot be written: its disk is full")
            if self._puts and self._room() < _room_on_disk(self.settings.path):
                translated = OutboxFull(
                    f"the outbox has no room: max_bytes={self.settings.max_bytes:,} limits its file"
                )
        elif name.startswith("SQLITE_NOTADB"):
            translated = unusable_file("is not an SQLite file: give another path")
        elif name.startswith("SQLITE_CORRUPT"):
            translated = OutboxUnavailable("the outbox's file is damaged: move it away, and a new one is made")
        self._release()
        return translated

    def _room(self) -> float:
        """Bytes that the file may still grow by, within `max_bytes`."""
        if self._connection is None:
            return float("inf")
        words = ("max_page_count", "page_count", "freelist_count", "page_size")
        try:
            most, used, free, size = [self._connection.execute(f"PRAGMA {word}").fetchone()[0] for word in words]
        except sqlite3.Error:
            return float("inf")
        return float((most - used + free) * size)


def _room_on_disk(path: Path) -> float:
    if not hasattr(os, "statvfs"):
        return float("inf")
    disk = os.statvfs(path.parent)
    return disk.f_bavail * disk.f_frsize


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
