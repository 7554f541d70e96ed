"""What is kept, where, and for how long."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from shops import NOW, PIXEL, Shop, server_event

from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager import create_app, running
from tiktok_events.events_manager.store.dedup import dedup_key
from tiktok_events.events_manager.store.event_store import EventStore
from tiktok_events.events_manager.store.received_event import ReceivedEvent


def received(number: int) -> ReceivedEvent:
    event_id = f"order-{number}"
    key = dedup_key(PIXEL, "Purchase", event_id, is_test=False)
    return ReceivedEvent(channel="server", event="Purchase", event_id=event_id, event_source_id=PIXEL, key=key)


@pytest.mark.anyio
async def test_a_file_survives_a_restart(open_shop: Callable[..., Shop], tmp_path: Path) -> None:
    """With `db` the events, and what they deduplicate against, are still there the next day."""
    first = open_shop(db=tmp_path / "events.sqlite3")
    await first.browses()
    before = await first.events()
    first.app.state.events_manager.store.close()

    second = open_shop(db=tmp_path / "events.sqlite3")

    assert await second.events() == before
    await second.sends(server_event())
    assert [event["outcome"] for event in await second.events()] == ["kept", "merged"]


@pytest.mark.anyio
async def test_memory_forgets(open_shop: Callable[..., Shop]) -> None:
    """Without `db` every manager starts empty."""
    await open_shop().sends(server_event())

    assert (await open_shop().summary())["received"] == 0


def test_the_oldest_make_room() -> None:
    """No more than so many events are held; a forgotten one is no copy's first."""
    store = EventStore(max_events=10)
    for number in range(25):
        store.add([received(number)], NOW)
    store.add([received(0)], NOW)

    page = store.events()
    store.close()

    assert [event["id"] for event in page.events] == list(range(17, 27))
    assert page.oldest == 17
    assert page.events[-1]["outcome"] == "kept"


@pytest.mark.anyio
async def test_the_cursor_gives_what_changed(shop: Shop) -> None:
    """A reader that passes the cursor on gets the new events, and the old ones that a copy completed."""
    await shop.browses()
    await shop.sends(server_event(event_id="order-2"))
    first = (await shop.http.get("/api/events")).json()
    nothing = (await shop.http.get(f"/api/events?after={first['cursor']}")).json()
    await shop.sends(server_event())
    changed = (await shop.http.get(f"/api/events?after={nothing['cursor']}")).json()

    assert nothing["events"] == []
    assert [(event["id"], event["outcome"]) for event in changed["events"]] == [(1, "kept"), (3, "merged")]


@pytest.mark.anyio
async def test_limit(shop: Shop) -> None:
    """A limit leaves the newest, in the order they came."""
    await shop.sends(*(server_event(event_id=f"order-{number}") for number in range(5)))
    found = (await shop.http.get("/api/events?limit=2")).json()

    assert [event["event_id"] for event in found["events"]] == ["order-3", "order-4"]


@pytest.mark.anyio
@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=10001", "after=-1", "after=1e3", "after=", "after=٣"])
async def test_wrong_queries(shop: Shop, query: str) -> None:
    """A parameter that is no whole number in range is refused in words."""
    answer = await shop.http.get(f"/api/events?{query}")

    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.anyio
async def test_clear(shop: Shop) -> None:
    """After clearing nothing is held, nothing is a copy, and ids go on, so that a page notices."""
    await shop.sends(server_event())
    await shop.manages("/api/clear")
    emptied = (await shop.http.get("/api/events")).json()
    await shop.sends(server_event())

    (event,) = await shop.events()

    assert (emptied["events"], emptied["oldest"]) == ([], 2)
    assert (event["id"], event["outcome"]) == (2, "kept")


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    """A file with other tables, or that is no database, is refused and not touched."""
    other, text = tmp_path / "shop.sqlite3", tmp_path / "notes.txt"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE orders (id)")
    connection.close()
    text.write_text("not a database " * 100)
    before = other.read_bytes()

    for path in (other, text, tmp_path / "missing" / "events.sqlite3"):
        with pytest.raises(ConfigurationError):
            create_app(db=path)
    assert other.read_bytes() == before


def test_a_copy_after_a_restart_through_the_socket(tmp_path: Path) -> None:
    """`running` with a file closes it properly: the next one opens it again."""
    for _ in range(2):
        with running(db=tmp_path / "events.sqlite3") as manager:
            assert manager.summary()["received"] == 0
