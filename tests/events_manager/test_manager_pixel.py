"""Browser events, in the shape the pixel posts them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from shops import BASE, PIXEL, PIXEL_ACT, Shop, browser_event

from tiktok_events.events_manager.intake.request_body import MAX_BODY

pytestmark = pytest.mark.anyio

LOCAL = {"Origin": "http://localhost:8000"}


async def test_a_browser_event_is_kept(shop: Shop) -> None:
    """What the page and its connection bring is there, and no rule is broken by a usual body."""
    answer = await shop.browses()

    (event,) = await shop.events()

    assert (answer.status_code, answer.json()["code"]) == (200, 0)
    assert (event["event"], event["event_id"], event["event_source_id"]) == ("Purchase", "order-1", PIXEL)
    assert (event["channel"], event["value"], event["currency"]) == ("browser", 12.5, "EUR")
    assert event["page"] == "https://shop.example/thanks"
    assert event["identifiers"] == ["ttclid", "ttp", "ip", "user_agent"]
    assert event["problems"] == []


@pytest.mark.parametrize("content_type", ["application/json", "text/plain;charset=UTF-8", "", "application/x-other"])
async def test_any_content_type_will_do(shop: Shop, content_type: str) -> None:
    """sendBeacon posts text, fetch may post anything: the body is read as JSON all the same."""
    headers = {**LOCAL, **({"Content-Type": content_type} if content_type else {})}
    answer = await shop.http.post(PIXEL_ACT, content=json.dumps(browser_event()), headers=headers)

    assert answer.status_code == 200
    assert (await shop.summary())["conversions"] == 1


# What is wrong in the page's code: the rules named. Nothing is refused.
WARNED: dict[str, tuple[dict[str, Any], set[str]]] = {
    "no id": ({"event_id": ""}, {"event-id-missing"}),
    "a page view has no id": ({"event": "Pageview", "event_id": "", "properties": {}}, set()),
    "an id that is a number": ({"event_id": 17}, {"wrong-type"}),
    "no name": ({"event": None}, {"event-missing"}),
    "a name that is a list": ({"event": [None]}, {"wrong-type"}),
    "an old name": ({"event": "CompletePayment"}, {"name-deprecated"}),
    "value as text": ({"properties": {"value": "12,50", "content_id": "a"}}, {"value-malformed"}),
    "no currency": ({"properties": {"value": 1, "content_id": "a"}}, {"currency-missing"}),
    "items in a list": (
        {"properties": {"value": 1, "currency": "EUR", "contents": [{"content_id": "a", "content_type": "product"}]}},
        set(),
    ),
    "an item's id as a number": ({"properties": {"value": 1, "currency": "EUR", "content_id": 4}}, {"wrong-type"}),
    "an email in the clear": (
        {"context": {"user": {"email": "zzpii.ada@example.com"}, "page": {"url": "https://a.example"}}},
        {"not-hashed"},
    ),
    "no context": ({"context": None}, {"page-url-missing"}),
    "a context of another shape": (
        {"context": {"user": [], "page": "zzpii", "pixel": 1, "ad": None}},
        {"page-url-missing"},
    ),
    "properties of another shape": ({"properties": ["zzpii"]}, {"wrong-type", "value-missing", "contents-missing"}),
}


@pytest.mark.parametrize(("fields", "rules"), WARNED.values(), ids=WARNED)
async def test_problems_are_warnings(shop: Shop, fields: dict[str, Any], rules: set[str]) -> None:
    """The rule table reads browser events too, but none of them is refused."""
    answer = await shop.browses(**fields)

    (event,) = await shop.events()

    assert answer.status_code == 200
    assert {one["rule"] for one in event["problems"]} == rules
    assert all(one["severity"] == "warning" for one in event["problems"])
    assert event["outcome"] == "kept"
    assert "zzpii" not in json.dumps(event)


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"[]", 400), (b"\xff", 400), (b"[" * 200_000, 400)])
async def test_unreadable_bodies_are_refused(shop: Shop, body: bytes, status: int) -> None:
    """Only what is no JSON object at all is refused, and listed as such."""
    answer = await shop.http.post(PIXEL_ACT, content=body, headers=LOCAL)

    assert (answer.status_code, answer.json()["code"]) == (status, 40002)
    assert (await shop.summary())["rejected_by_code"] == {"40002": 1}


async def test_body_limit(shop: Shop) -> None:
    """A page cannot fill the memory either."""
    answer = await shop.http.post(PIXEL_ACT, content=b" " * (MAX_BODY + 1), headers=LOCAL)

    assert answer.status_code == 413


ORIGINS = {
    "http://localhost:8000": True,
    "https://localhost": True,
    "http://127.0.0.1:5000": True,
    "http://127.9.9.9": True,
    "http://[::1]:5000": True,
    "http://shop.localhost:3000": True,
    BASE: True,
    "https://evil.example": False,
    "http://localhost.evil.example": False,
    "http://127.0.0.1.evil.example": False,
    "http://evil.example:8765": False,
    "http://localhost@evil.example": False,
    "http://localhost:8000/": False,
    "file://": False,
    "null": False,
    "": False,
    "*": False,
    "ftp://localhost": False,
    "http://0.0.0.0": False,
    "http://192.168.1.4": False,
}


@pytest.mark.parametrize(("origin", "is_local"), ORIGINS.items(), ids=[origin or "empty" for origin in ORIGINS])
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
async def test_only_pages_on_this_machine(shop: Shop, origin: str, is_local: bool, method: str) -> None:
    """The intake answers pages on loopback hosts, by name and never with a star; others get and leave nothing."""
    answer = await shop.http.request(method, PIXEL_ACT, json=browser_event(), headers={"Origin": origin})

    allowed = answer.headers.get("access-control-allow-origin")

    assert allowed == (origin if is_local else None)
    assert answer.status_code == ((200 if method == "POST" else 204) if is_local else 403)
    assert (await shop.summary())["received"] == (1 if is_local and method == "POST" else 0)
    assert not is_local or "Origin" in answer.headers["vary"]


async def test_a_given_host_may_send_too(open_shop: Callable[..., Shop]) -> None:
    """A shop that runs under a name of its own is allowed by that name."""
    shop = open_shop(allowed_hosts=["shop.test"])

    assert (await shop.browses(origin="https://shop.test")).status_code == 200
    assert (await shop.browses(origin="https://other.test")).status_code == 403


async def test_without_origin_it_is_no_page(shop: Shop) -> None:
    """A test or a script that names no origin may report browser events."""
    answer = await shop.browses(origin=None)

    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_preflight_allows_json(shop: Shop) -> None:
    """A fetch with a JSON content type asks first, and may."""
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    answer = await shop.http.options(PIXEL_ACT, headers={**LOCAL, **wanted})

    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "Content-Type"
