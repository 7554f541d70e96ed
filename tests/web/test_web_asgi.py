"""What only the middleware for ASGI meets: scopes, the lifespan, messages that stay the app's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from web_requests import Recorder, a_site

from tiktok_events.web import ASGIMiddleware


@pytest.mark.parametrize("kind", ["websocket", "unknown"])
@pytest.mark.reference("8.5.6g")
def test_other_scopes_pass_through(kind: str) -> None:
    """A websocket has no cookies of ours; scope and send are the server's own."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend((scope, receive, send))

    scope: dict[str, Any] = {"type": kind}
    asyncio.run(ASGIMiddleware(app, a_site())(scope, "receive", "send"))  # type: ignore[arg-type]

    assert seen == [scope, "receive", "send"]
    assert scope == {"type": kind}


class Closing(Recorder):
    """A client that notes when it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: list[float] = []

    def flush(self, timeout: float = 10.0) -> int:
        return 0

    def close(self, timeout: float = 10.0) -> None:
        self.closed.append(timeout)


def test_a_shutdown_delivers_what_is_queued() -> None:
    """3.13: before the server hears that the app is down; its other messages pass."""
    client = Closing()
    heard: list[tuple[str, int]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def send(message: Any) -> None:
        heard.append((message["type"], len(client.closed)))

    asyncio.run(ASGIMiddleware(app, a_site(client=client))({"type": "lifespan"}, None, send))  # type: ignore[arg-type]

    assert heard == [("lifespan.startup.complete", 0), ("lifespan.shutdown.complete", 1)]
    assert client.closed == [10.0]


@pytest.mark.reference("8.5.6h")
def test_an_asgi_body_is_not_buffered() -> None:
    """The first chunk is with the server before the second is made."""
    order: list[object] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})
        for chunk in (b"one", b"two"):
            order.append(f"made {chunk!r}")
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.trailers", "headers": []})

    async def send(message: Any) -> None:
        order.append(message.get("body", message["type"]))

    asyncio.run(ASGIMiddleware(app, a_site())({"type": "http", "headers": []}, None, send))  # type: ignore[arg-type]

    assert order == [
        *("http.response.start", "made b'one'", b"one", "made b'two'", b"two", "http.response.trailers"),
    ]


def test_the_scope_of_the_server_is_not_lost() -> None:
    """State of the lifespan stays beside ours, and a message is never changed in the app's hands."""
    message: dict[str, Any] = {
        "type": "http.response.start",
        "status": 200,
        "headers": [[b"content-type", b"text/html"]],
    }
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["tiktok"].track("Lead")
        await send(message)

    async def send(one: Any) -> None:
        sent.append(one)

    scope: dict[str, Any] = {"type": "http", "state": {"pool": 1}, "headers": []}
    asyncio.run(ASGIMiddleware(app, a_site())(scope, None, send))  # type: ignore[arg-type]

    assert scope["state"]["pool"] == 1
    assert message["headers"] == [[b"content-type", b"text/html"]]
    assert len(sent[0]["headers"]) > 1
