"""Events without event_id: by TikTok's developer page, `_ttp` stands in for 5 minutes, and the server's event is dropped."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from shops import DIGEST, NOW, PIXEL, Shop, browser_event, server_event

from tiktok_events.events_manager.store.event_store import EventStore
from tiktok_events.events_manager.store.received_event import ReceivedEvent

pytestmark = pytest.mark.anyio

TTP, MINUTES = "zzpii-ttp", 60
B, S = "browser", "server"


def server(ttp: str | None = TTP, **fields: Any) -> dict[str, Any]:
    """A server event without event_id."""
    event = server_event(user={"email": [DIGEST], **({"ttp": ttp} if ttp else {})}, **fields)
    if "event_id" not in fields:
        del event["event_id"]
    return event


async def arrive(shop: Shop, channel: str, **fields: Any) -> None:
    """One event of a channel, without event_id unless it is given."""
    if channel == S:
        await shop.sends(server(**fields))
        return
    event = browser_event(**{"event_id": None, **fields})
    await shop.http.post("/api/v2/pixel/act", json=event, headers={"Origin": "http://localhost:8000"})


# (channel, seconds after the start, fields)...; outcomes; conversions.
CASES: dict[str, tuple[list[tuple[str, float, dict[str, Any]]], list[str], int]] = {
    "the browser first": ([(B, 0, {}), (S, 1, {})], ["kept", "dropped"], 1),
    "the server first": ([(S, 0, {}), (B, 1, {})], ["dropped", "kept"], 1),
    "5 minutes sharp": ([(B, 0, {}), (S, 5 * MINUTES, {})], ["kept", "dropped"], 1),
    "after 5 minutes": ([(B, 0, {}), (S, 5 * MINUTES + 1, {})], ["kept", "kept"], 2),
    "the server first, after 5 minutes": ([(S, 0, {}), (B, 5 * MINUTES + 1, {})], ["kept", "kept"], 2),
    "another visitor": ([(B, 0, {}), (S, 1, {"ttp": "zzpii-other"})], ["kept", "kept"], 2),
    "no _ttp": ([(B, 0, {}), (S, 1, {"ttp": None})], ["kept", "kept"], 2),
    "another name": ([(B, 0, {"event": "AddToCart"}), (S, 1, {})], ["kept", "kept"], 2),
    "an id on the server": ([(B, 0, {}), (S, 1, {"event_id": "1"})], ["kept", "kept"], 2),
    "an id in the browser": ([(B, 0, {"event_id": "1"}), (S, 1, {})], ["kept", "kept"], 2),
    "the browser twice": ([(B, 0, {}), (B, 1, {})], ["kept", "kept"], 2),
    "the server twice": ([(S, 0, {}), (S, 1, {})], ["kept", "kept"], 2),
    "one browser event drops two of the server": (
        [(B, 0, {}), (S, 1, {}), (S, 2, {})],
        ["kept", "dropped", "dropped"],
        1,
    ),
}


@pytest.mark.parametrize(("arrivals", "outcomes", "conversions"), CASES.values(), ids=CASES)
async def test_the_servers_event_is_dropped(
    shop: Shop, arrivals: list[tuple[str, float, dict[str, Any]]], outcomes: list[str], conversions: int
) -> None:
    """Only within 5 minutes, for one visitor, pixel and name, and without ids on either side."""
    for channel, seconds, fields in arrivals:
        shop.clock.now = NOW + seconds
        await arrive(shop, channel, **fields)
    summary = await shop.summary()

    assert [event["outcome"] for event in await shop.events()] == outcomes
    assert summary["conversions"] == conversions
    assert summary["dropped"] == outcomes.count("dropped")


@pytest.mark.parametrize("order", [(B, S), (S, B)])
async def test_the_kept_event_is_of_both_channels(shop: Shop, order: tuple[str, str]) -> None:
    """As after a merge, and a reader that polls sees the change."""
    await arrive(shop, order[0])
    before = (await shop.http.get("/api/events")).json()["cursor"]
    await arrive(shop, order[1])
    changed = (await shop.http.get(f"/api/events?after={before}")).json()["events"]
    kept = [event for event in changed if event["outcome"] == "kept"]

    assert [event["channels"] for event in kept] == [["browser", "server"]]
    assert (await shop.summary())["both"] == 1


async def test_a_switch_turns_it_off(open_shop: Callable[..., Shop]) -> None:
    """Then both count, as older help pages say."""
    shop = open_shop(dedup_by_ttp=False)
    for channel in (B, S):
        await arrive(shop, channel)

    assert (await shop.summary())["conversions"] == 2


async def test_no_ttp_is_stored(open_shop: Callable[..., Shop], tmp_path: Path) -> None:
    """Only a digest, which no answer shows."""
    path = tmp_path / "events.sqlite3"
    shop = open_shop(db=path)
    for channel in (B, S):
        await arrive(shop, channel)
    shown = (await shop.http.get("/api/events")).text + (await shop.http.get("/")).text
    shop.app.state.events_manager.store.close()

    assert "zzpii" not in shown
    assert "ttp_key" not in shown
    assert b"zzpii" not in path.read_bytes()


@pytest.mark.parametrize(("merges", "outcome"), [(False, "dropped"), (True, "merged")])
async def test_copies_of_one_channel(open_shop: Callable[..., Shop], merges: bool, outcome: str) -> None:
    """TikTok's pages contradict each other: a switch decides, and the number of conversions is the same."""
    shop = open_shop(merge_same_channel=merges)
    await shop.sends(server_event())
    await shop.sends(server_event(user={"phone": [DIGEST]}))
    shop.clock.now += 5 * MINUTES + 1
    await shop.sends(server_event())
    events = await shop.events()

    assert [event["outcome"] for event in events] == ["kept", outcome, "dropped"]
    assert ("phone" in events[0]["identifiers"]) is merges
    assert (await shop.summary())["conversions"] == 1


def test_a_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    """Its events stay, and new ones are deduplicated."""
    path = tmp_path / "events.sqlite3"
    EventStore(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP INDEX events_by_ttp; ALTER TABLE events DROP COLUMN ttp_key; ALTER TABLE events DROP COLUMN visitor; "
            "ALTER TABLE events DROP COLUMN items; ALTER TABLE events DROP COLUMN order_digest; PRAGMA user_version = 1"
        )
    store = EventStore(path)
    store.add([ReceivedEvent(channel=B, event="Purchase", event_source_id=PIXEL, ttp_key=b"k")], NOW)
    store.add([ReceivedEvent(channel=S, event="Purchase", event_source_id=PIXEL, ttp_key=b"k")], NOW)
    outcomes = [event["outcome"] for event in store.events().events]
    store.close()

    assert outcomes == ["kept", "dropped"]
