"""What shops send: steps of both channels, and how they reach a manager."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from shops import NOW, PIXEL, PIXEL_ACT, TRACK, Shop

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
CLICK = "E.C.P.CvcBexampleexampleexample"
OTHER_PIXEL = "C1EXAMPLE1EXAMPLE111"
LAMP = [{"content_id": "lamp", "price": 49, "quantity": 1}]
Step = tuple[str, float, dict[str, Any]]


def digest(text: str) -> str:
    """SHA-256, as an identifier is sent."""
    return hashlib.sha256(text.encode()).hexdigest()


def server(seconds: float = 0, event: str = "Purchase", event_id: str | None = "order-1", **fields: Any) -> Step:
    """A server event of visitor 1, with an order of a lamp; `user`, `properties` and other fields replace these."""
    item = {
        "event": event,
        "event_time": NOW + int(seconds),
        "event_id": event_id,
        "user": {"ttp": "visitor-1", "ttclid": CLICK, "email": [digest("a@example.com")], "user_agent": AGENT},
        "page": {"url": "https://shop.example/thanks"},
        "properties": {"value": 49, "currency": "EUR", "content_type": "product", "contents": LAMP},
        **fields,
    }
    return "S", seconds, {name: value for name, value in item.items() if value is not None}


def browser(seconds: float = 0, event: str = "Purchase", event_id: str | None = "order-1", **fields: Any) -> Step:
    """The pixel's copy of it; `ttp`, `ttclid`, `pixel` and `page` replace parts of the context."""
    context = {
        "pixel": {"code": fields.pop("pixel", PIXEL)},
        "page": {"url": fields.pop("page", "https://shop.example/thanks"), "referrer": ""},
        "user": {"ttp": fields.pop("ttp", "visitor-1")},
        "ad": {"callback": fields.pop("ttclid", CLICK)},
    }
    posted = {
        "event": event,
        "event_id": event_id,
        "context": context,
        "properties": {"value": 49, "currency": "EUR", "content_type": "product", "contents": LAMP},
        **fields,
    }
    return "B", seconds, {name: value for name, value in posted.items() if value is not None}


def both(seconds: float = 0, event: str = "Purchase", event_id: str = "order-1", **fields: Any) -> list[Step]:
    """One conversion of both channels."""
    named = {name: fields.pop(name) for name in ("ttp", "ttclid") if name in fields}
    if "ttp" in named:
        named.setdefault("ttclid", f"{CLICK}.{named['ttp']}")
    user = {"ttp": named.get("ttp", "visitor-1"), "ttclid": named.get("ttclid", CLICK), "user_agent": AGENT}
    user = {name: value for name, value in user.items() if value}
    return [
        server(seconds, event, event_id, **{"user": user, **fields}),
        browser(seconds + 0.3, event, event_id, **named, **fields),
    ]


def visitor(number: int, **more: Any) -> dict[str, Any]:
    """The user of a server event: another person."""
    return {"ttp": f"visitor-{number}", "email": [digest(f"{number}@example.com")], "user_agent": AGENT, **more}


async def arrive(shop: Shop, steps: Sequence[Step]) -> None:
    """Let the steps happen, in the order of time."""
    for channel, seconds, given in sorted(steps, key=lambda step: step[1]):
        fields = dict(given)
        shop.clock.now = NOW + seconds
        if channel == "S":
            envelope = {
                name: fields.pop(name)
                for name in ("event_source_id", "test_event_code", "event_source")
                if name in fields
            }
            token = fields.pop("token", "example-token")
            body = {"event_source": "web", "event_source_id": PIXEL, **envelope, "data": [fields]}
            await shop.http.post(TRACK, json=body, headers={"Access-Token": token})
        else:
            headers = {"Origin": "http://localhost:8000", "User-Agent": fields.pop("agent", AGENT)}
            await shop.http.post(PIXEL_ACT, json=fields, headers=headers)


async def findings(shop: Shop, after: float = 1.0) -> dict[str, dict[str, Any]]:
    """The open findings, a second after the last step."""
    shop.clock.now += after
    answer = (await shop.http.get("/api/diagnostics")).json()["findings"]
    return {one["id"]: one for one in answer if one["state"] == "open"}
