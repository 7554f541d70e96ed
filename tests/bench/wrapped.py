"""The bare apps, one page each, and what is wrapped around them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import tiktok_events_flask
import tiktok_events_starlette
from asgi_correlation_id import CorrelationIdMiddleware
from capi_param_builder import ParamBuilder
from flask import Flask
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from visitors import PATH

import tiktok_events as tt
from tiktok_events.web import ASGIMiddleware, ConsentCookie, Site, WSGIMiddleware

HTML = "<!doctype html><title>Shop</title><p>Trail running shoe"


class Nowhere:
    """A site's client; the bench tracks nothing."""

    def track(self, *events: tt.Event) -> None:
        raise AssertionError("an event")


def site(**settings: Any) -> Site:
    """A site as a shop sets it up."""
    source = tt.EventSource.web("C4A1B2C3D4E5F6G7H8I9", "token", id_namespace="shop")
    return Site(source, Nowhere(), secret_key="a secret of the bench", **settings)


ASKS = ConsentCookie("agreed", granted={"yes"}, denied={"no"})


async def _page(request: Request) -> Response:
    return HTMLResponse(HTML)


async def _cpu(request: Request) -> Response:
    return PlainTextResponse(repr(time.process_time()))


def starlette() -> Any:
    """Starlette with one page, and the CPU seconds of its process."""
    return Starlette(routes=[Route(PATH, _page), Route("/cpu", _cpu)])


class NoOp:
    """Middleware that does nothing, and wraps `send`, as whoever adds a header must."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_on(message: Any) -> None:
            await send(message)

        await self.app(scope, receive, send_on)


class Meta:
    """Meta's builder as its README has it: one a request, and the cookies it asks for on the answer."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        cookies = ParamBuilder(["example.com"]).process_request_from_context(scope) if scope["type"] == "http" else ()

        async def send_cookies(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for one in cookies:
                    headers.append("set-cookie", _as_header(one))
            await send(message)

        await self.app(scope, receive, send_cookies)


def _as_header(cookie: Any) -> str:
    return f"{cookie.name}={cookie.value}; Domain={cookie.domain}; Path=/; Max-Age={cookie.max_age}; SameSite=Lax"


ASGI: dict[str, Callable[[], Any]] = {
    "bare": starlette,
    "no-op": lambda: NoOp(starlette()),
    "off": lambda: ASGIMiddleware(starlette(), site(enabled=False)),
    "ours": lambda: ASGIMiddleware(starlette(), site()),
    "asks": lambda: ASGIMiddleware(starlette(), site(consent=ASKS)),
    "adapter": lambda: tiktok_events_starlette.TikTokEventsMiddleware(starlette(), site=site()),
    "asgi-correlation-id": lambda: CorrelationIdMiddleware(starlette()),
    "SessionMiddleware": lambda: SessionMiddleware(starlette(), "secret"),
    "capi-param-builder": lambda: Meta(starlette()),
}
"""The Starlette apps, by what is around them."""


def flask() -> Flask:
    """Flask with one page."""
    app = Flask("shop")
    app.add_url_rule(PATH, view_func=lambda: HTML)
    return app


def _with_no_ops() -> Any:
    app = flask()
    app.before_request(lambda: None)
    app.after_request(lambda response: response)
    return app


def _with_extension() -> Any:
    app = flask()
    tiktok_events_flask.TikTokEvents(app, site())
    return app


def _with_meta() -> Any:
    app = flask()

    def with_cookies(environ: Any, start_response: Any) -> Iterable[bytes]:
        cookies = ParamBuilder(["example.com"]).process_request_from_context(environ)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, [*headers, *(("set-cookie", _as_header(one)) for one in cookies)], *exc_info)

        return app(environ, start)

    return with_cookies


WSGI: dict[str, Callable[[], Any]] = {
    "bare": flask,
    "no-op": _with_no_ops,
    "ours": lambda: WSGIMiddleware(flask(), site()),
    "asks": lambda: WSGIMiddleware(flask(), site(consent=ASKS)),
    "adapter": _with_extension,
    "capi-param-builder": _with_meta,
}
"""The Flask apps, by what is around them."""
