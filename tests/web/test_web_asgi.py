"""ASGI middleware only: scopes, lifespan, and messages of the app."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from web_requests import Recorder, a_site

from tiktok_events.web import ASGIMiddleware


@pytest.mark.parametrize("kind", ["websocket", "unknown"])
@pytest.mark.reference("8.5.6g")
def test_other_scopes_pass_through(kind: str) -> None:
    """A websocket gets no cookies of ours; the app gets the server's scope and send."""
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend((scope, receive, send))

    scope: dict[str, Any] = {"type": kind}
    asyncio.run(ASGIMiddleware(app, a_site())(scope, "receive", "send"))  # type: ignore[arg-type]

    assert seen == [scope, "receive", "send"]
    assert scope == {"type": kind}


class Closing(Recorder):
    """A client that records when it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: list[float] = []

    def flush(self, timeout: float = 10.0) -> int:
        return 0

    def close(self, timeout: float = 10.0) -> None:
        self.closed.append(timeout)


def test_shutdown_delivers_queued_events() -> None:
    """3.13: events are delivered before shutdown is confirmed; other messages pass through."""
    client = Closing()
    messages: list[tuple[str, int]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    async def send(message: Any) -> None:
        messages.append((message["type"], len(client.closed)))

    asyncio.run(ASGIMiddleware(app, a_site(client=client))({"type": "lifespan"}, None, send))  # type: ignore[arg-type]

    assert messages == [("lifespan.startup.complete", 0), ("lifespan.shutdown.complete", 1)]
    assert client.closed == [10.0]


@pytest.mark.reference("8.5.6h")
def test_an_asgi_body_is_not_buffered() -> None:
    """The server has the first chunk before the app makes the second."""
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
    """The state of the lifespan stays, and the app's own message is never changed."""
    message: dict[str, Any] = {
        "type": "http.response.start",
        "status": 200,
        "headers": [[b"content-type", b"text/html"]],
    }
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["tiktok"].track("Lead")
        await send(message)

    async def send(message: Any) -> None:
        sent.append(message)

    scope: dict[str, Any] = {"type": "http", "state": {"pool": 1}, "headers": []}
    asyncio.run(ASGIMiddleware(app, a_site())(scope, None, send))  # type: ignore[arg-type]

    assert scope["state"]["pool"] == 1
    assert message["headers"] == [[b"content-type", b"text/html"]]
    assert len(sent[0]["headers"]) > 1
