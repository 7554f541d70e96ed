"""Views behind the ASGI or WSGI middleware, and requests to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from tiktok_events.web import ASGIMiddleware, Site, Tracker, WSGIMiddleware, tracker_from

HTML = [("content-type", "text/html; charset=utf-8")]
View = Callable[[Tracker], tuple[int, list[tuple[str, str]], bytes]]


def asgi_app(view: View) -> Any:
    """*view* as an ASGI app."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        status, headers, body = view(tracker_from(scope))
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    return app


def wsgi_app(view: View) -> Any:
    """*view* as a WSGI app."""

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        status, headers, body = view(tracker_from(environ))
        start_response(f"{status} Reason", headers)
        return [body]

    return app


def over_asgi(site: Site, view: View, method: str, url: str, **sent: Any) -> httpx.Response:
    """The response of *view* behind the ASGI middleware."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(ASGIMiddleware(asgi_app(view), site))
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.request(method, url, **sent)

    return asyncio.run(send())


def over_wsgi(site: Site, view: View, method: str, url: str, **sent: Any) -> httpx.Response:
    """The response of *view* behind the WSGI middleware."""
    with httpx.Client(transport=httpx.WSGITransport(WSGIMiddleware(wsgi_app(view), site))) as client:
        return client.request(method, url, **sent)
