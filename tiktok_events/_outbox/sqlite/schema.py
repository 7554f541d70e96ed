"""What lies in the file of `SQLiteOutbox`, and what may lie in its place: made, recognised, prepared."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from tiktok_events._outbox.lease_owner import boot
from tiktok_events.errors import ConfigurationError, OutboxUnavailable

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
    lease INTEGER NOT NULL, id INTEGER NOT NULL, attempts INTEGER NOT NULL, crashed_deliveries INTEGER NOT NULL,
    PRIMARY KEY (lease, id)
) WITHOUT ROWID;
CREATE TABLE later (
    route INTEGER NOT NULL, due REAL NOT NULL, id INTEGER NOT NULL, attempts INTEGER NOT NULL,
    crashed_deliveries INTEGER NOT NULL, PRIMARY KEY (route, due, id)
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
_LONGEST_WAIT = 3_600.0


def make(path: Path) -> None:
    """Make the file, readable by its owner alone, unless it is there."""
    try:
        # Never open one that is there: closing it again would drop the locks that this process has on it.
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except FileExistsError:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise unsuitable("is a link, which is not followed") from None
        if not stat.S_ISREG(mode):
            raise unsuitable("is not a regular file") from None
    except OSError as error:
        reason = "its folder is missing" if isinstance(error, FileNotFoundError) else error.strerror
        raise OutboxUnavailable(f"the outbox's file cannot be made: {reason}") from None
    else:
        if hasattr(os, "fchmod"):
            os.fchmod(made, 0o600)  # whatever the umask takes away
        os.close(made)


def _version(connection: sqlite3.Connection) -> int:
    """The schema of the file, 0 if it is empty. Nothing is written into a file that is not ours."""
    # In this order: another process may be making the tables just now, and whoever sees them must see whose they are.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != _APPLICATION and (application or version or tables):
        raise unsuitable("belongs to another program")
    if version > _VERSION:
        raise unsuitable("was written by a newer tiktok-events")
    return int(version)


def set_up(connection: sqlite3.Connection) -> None:
    """Make the tables, unless they are there."""
    if _version(connection) == _VERSION:
        return
    connection.execute("PRAGMA journal_mode=WAL")

    def fill() -> None:
        if not _version(connection):  # nobody was faster
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id={_APPLICATION}")
            connection.execute(f"PRAGMA user_version={_VERSION}")

    in_one(connection, fill)


def begin_boot(connection: sqlite3.Connection, now: float) -> None:
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
            "INSERT INTO later SELECT route, 0, leased.id, attempts, crashed_deliveries + 1"
            " FROM leased JOIN lease ON lease.id = leased.lease WHERE leased.lease = ?",
            lease,
        )
        connection.execute("DELETE FROM leased WHERE lease = ?", lease)
        connection.execute("DELETE FROM lease WHERE id = ?", lease)


def unsuitable(why: str) -> ConfigurationError:
    return ConfigurationError(f"the outbox's file {why}")
