"""Who talks to an Events Manager in these tests, and what they say."""

from __future__ import annotations

from typing import Any

import httpx
from starlette.applications import Starlette

PIXEL = "C0EXAMPLE0EXAMPLE000"
TOKEN = "example-token"
BASE = "http://127.0.0.1:8765"
NOW = 1_800_000_000
TRACK = "/open_api/v1.3/event/track/"
PIXEL_ACT = "/api/v2/pixel/act"
DIGEST = "0123456789abcdef" * 4


class Clock:
    """A time that only the test moves."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def server_event(**fields: Any) -> dict[str, Any]:
    """A `data[]` item that no rule says anything against."""
    return {
        "event": "Purchase",
        "event_time": NOW,
        "event_id": "order-1",
        "user": {"email": [DIGEST]},
        "page": {"url": "https://shop.example/thanks"},
        "properties": {
            "value": 12.5,
            "currency": "EUR",
            "content_type": "product",
            "contents": [{"content_id": "sku-1", "price": 12.5, "quantity": 1}],
        },
        **fields,
    }


def body_of(*events: Any, **envelope: Any) -> dict[str, Any]:
    """A request body of *events*."""
    return {"event_source": "web", "event_source_id": PIXEL, "data": list(events), **envelope}


def browser_event(**fields: Any) -> dict[str, Any]:
    """What the pixel posts for the same purchase."""
    return {
        "event": "Purchase",
        "event_id": "order-1",
        "message_id": "messageId-1",
        "context": {
            "pixel": {"code": PIXEL},
            "page": {"url": "https://shop.example/thanks?ttclid=E.C.P.zzpii", "referrer": ""},
            "user": {"ttp": "zzpii-ttp"},
            "ad": {"callback": "E.C.P.zzpii"},
        },
        "properties": {"value": 12.5, "currency": "EUR", "content_id": "sku-1", "price": 12.5, "quantity": 1},
        **fields,
    }


class Shop:
    """Whoever talks to the manager: a server with its token, a page with its origin, a reader."""

    def __init__(self, http: httpx.AsyncClient, app: Starlette, clock: Clock) -> None:
        self.http, self.app, self.clock = http, app, clock

    async def sends(self, *events: Any, token: str | None = TOKEN, **envelope: Any) -> httpx.Response:
        headers = {} if token is None else {"Access-Token": token}
        return await self.http.post(TRACK, json=body_of(*events, **envelope), headers=headers)

    async def sends_raw(self, content: bytes) -> httpx.Response:
        return await self.http.post(TRACK, content=content, headers={"Access-Token": TOKEN})

    async def browses(self, origin: str | None = "http://localhost:8000", **fields: Any) -> httpx.Response:
        headers = {} if origin is None else {"Origin": origin}
        return await self.http.post(PIXEL_ACT, json=browser_event(**fields), headers=headers)

    async def manages(self, path: str, body: Any = None, method: str = "POST") -> httpx.Response:
        return await self.http.request(method, path, json=body, headers={"Origin": BASE})

    async def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.http.get("/api/events")).json()["events"]
        return found

    async def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.http.get("/api/summary")).json()
        return found
