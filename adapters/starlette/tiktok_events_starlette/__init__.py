"""TikTok events in Starlette: the middleware, this request's tracker, and the template variable `tiktok`."""

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
        return self if self.origin is None else Request(self.origin)

    @property
    def debug(self) -> bool:
        return bool(getattr((self.origin or {}).get("app"), "debug", False))


class TikTokEventsMiddleware(web.ASGIMiddleware):
    """Puts a `Tracker` at `request.state.tiktok`, and the cookies and headers of *site* on the answers.

    *site*'s callables (`consent`, `identify`, `nonce`) are given the Starlette request. Without an answer of
    *site*'s, mistakes raise where `app.debug` is on, and a nonce is looked for at `request.state.csp_nonce`. At
    shutdown it delivers what is queued, so no lifespan code is needed.
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
        raise ConfigurationError("app.add_middleware(TikTokEventsMiddleware, site=site) is missing") from None


def context_processor(request: Request) -> dict[str, Any]:
    """The template variable `tiktok`, for `Jinja2Templates(..., context_processors=[context_processor])`.

    A macro of another file sees it only when that is imported `with context`.
    """
    return {"tiktok": web.TemplateVariable(tracker_from(request))}
