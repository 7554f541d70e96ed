"""The schema of the file of `SQLiteOutbox`: create the file, recognise its version, create its tables."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from tiktok_events._outbox.lease_owner import boot_id
from tiktok_events.errors import ConfigurationError, OutboxUnavailable

T = TypeVar("T")

_APPLICATION = 0x54544576
# Columns are named as in the first version: `abandoned` is `Claim.crashed_deliveries`, `holder` the owner of a lease.
_TABLES = """
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
INSERT INTO state VALUES (0, 0, '')
"""
# The ids of keyed events that wait or were delivered. Triggers keep them, in the transaction that changes the event.
_KEYS = """
ALTER TABLE event ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0
;;
ALTER TABLE dead ADD COLUMN keyed INTEGER NOT NULL DEFAULT 0
;;
CREATE TABLE remembered (
    event_id TEXT NOT NULL, route INTEGER NOT NULL, put REAL NOT NULL, PRIMARY KEY (event_id, route)
) WITHOUT ROWID
;;
CREATE INDEX remembered_since ON remembered (put)
;;
CREATE TRIGGER remember AFTER INSERT ON event WHEN NEW.keyed BEGIN
    DELETE FROM remembered WHERE event_id = NEW.event_id AND route = NEW.route;
    INSERT INTO remembered VALUES (NEW.event_id, NEW.route, NEW.put);
END
;;
CREATE TRIGGER forget AFTER INSERT ON dead WHEN NEW.keyed BEGIN
    DELETE FROM remembered WHERE event_id = NEW.event_id AND route = NEW.route;
END
"""
_STEPS: tuple[Sequence[str], ...] = (_TABLES.split(";"), _KEYS.split(";;"))
"""The statements that lead from each version of the schema to the next, from an empty file on."""
_VERSION = len(_STEPS)
_LONGEST_WAIT = 3_600.0


def make(path: Path) -> None:
    """Create the file, readable by its owner only, unless it exists."""
    try:
        # An existing file is not opened here: closing it again would release this process's locks on it.
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except FileExistsError:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            raise unusable_file("is a symbolic link: give the path of the file itself") from None
        if not stat.S_ISREG(mode):
            raise unusable_file("is not a regular file: give another path") from None
    except OSError as error:
        reason = "its folder is missing" if isinstance(error, FileNotFoundError) else error.strerror
        raise OutboxUnavailable(f"the outbox's file cannot be created: {reason}") from None
    else:
        if hasattr(os, "fchmod"):
            os.fchmod(made, 0o600)  # independent of the umask
        os.close(made)


def _version(connection: sqlite3.Connection) -> int:
    """The schema version of the file, 0 if it is empty. A file of another program is not written to."""
    # In this order: another process may see the file now, and must see whose it is before it sees tables.
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != _APPLICATION and (application or version or tables):
        raise unusable_file("belongs to another program: give another path")
    if version > _VERSION:
        raise unusable_file("was written by a newer tiktok-events: upgrade this one")
    return int(version)


def set_up(connection: sqlite3.Connection) -> None:
    """Create the tables, or add those of a newer version to the file of an older one."""
    if _version(connection) == _VERSION:
        return
    connection.execute("PRAGMA journal_mode=WAL")

    def fill() -> None:
        # Another process may have created them meanwhile.
        for step in _STEPS[_version(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_APPLICATION}")
        connection.execute(f"PRAGMA user_version={_VERSION}")

    run_in_transaction(connection, fill)


def reset_after_reboot(connection: sqlite3.Connection, now: float) -> None:
    """Reset times and leases after a restart of the machine: its clock counts from 0, and all owners have ended."""
    name = boot_id()
    # Without boot ids, a wait of hours comes from the clock of an earlier boot.
    earlier = now + _LONGEST_WAIT if not name else float("-inf")
    if name and connection.execute("SELECT boot FROM state").fetchone() == (name,):
        return

    def begin() -> None:
        if not name or connection.execute("SELECT boot FROM state").fetchone() != (name,):
            release(connection, connection.execute("SELECT id FROM lease WHERE until > ?", (earlier,)).fetchall())
            connection.execute("UPDATE later SET due = 0 WHERE due > ?", (earlier,))
            connection.execute("UPDATE state SET boot = ?", (name,))

    run_in_transaction(connection, begin)


def run_in_transaction(connection: sqlite3.Connection, work: Callable[[], T]) -> T:
    """The result of *work*, which runs in one transaction."""
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
    """Give back the events of *leases*, whose owners had no result."""
    for lease in leases:
        connection.execute(
            "INSERT INTO later SELECT route, 0, leased.id, attempts, abandoned + 1"
            " FROM leased JOIN lease ON lease.id = leased.lease WHERE leased.lease = ?",
            lease,
        )
        connection.execute("DELETE FROM leased WHERE lease = ?", lease)
        connection.execute("DELETE FROM lease WHERE id = ?", lease)


def unusable_file(why: str) -> ConfigurationError:
    return ConfigurationError(f"the outbox's file {why}")
