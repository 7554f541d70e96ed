"""ASGI middleware: pure, streaming-safe; websockets and lifespan pass through."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tiktok_events.web._middleware.response import needs_no_headers, with_our_headers
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._tracking.site import Site
from tiktok_events.web._tracking.tracker import Tracker

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ASGIMiddleware:
    """Puts a `Tracker` at `scope["state"]["tiktok"]`, and the cookies and headers of *site* on the answers of *app*.

    At the server's shutdown it delivers what is queued, for at most 10 seconds. *request* is an adapter's kind of
    `WebRequest`.
    """

    def __init__(self, app: App, site: Site, *, request: type[WebRequest] = WebRequest) -> None:
        self.app = app
        self.site = site
        self.request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._closing(send))
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        tracker = Tracker(self.site, self.request.from_scope(scope))
        scope.setdefault("state", {})["tiktok"] = tracker
        try:
            await self.app(scope, receive, _sending_with_headers(tracker, send) if tracker.enabled else send)
        finally:
            tracker.request.origin = None  # it holds the scope, which holds the tracker: a cycle in every request

    def _closing(self, send: Send) -> Send:
        async def send_closed(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await asyncio.to_thread(self.site.close)
            await send(message)

        return send_closed


def _sending_with_headers(tracker: Tracker, send: Send) -> Send:
    # No coroutine of its own: two awaits a request would double what this costs.
    def send_with_headers(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start" and not needs_no_headers(tracker):
            given = message.get("headers", ())
            headers = given if isinstance(given, list) else list(given)
            headers_out = with_our_headers(tracker, message["status"], headers)
            if headers_out is not given:
                message = {**message, "headers": headers_out}
        return send(message)

    return send_with_headers
