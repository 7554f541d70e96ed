"""Deduplication: by source, name and id, by time of arrival."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from shops import PIXEL, Shop, browser_event, server_event

from tiktok_events.events_manager.store.dedup import DedupRules, KeptEvent, counts_alone, outcome_of

pytestmark = pytest.mark.anyio

MINUTES, HOURS = 60, 3600
B, S = "browser", "server"

# What happens: (channel, seconds after the first)...; outcomes; conversions; by browser alone; by server alone.
WINDOWS: dict[str, tuple[list[tuple[str, float]], list[str], int, int, int]] = {
    "one event is one conversion": ([(S, 0)], ["kept"], 1, 0, 1),
    "the server's copy is merged": ([(B, 0), (S, 1)], ["kept", "merged"], 1, 1, 1),
    "the browser's copy is merged": ([(S, 0), (B, 1)], ["kept", "merged"], 1, 1, 1),
    "both at the same instant merge": ([(B, 0), (S, 0)], ["kept", "merged"], 1, 1, 1),
    "merged at 5 minutes sharp": ([(B, 0), (S, 5 * MINUTES)], ["kept", "merged"], 1, 1, 1),
    "dropped just after 5 minutes": ([(B, 0), (S, 5 * MINUTES + 1)], ["kept", "dropped"], 1, 1, 1),
    "dropped at 48 hours sharp": ([(B, 0), (S, 48 * HOURS)], ["kept", "dropped"], 1, 1, 1),
    "counts again after 48 hours": ([(B, 0), (S, 48 * HOURS + 1)], ["kept", "kept"], 2, 1, 1),
    "within a channel dropped at once": ([(S, 0), (S, 0)], ["kept", "dropped"], 1, 0, 1),
    "within the browser dropped until 48 hours": ([(B, 0), (B, 48 * HOURS)], ["kept", "dropped"], 1, 1, 0),
    "within a channel counts again after": ([(S, 0), (S, 48 * HOURS + 1)], ["kept", "kept"], 2, 0, 2),
    "a second copy of the other channel is dropped": ([(B, 0), (S, 1), (S, 2)], ["kept", "merged", "dropped"], 1, 1, 1),
    "the first channel again is dropped after a merge": (
        [(B, 0), (S, 1), (B, 2)],
        ["kept", "merged", "dropped"],
        1,
        1,
        1,
    ),
    "48 hours run from the first, not from the last copy": (
        [(B, 0), (S, 47 * HOURS), (S, 49 * HOURS)],
        ["kept", "dropped", "kept"],
        2,
        1,
        1,
    ),
    "a new first opens new windows": (
        [(B, 0), (B, 49 * HOURS), (S, 49 * HOURS + 60)],
        ["kept", "kept", "merged"],
        2,
        2,
        1,
    ),
    "a clock set back changes nothing": ([(B, 0), (S, -10)], ["kept", "merged"], 1, 1, 1),
}


@pytest.mark.parametrize(("arrivals", "outcomes", "conversions", "browser", "server"), WINDOWS.values(), ids=WINDOWS)
async def test_windows(
    shop: Shop, arrivals: list[tuple[str, float]], outcomes: list[str], conversions: int, browser: int, server: int
) -> None:
    """Copies are merged, dropped or counted by when they arrive, whatever time they carry."""
    start = shop.clock.now
    for channel, seconds in arrivals:
        shop.clock.now = start + seconds
        answer = await (shop.browses() if channel == B else shop.sends(server_event()))
        answer.raise_for_status()

    summary = await shop.summary()

    assert outcomes == [event["outcome"] for event in await shop.events()]
    assert (conversions, browser, server) == (
        summary["conversions"],
        summary["browser_alone"],
        summary["server_alone"],
    )


def server(**fields: Any) -> tuple[str, dict[str, Any]]:
    return S, fields


def browser(**fields: Any) -> tuple[str, dict[str, Any]]:
    return B, fields


# Two arrivals a second apart that are not the same event, or are: how many conversions.
KEYS: dict[str, tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]], int]] = {
    "the same on both channels": (browser(), server(), 1),
    "another name": (browser(event="CompletePayment"), server(), 2),
    "a name in other capitals": (browser(event="purchase"), server(), 2),
    "another id": (browser(event_id="order-2"), server(), 2),
    "an id in other capitals": (browser(event_id="Order-1"), server(), 2),
    "no id on one channel": (browser(event_id=None), server(), 2),
    "no id on either": (browser(event_id=None), server(event_id=None), 2),
    "an empty id is none": (browser(event_id=""), browser(event_id=""), 2),
    "another email is no other event": (server(), server(user={"email": ["f" * 64]}), 1),
    "another value is no other event": (server(), server(properties={"value": 1, "currency": "EUR"}), 1),
    "another event_time is no other event": (server(), server(event_time=1_799_999_000), 1),
    "a longer id that starts the same": (server(event_id="a" * 300), server(event_id="a" * 301), 2),
}


@pytest.mark.parametrize(("first", "second", "conversions"), KEYS.values(), ids=KEYS)
async def test_keys(shop: Shop, first: Any, second: Any, conversions: int) -> None:
    """Source, name and id make two events one, and nothing else does."""
    for channel, fields in (first, second):
        shop.clock.now += 1
        if channel == B:
            await shop.browses(**fields)
        else:
            event = {key: value for key, value in server_event(**fields).items() if value is not None}
            await shop.sends(event)

    assert conversions == (await shop.summary())["conversions"]


async def test_another_source_is_another_event(open_shop: Callable[..., Shop]) -> None:
    """The same name and id at another pixel count there too."""
    shop = open_shop()
    await shop.sends(server_event(), event_source_id=PIXEL)
    await shop.sends(server_event(), event_source_id=PIXEL[::-1])

    assert (await shop.summary())["conversions"] == 2


async def test_repeats_in_one_request(shop: Shop) -> None:
    """A request that holds an event twice counts it once."""
    await shop.sends(server_event(), server_event(), server_event(event_id="order-2"))

    summary = await shop.summary()

    assert (summary["received"], summary["conversions"], summary["dropped"]) == (3, 2, 1)


async def test_a_merged_copy_completes_the_first(shop: Shop) -> None:
    """The first is kept and gets the match keys and the value that only its copy has."""
    await shop.browses(properties={"content_id": "sku-1"})
    await shop.sends(server_event())

    first, copy = await shop.events()

    assert first["channels"] == ["browser", "server"]
    assert first["identifiers"] == ["email", "ttclid", "ttp", "ip", "user_agent"]
    assert (first["value"], first["currency"]) == (12.5, "EUR")
    assert (copy["first"], copy["counted"]) == (first["id"], False)


async def test_a_late_copy_completes_nothing(shop: Shop) -> None:
    """After 5 minutes the copy is dropped with all it knows, but the event did come from both."""
    await shop.browses(properties={"content_id": "sku-1"})
    shop.clock.now += 6 * MINUTES
    await shop.sends(server_event())

    first, _ = await shop.events()

    assert "email" not in first["identifiers"]
    assert first["value"] is None
    assert (await shop.summary())["both"] == 1


async def test_test_events_stand_apart(shop: Shop) -> None:
    """A test event is no conversion and swallows none; among themselves test events are deduplicated."""
    for _ in range(2):
        await shop.sends(server_event(), test_event_code="TEST123")
    await shop.sends(server_event())

    summary = await shop.summary()

    assert [event["outcome"] for event in await shop.events()] == ["kept", "dropped", "kept"]
    assert (summary["tests"], summary["conversions"], summary["server_alone"]) == (2, 1, 1)


async def test_a_refused_event_leaves_no_mark(shop: Shop) -> None:
    """What was refused does not take the place of the corrected event that follows."""
    await shop.sends(server_event(), server_event(event_id="order-2", properties={"value": "12,50"}))
    await shop.sends(server_event())

    assert (await shop.summary())["conversions"] == 1


async def test_figures_by_event(shop: Shop) -> None:
    """Each name has its own counts and sums; a sum in cents is exact."""
    for number in range(3):
        await shop.sends(
            server_event(event_id=f"order-{number}", properties={**server_event()["properties"], "value": 0.1})
        )
    await shop.browses(event_id="order-1")
    await shop.browses(event="ViewContent", event_id="view-1", properties={})

    purchase, view = (await shop.summary())["events"]

    assert purchase == {
        "event": "Purchase",
        "conversions": 3,
        "browser_only": 0,
        "both": 1,
        "server_only": 2,
        "browser_alone": 1,
        "server_alone": 3,
        "value": {"EUR": 0.3},
    }
    assert (view["conversions"], view["server_alone"], view["value"]) == (1, 0, {})


async def test_share_of_match_keys(shop: Shop) -> None:
    """A key's share is that of the conversions which carry it, copies merged."""
    await shop.sends(server_event(event_id="order-2"))
    await shop.browses()

    identifiers = (await shop.summary())["identifiers"]

    assert identifiers["email"] == {"conversions": 1, "share": 0.5}
    assert identifiers["ttclid"] == {"conversions": 1, "share": 0.5}
    assert "phone" not in identifiers


def test_the_decision_is_pure() -> None:
    """The decision needs no store and no clock."""
    first = KeptEvent(received_at=0, channels=frozenset({B}))

    assert outcome_of("server", 0, None, DedupRules()) == "kept"
    assert outcome_of("server", 300, first, DedupRules()) == "merged"
    assert outcome_of("browser", 300, first, DedupRules()) == "dropped"
    assert counts_alone(48 * HOURS + 1, 0)
    assert not counts_alone(48 * HOURS, 0)


def test_the_browser_says_the_same() -> None:
    """The pixel's body and the server's in these tests report one purchase."""
    assert browser_event()["event_id"] == server_event()["event_id"]
