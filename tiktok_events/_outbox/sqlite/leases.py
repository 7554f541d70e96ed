"""Claims and leases in the file of `SQLiteOutbox`: each function runs in one transaction.

The row of an event is written once and deleted once. Its state is in small tables beside it: `leased` while a worker
delivers it, `later` after it was given back. A row that is in neither, and above `claimed` of its route, is new.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import cast

from tiktok_events._outbox.lease_owner import has_ended, this_process
from tiktok_events._outbox.protocol import Claim, Record, Route
from tiktok_events._outbox.sqlite.put import newest_and_count
from tiktok_events._outbox.sqlite.schema import release
from tiktok_events._runtime.payload import Payload

Decision = Callable[[sqlite3.Connection, int, str], object]
"""What becomes of the events whose ids are a JSON list, and which are held under a lease."""

Scanned = dict[int, int]
"""By the number of a route, the id up to which it has nothing new: what is others' is not looked at twice."""

_MINE = """
SELECT event_id, data, keyed, attempts, abandoned, event.id FROM leased JOIN event ON event.id = leased.id
WHERE lease = ? ORDER BY event.id
"""
_TAKE_AGAIN = """
INSERT INTO leased SELECT :lease, id, attempts, abandoned FROM later WHERE route = :route AND due <= :now ORDER BY due, id LIMIT :limit
"""
_TAKEN_AGAIN = """
DELETE FROM later WHERE route = :route AND due <= :now AND id IN (SELECT id FROM leased WHERE lease = :lease)
"""
_TAKE_NEW = "INSERT INTO leased SELECT :lease, id, 0, 0 FROM event WHERE id > :claimed AND route = :route ORDER BY id LIMIT :limit"
_SERVED = """
UPDATE route SET served = :lease, claimed = max(claimed, (SELECT max(id) FROM leased WHERE lease = :lease)) WHERE id = :route
"""
_STILL_HELD = "SELECT id FROM leased WHERE lease = :lease AND id IN (SELECT value FROM json_each(:ids))"
_DECIDED = "DELETE FROM leased WHERE lease = :lease AND id IN (SELECT value FROM json_each(:ids))"
_ENDED = "DELETE FROM lease WHERE id = :lease AND NOT EXISTS (SELECT 1 FROM leased WHERE lease = :lease)"
_GIVE_BACK = """
INSERT INTO later SELECT route, :due, leased.id, attempts + 1, abandoned
FROM leased JOIN lease ON lease.id = leased.lease WHERE lease = :lease AND leased.id IN (SELECT value FROM json_each(:ids))
"""
_BURY = """
INSERT INTO dead (route, event_id, data, reason, time, keyed) SELECT route, event_id, data, :reason, :time, keyed FROM event
WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY id
"""
_TRIM = "DELETE FROM dead WHERE id <= (SELECT id FROM dead ORDER BY id DESC LIMIT 1 OFFSET ?)"
_FORGET = "DELETE FROM event WHERE id IN (SELECT value FROM json_each(?))"


def due_in(connection: sqlite3.Connection, routes: Collection[Route], scanned: Scanned, *, now: float) -> float | None:
    """Seconds until a record of *routes* can be claimed; 0 if the owner of a lease has ended."""
    waits: list[float] = []
    for route, claimed, _ in _numbered(connection, routes):
        if _has_new(connection, route, claimed, scanned):
            return 0.0
        first = "SELECT due FROM later WHERE route = ? ORDER BY due LIMIT 1"
        waits += [due for (due,) in connection.execute(first, (route,))]
        for holder, until in connection.execute("SELECT holder, until FROM lease WHERE route = ?", (route,)):
            waits.append(now if has_ended(holder) else until)
    return max(0.0, min(waits) - now) if waits else None


def claim(
    connection: sqlite3.Connection,
    limit: int,
    routes: Collection[Route],
    scanned: Scanned,
    *,
    now: float,
    lease: float,
) -> list[Claim]:
    """Claim up to *limit* events of one of *routes*, in turn."""
    leases = connection.execute("SELECT id, holder, until FROM lease").fetchall()
    release(connection, [(number,) for number, holder, until in leases if until <= now or has_ended(holder)])
    again = "SELECT 1 FROM later WHERE route = ? AND due <= ? LIMIT 1"
    for number, claimed, route in _numbered(connection, routes):
        if not (connection.execute(again, (number, now)).fetchone() or _has_new(connection, number, claimed, scanned)):
            continue
        into = "INSERT INTO lease (route, holder, until) VALUES (?, ?, ?)"
        token = connection.execute(into, (number, this_process(), now + lease)).lastrowid
        known = {"lease": token, "route": number, "now": now, "claimed": claimed, "limit": limit}
        taken = connection.execute(_TAKE_AGAIN, known).rowcount
        connection.execute(_TAKEN_AGAIN, known)
        connection.execute(_TAKE_NEW, {**known, "limit": limit - taken})
        connection.execute(_SERVED, known)
        return [
            Claim(Record(*route, event_id, Payload(data), bool(keyed)), attempts, crashed_deliveries, (token, row))
            for event_id, data, keyed, attempts, crashed_deliveries, row in connection.execute(_MINE, (token,))
        ]
    return []


def decide(connection: sqlite3.Connection, claims: Sequence[Claim], decision: Decision) -> None:
    """Apply *decision* to those of *claims* whose lease still lasts."""
    by_lease: dict[int, list[int]] = {}
    for one in claims:
        token, row = cast("tuple[int, int]", one.record_id)
        by_lease.setdefault(token, []).append(row)
    for token, rows in by_lease.items():
        held = [row for (row,) in connection.execute(_STILL_HELD, {"lease": token, "ids": json.dumps(rows)})]
        ids = json.dumps(held)
        decision(connection, token, ids)
        connection.execute(_DECIDED, {"lease": token, "ids": ids})
        connection.execute(_ENDED, {"lease": token})


def forget(connection: sqlite3.Connection, token: int, ids: str) -> None:
    """Delete delivered events."""
    newest, _ = newest_and_count(connection)
    gone = connection.execute(_FORGET, (ids,)).rowcount
    connection.execute("UPDATE state SET last = ?, gone = gone + ?", (newest, gone))


def give_back(due: float) -> Decision:
    """Give events back until the clock shows *due*."""
    return lambda connection, token, ids: connection.execute(_GIVE_BACK, {"lease": token, "ids": ids, "due": due})


def dead_letter(reason: str, time: float, most: int) -> Decision:
    """Move events to the dead letters, of which the newest *most* are kept."""

    def move(connection: sqlite3.Connection, token: int, ids: str) -> None:
        connection.execute(_BURY, {"ids": ids, "reason": reason, "time": time})
        connection.execute(_TRIM, (most,))
        forget(connection, token, ids)

    return move


def _numbered(connection: sqlite3.Connection, routes: Collection[Route]) -> list[tuple[int, int, Route]]:
    """Number, last claimed id and route of those of *routes* in the file; the least recently served route first."""
    rows = connection.execute(
        "SELECT id, claimed, event_source, event_source_id, test_event_code FROM route ORDER BY served, id"
    )
    return [
        (number, claimed, (kind, name, code))
        for number, claimed, kind, name, code in rows
        if (kind, name, code) in routes
    ]


def _has_new(connection: sqlite3.Connection, route: int, claimed: int, scanned: Scanned) -> bool:
    newest, _ = newest_and_count(connection)
    after = max(claimed, scanned.get(route, 0))
    if connection.execute("SELECT 1 FROM event WHERE id > ? AND route = ? LIMIT 1", (after, route)).fetchone():
        return True
    scanned[route] = newest
    return False
