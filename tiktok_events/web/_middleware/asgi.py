"""ASGI middleware: it does not buffer the response, and passes websockets and lifespan through."""

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
    """ASGI middleware: adds a `Tracker` to each request, and cookies and headers to responses.

    The tracker is at `scope["state"]["tiktok"]`, so `request.state.tiktok` in Starlette. At the server's shutdown the
    middleware delivers queued events, for at most 10 seconds. *request* is the adapter's subclass of `WebRequest`.
    """

    def __init__(self, app: App, site: Site, *, request: type[WebRequest] = WebRequest) -> None:
        self.app = app
        self.site = site
        self.request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection, as ASGI defines it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, self._send_and_close(send))
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        tracker = Tracker(self.site, self.request.from_scope(scope))
        scope.setdefault("state", {})["tiktok"] = tracker
        try:
            await self.app(scope, receive, _send_with_headers(tracker, send) if tracker.enabled else send)
        finally:
            tracker.request.scope = None  # the scope holds the tracker, so this ends a reference cycle

    def _send_and_close(self, send: Send) -> Send:
        """*send*, closing the site before it confirms the server's shutdown."""

        async def send_and_close(message: Message) -> None:
            if message["type"] in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await asyncio.to_thread(self.site.close)
            await send(message)

        return send_and_close


def _send_with_headers(tracker: Tracker, send: Send) -> Send:
    # Not a coroutine: a second await per message would double the time this takes.
    def send_with_headers(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start" and not needs_no_headers(tracker):
            original = message.get("headers", ())
            headers = original if isinstance(original, list) else list(original)
            new_headers = with_our_headers(tracker, message["status"], headers)
            if new_headers is not original:
                message = {**message, "headers": new_headers}
        return send(message)

    return send_with_headers
