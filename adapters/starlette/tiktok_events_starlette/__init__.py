"""TikTok events in Starlette: middleware, the tracker of a request, and the template variable `tiktok`."""

from __future__ import annotations

from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.types import ASGIApp

from tiktok_events import web
from tiktok_events.errors import ConfigurationError

__version__ = "0.1.0"
__all__ = ["TikTokEventsMiddleware", "context_processor", "tracker_from"]


class _Request(web.WebRequest):
    __slots__ = ()

    @property
    def native(self) -> Any:
        return self if self.scope is None else Request(self.scope)

    @property
    def debug(self) -> bool:
        return bool(getattr((self.scope or {}).get("app"), "debug", False))


class TikTokEventsMiddleware(web.ASGIMiddleware):
    """Starlette middleware: adds a `Tracker` to each request, and cookies and headers to responses.

    The tracker is at `request.state.tiktok`. The callables of *site* (`consent`, `identify`, `nonce`) get the Starlette
    request. `Site(strict=None)` follows `app.debug`; without `Site(nonce=...)`, the nonce is read from
    `request.state.csp_nonce`. At shutdown the middleware delivers queued events, so the app needs no lifespan code.
    """

    def __init__(self, app: ASGIApp, site: web.Site) -> None:
        super().__init__(app, site, request=_Request)


def tracker_from(request: HTTPConnection) -> web.Tracker:
    """The tracker of *request*.

    Raises:
        ConfigurationError: If the app has no `TikTokEventsMiddleware`.
    """
    try:
        return web.tracker_from(request.scope)
    except ConfigurationError:
        raise ConfigurationError("no tracker: call app.add_middleware(TikTokEventsMiddleware, site=site)") from None


def context_processor(request: Request) -> dict[str, Any]:
    """The template variable `tiktok`, for `Jinja2Templates(..., context_processors=[context_processor])`.

    A macro in another file has it only if the file is imported `with context`.
    """
    return {"tiktok": web.TemplateVariable(tracker_from(request))}
