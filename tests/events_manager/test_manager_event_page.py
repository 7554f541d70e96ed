"""One event: both copies side by side, the answer, and whether a digest belongs to a value."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from shops import BASE, Shop, browser_event, server_event

pytestmark = pytest.mark.anyio
HOSTILE = "<script>alert(1)</script>"


def digest(text: str) -> str:
    """SHA-256, as an identifier is sent."""
    return hashlib.sha256(text.encode()).hexdigest()


USER = {
    "email": [digest("anna@example.com")],
    "phone": digest("+12025550123"),
    "ip": "192.0.2.1",
    "ttclid": "E.C.P.long-click-id",
}


async def test_both_copies_stand_side_by_side(shop: Shop) -> None:
    """With what differs, and what TikTok keeps: the first copy's value, completed by the other."""
    await shop.browses()
    shop.clock.now += 2.5
    await shop.sends(server_event(user=USER, page={"url": "https://shop.example/checkout"}))
    found = (await shop.http.get("/api/events/1")).json()
    fields = {one["path"]: one for one in found["fields"]}

    assert [copy["channel"] for copy in found["copies"]] == ["browser", "server"]
    assert found["delay"] == 2.5
    assert fields["properties.value"] | {} == {
        "path": "properties.value",
        "browser": 12.5,
        "server": 12.5,
        "kept": 12.5,
        "differs": False,
    }
    assert fields["page.url"]["differs"]
    assert fields["page.url"]["kept"] == fields["page.url"]["browser"]
    assert fields["user.email"]["browser"] is None
    assert fields["user.email"]["kept"] == fields["user.email"]["server"]
    page = (await shop.http.get("/events/1")).text
    assert "The second copy came after 2.5 s" in page
    assert page.count("≠ differs") == 2  # ttclid and page


async def test_a_copy_shows_its_conversion(shop: Shop) -> None:
    """The page of either copy has both."""
    await shop.browses()
    await shop.sends(server_event())
    both = [(await shop.http.get(f"/api/events/{number}")).json() for number in (1, 2)]

    assert [len(one["copies"]) for one in both] == [2, 2]
    assert [one["event"]["id"] for one in both] == [1, 2]


@pytest.mark.parametrize("number", ["0", "7", "-1", "x", "9" * 30, "1e3", "%00"])
async def test_no_such_event(shop: Shop, number: str) -> None:
    """404, as a page and as JSON."""
    await shop.browses()

    assert (await shop.http.get(f"/events/{number}")).status_code == 404
    assert (await shop.http.get(f"/api/events/{number}")).status_code == 404


async def test_identifiers_are_shortened(shop: Shop) -> None:
    """In the page and in the API; what was sent in clear is not shown at all."""
    await shop.sends(server_event(user={**USER, "first_name": "anna", "external_id": "customer-77"}))
    for address in ("/events/1", "/api/events/1"):
        text = (await shop.http.get(address)).text
        for secret in (*map(digest, ("anna@example.com", "+12025550123")), "long-click-id", "customer-77", '"anna"'):
            assert secret not in text
    assert "(not hashed, 11 characters)" in (await shop.http.get("/events/1")).text


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        (" Anna@Example.com ", ["user.email"]),
        ("+1 202 555 0123", ["user.phone"]),
        ("bert@example.com", []),
        ("", []),
        ("\x00", []),
    ],
)
async def test_whose_digest_it_is(shop: Shop, typed: str, fields: list[str]) -> None:
    """The value is normalised as the client does it."""
    await shop.sends(server_event(user=USER))
    answer = await shop.manages("/api/check-value", {"event": 1, "value": typed})

    assert answer.json() == {"fields": fields}


@pytest.mark.parametrize(
    "body", [{}, {"event": "1", "value": "x"}, {"event": 1, "value": 5}, {"event": 1, "value": "x" * 321}, []]
)
async def test_a_check_needs_event_and_value(shop: Shop, body: object) -> None:
    """400 says what to send."""
    answer = await shop.manages("/api/check-value", body)

    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_another_origin_checks_nothing(shop: Shop) -> None:
    """A page of another site cannot ask for values."""
    await shop.sends(server_event(user=USER))
    refused = [
        await shop.http.post("/api/check-value", json={"event": 1, "value": "a"}, headers=headers)
        for headers in ({}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "https://example.com"})
    ]

    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert (await shop.http.get("/api/events/1", headers={"Origin": "https://example.com"})).status_code == 403
    assert (await shop.http.get("/api/events/1", headers={"Origin": BASE})).status_code == 200


async def test_payloads_stay_in_memory(open_shop: Callable[..., Shop], tmp_path: Path) -> None:
    """The file has no payload; after a restart the page says that it is not held."""
    path = tmp_path / "events.db"
    shop = open_shop(db=path)
    await shop.sends(
        server_event(user=USER, properties={"value": 1, "currency": "EUR", "description": "only-in-memory"})
    )
    assert "only-in-memory" in (await shop.http.get("/events/1")).text
    await shop.manages("/api/check-value", {"event": 1, "value": "checked@example.com"})
    again = open_shop(db=path)
    page = (await again.http.get("/events/1")).text

    assert "only-in-memory" not in page
    assert "The payload is no longer stored" in page
    with contextlib.closing(sqlite3.connect(path)) as connection:
        dump = "\n".join(connection.iterdump())
    assert "only-in-memory" not in dump
    assert "checked@example.com" not in dump


async def test_only_the_newest_payloads(shop: Shop) -> None:
    """And none that is larger than 16 kB; clearing forgets all."""
    store = shop.app.state.events_manager.store
    store._payloads._most = 3
    for number in range(5):
        await shop.sends(server_event(event_id=f"o-{number}"))
    await shop.sends(
        server_event(event_id="large", properties={"value": 1, "currency": "EUR", "description": "x" * 17_000})
    )

    assert [bool(store.payloads_of(number)) for number in range(1, 7)] == [False, False, True, True, True, False]
    await shop.manages("/api/clear")
    assert store.payloads_of(5) == []


async def test_hostile_payloads_are_text(shop: Shop) -> None:
    """Whatever stands in names and values."""
    await shop.sends(
        server_event(
            event=HOSTILE,
            event_id='"><img src=x>',
            page={"url": "javascript:alert(1)"},
            **{HOSTILE: {HOSTILE: HOSTILE}},
        )
    )
    await shop.http.post(
        "/api/v2/pixel/act", json=browser_event(event_id=HOSTILE), headers={"Origin": "http://localhost:1"}
    )
    for number in (1, 2):
        page = (await shop.http.get(f"/events/{number}")).text
        assert HOSTILE not in page
        assert "<img" not in page.replace('<img class="mark"', "")
