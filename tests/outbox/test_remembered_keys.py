"""How memory and files keep the ids of keyed events: bounded, for days, and in files of the first version."""

from __future__ import annotations

import contextlib
import sqlite3

from records import DATA, WEB, ids, keyed

import tiktok_events as tt
from tiktok_events._outbox.sqlite import schema

DAY = 86_400


def test_the_memory_of_keys_is_bounded(monkeypatch):
    """The oldest of an outbox in memory is forgotten."""
    from tiktok_events._outbox import remembered_keys

    monkeypatch.setattr(remembered_keys, "_MAX_KEYS", 10)
    outbox = tt.MemoryOutbox()
    for number in range(11):
        outbox.put([keyed(number)])

    assert [one.event_id for one in outbox.put([keyed(1)]).repeated] == ["k1"]
    assert outbox.put([keyed(0)]).repeated == ()


def test_dropped_events_may_be_put_again():
    """`overflow="drop_oldest"` loses them."""
    outbox = tt.MemoryOutbox(max_events=1, overflow="drop_oldest")
    outbox.put([keyed(1)])
    outbox.put([keyed(2)])

    assert outbox.put([keyed(1)]).repeated == ()


def test_a_file_of_the_first_version_is_read(tmp_path):
    """Its events are delivered, and new ones remembered."""
    path = tmp_path / "outbox.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        for statement in schema._STEPS[0]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id={schema._APPLICATION}")
        connection.execute("PRAGMA user_version=1")
        connection.execute("INSERT INTO route (event_source, event_source_id) VALUES (?, ?)", WEB[:2])
        connection.execute("INSERT INTO event VALUES (1, 1, 'old', ?, 1.0)", (DATA,))
        connection.commit()
    with contextlib.closing(tt.SQLiteOutbox(path)) as outbox:
        outbox.put([keyed(1), keyed(1)])
        claims = outbox.claim(10, lease=30, routes=[WEB])

    assert ids(claims) == ["old", "k1"]
    assert [one.record.is_keyed for one in claims] == [False, True]


def test_old_keys_leave_the_file(tmp_path):
    """Once an hour, while a worker claims."""
    now = [1_800_000_000.0]
    outbox = tt.SQLiteOutbox(tmp_path / "outbox.db", clock=lambda: now[0], wall_clock=lambda: now[0])

    def remembered():
        with contextlib.closing(sqlite3.connect(tmp_path / "outbox.db")) as connection:
            return [row for (row,) in connection.execute("SELECT event_id FROM remembered")]

    outbox.put([keyed(1)])
    outbox.ack(outbox.claim(10, lease=30, routes=[WEB]))
    now[0] += 20 * DAY
    outbox.put([keyed(2)])
    outbox.ack(outbox.claim(10, lease=30, routes=[WEB]))
    assert remembered() == ["k1", "k2"]
    now[0] += 9 * DAY
    outbox.claim(10, lease=30, routes=[WEB])
    outbox.close()

    assert remembered() == ["k2"]
