"""The file of `SQLiteOutbox`: made with the right mode and schema, opened, waited for, and its errors put in words."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal, TypeVar

import attrs

from tiktok_events._outbox.holder import boot
from tiktok_events.errors import ConfigurationError, OutboxUnavailable

Synchronous = Literal["NORMAL", "FULL"]
T = TypeVar("T")

_APPLICATION = 0x54544576
_VERSION = 1
_SCHEMA = """
CREATE TABLE state (last INTEGER NOT NULL, gone INTEGER NOT NULL, boot TEXT NOT NULL);
CREATE TABLE route (
    id INTEGER PRIMARY KEY, event_source TEXT NOT NULL, event_source_id TEXT NOT NULL, test_event_code TEXT,
    claimed INTEGER NOT NULL DEFAULT 0, served INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE event (
    id INTEGER PRIMARY KEY, route INTEGER NOT NULL, event_id TEXT NOT NULL, data BLOB NOT NULL, put REAL NOT NULL
);
CREATE TABLE lease (
    id INTEGER PRIMARY KEY AUTOINCREMENT, route INTEGER NOT NULL, holder TEXT NOT NULL, until REAL NOT NULL
);
CREATE TABLE leased (
    lease INTEGER NOT NULL, id INTEGER NOT NULL, attempts INTEGER NOT NULL, abandoned INTEGER NOT NULL,
    PRIMARY KEY (lease, id)
) WITHOUT ROWID;
CREATE TABLE later (
    route INTEGER NOT NULL, due REAL NOT NULL, id INTEGER NOT NULL, attempts INTEGER NOT NULL,
    abandoned INTEGER NOT NULL, PRIMARY KEY (route, due, id)
) WITHOUT ROWID;
CREATE TABLE dead (
    id INTEGER PRIMARY KEY, route INTEGER NOT NULL, event_id TEXT NOT NULL, data BLOB NOT NULL, reason TEXT NOT NULL,
    time REAL NOT NULL
);
CREATE VIEW total AS
    SELECT newest, newest - gone AS there
    FROM (SELECT max(last, ifnull((SELECT max(id) FROM event), 0)) AS newest, gone FROM state);
INSERT INTO state VALUES (0, 0, '');
"""
_LONGEST_REST = 0.0005
# Written back to the file by whoever delivers, every 4 MB; by a put only if nobody does that, every 64 MB.
_PAGES_TO_CHECKPOINT, _PAGES_TO_CHECKPOINT_AT_PUT = 1_000, 16_000
_LARGEST_IDLE_LOG = 16_000_000
_LONGEST_WAIT = 3_600.0
_inherited: list[sqlite3.Connection | None] = []


@attrs.frozen
class Settings:
    """How the file is used."""

    path: Path
    synchronous: Synchronous
    max_bytes: int
    clock: Callable[[], float]


class Handle:
    """One connection to the file, opened when it is needed and again after trouble; one thread at a time has it.

    Handles that share a *gate* write one after the other.
    """

    def __init__(self, settings: Settings, gate: threading.Lock, *, puts: bool) -> None:
        self.settings = settings
        self._gate = gate
        self._puts = puts
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._paused = False
        self.notes: dict[int, int] = {}
        """What its user has found out about the file. Empty when that is opened again, for it may be another one."""

    def read(self, work: Callable[[sqlite3.Connection], T], wait: float) -> T:
        """What *work* makes of the connection, when that is free within *wait* seconds.

        Raises:
            OutboxUnavailable: If it is not, or cannot be used for another reason.
            ConfigurationError: If the file is no outbox for us.
        """
        return self._use(work, time.monotonic() + wait, wait)

    def write_one(self, work: Callable[[sqlite3.Connection], T], wait: float) -> T:
        """As `read`, for one statement that writes: it leaves no trace if it fails."""
        until = time.monotonic() + wait
        # Threads of this process wait for one another here: a lock wakes them, while for SQLite's they have to look.
        if not self._gate.acquire(timeout=wait):
            raise _busy(wait)
        try:
            return self._use(work, until, wait)
        finally:
            self._gate.release()

    def write(self, work: Callable[[sqlite3.Connection], T], wait: float) -> T:
        """As `write_one`, for a transaction: all of *work* is kept, or nothing of it."""
        return self.write_one(lambda connection: in_one(connection, lambda: work(connection)), wait)

    def close(self) -> None:
        """Let go of the file until it is needed again."""
        with self._lock:
            self._let_go()

    def before_fork(self) -> None:
        """Leave nothing for a child to inherit. SQLite keeps, per process, what it believes to have locked."""
        self._paused = self._lock.acquire(timeout=1.0)
        if self._paused:
            self._let_go()

    def after_fork(self) -> None:
        """Go on, in the parent."""
        if self._paused:
            self._paused = False
            self._lock.release()

    def renew(self, gate: threading.Lock) -> None:
        """Start afresh, in the child."""
        if self._connection is not None:  # closing it would touch the parent's locks and files
            _inherited.append(self._connection)
        self._connection, self._gate, self._lock, self._paused = None, gate, threading.Lock(), False

    def _use(self, work: Callable[[sqlite3.Connection], T], until: float, wait: float) -> T:
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise _busy(wait)
        try:
            while True:
                try:
                    return work(self._connection or self._open())
                except sqlite3.Error as error:
                    if not _is_busy(error):
                        raise self._explained(error) from error
                    if time.monotonic() >= until:
                        raise _busy(wait) from error
                # SQLite's own waiting sleeps ever longer, up to 0.1 s at a time, while writers take microseconds.
                time.sleep(random.random() * _LONGEST_REST)
        finally:
            self._lock.release()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        path = self.settings.path
        _make(path)
        connection = sqlite3.connect(
            f"{path.as_uri()}?mode=rw", uri=True, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            if _version(connection) != _VERSION:
                _set_up(connection)
            self._adjust(connection)
            _begin_boot(connection, self.settings.clock())
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
        pages = _PAGES_TO_CHECKPOINT_AT_PUT if self._puts else _PAGES_TO_CHECKPOINT
        connection.execute(f"PRAGMA wal_autocheckpoint={pages}")

    def _explained(self, error: sqlite3.Error) -> Exception:
        """What the caller is told; and a new connection for the next one, who may find things mended."""
        self._let_go()
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        if name.startswith("SQLITE_FULL"):
            return OutboxUnavailable("the outbox cannot be written: its disk is full")
        if name.startswith("SQLITE_NOTADB"):
            return _unsuitable("is not one of SQLite")
        if name.startswith("SQLITE_CORRUPT"):
            return OutboxUnavailable("the outbox's file is damaged: move it away, and a new one is made")
        return OutboxUnavailable(f"the outbox cannot be used: {error} ({name})")


def _make(path: Path) -> None:
    """Make the file, readable by its owner alone, unless it is there."""
    try:
        # Never open one that is there: closing it again would drop the locks that this process has on it.
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except FileExistsError:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise _unsuitable("is a link, which is not followed") from None
        if not stat.S_ISREG(mode):
            raise _unsuitable("is not a regular file") from None
    except OSError as error:
        told = "its folder is missing" if isinstance(error, FileNotFoundError) else error.strerror
        raise OutboxUnavailable(f"the outbox's file cannot be made: {told}") from None
    else:
        if hasattr(os, "fchmod"):
            os.fchmod(made, 0o600)  # whatever the umask takes away
        os.close(made)


def _version(connection: sqlite3.Connection) -> int:
    """The schema of the file, 0 if it is empty. Nothing is written into a file that is not ours."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != _APPLICATION and (application or version or tables):
        raise _unsuitable("belongs to another program")
    if version > _VERSION:
        raise _unsuitable("was written by a newer tiktok-events")
    return int(version)


def _set_up(connection: sqlite3.Connection) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise _unsuitable("is in a folder where SQLite cannot share memory; network folders cannot")

    def fill() -> None:
        if not _version(connection):  # nobody was faster
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={_APPLICATION}")
            connection.execute(f"PRAGMA user_version={_VERSION}")

    in_one(connection, fill)


def _begin_boot(connection: sqlite3.Connection, now: float) -> None:
    """After a restart of the machine its clock counts from 0, and whoever held a lease is gone."""
    name = boot()
    # Where boots have no name, a wait of hours is one that an earlier boot's clock began.
    earlier = now + _LONGEST_WAIT if not name else float("-inf")
    if name and connection.execute("SELECT boot FROM state").fetchone() == (name,):
        return

    def begin() -> None:
        if not name or connection.execute("SELECT boot FROM state").fetchone() != (name,):
            release(connection, connection.execute("SELECT id FROM lease WHERE until > ?", (earlier,)).fetchall())
            connection.execute("UPDATE later SET due = 0 WHERE due > ?", (earlier,))
            connection.execute("UPDATE state SET boot = ?", (name,))

    in_one(connection, begin)


def in_one(connection: sqlite3.Connection, work: Callable[[], T]) -> T:
    """What *work* returns, all that it does or nothing of it being kept."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        done = work()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return done


def release(connection: sqlite3.Connection, leases: Iterable[tuple[int]]) -> None:
    """Give back what is held under *leases*, whose holders said nothing."""
    for lease in leases:
        connection.execute(
            "INSERT INTO later SELECT route, 0, leased.id, attempts, abandoned + 1"
            " FROM leased JOIN lease ON lease.id = leased.lease WHERE leased.lease = ?",
            lease,
        )
        connection.execute("DELETE FROM leased WHERE lease = ?", lease)
        connection.execute("DELETE FROM lease WHERE id = ?", lease)


def _is_busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _busy(wait: float) -> OutboxUnavailable:
    return OutboxUnavailable(f"the outbox was busy for {wait:g} s")


def _unsuitable(why: str) -> ConfigurationError:
    return ConfigurationError(f"the outbox's file {why}")
