"""The web half: read a request, track its events for server and browser, and add cookies and headers to its response.

It knows ASGI and WSGI and no framework. An adapter translates for one framework.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from tiktok_events.errors import ConfigurationError
from tiktok_events.web._middleware.asgi import ASGIMiddleware
from tiktok_events.web._middleware.wsgi import ENVIRON_KEY, WSGIMiddleware
from tiktok_events.web._page.pixel import static_script
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._tracking.site import Site
from tiktok_events.web._tracking.template import TemplateVariable
from tiktok_events.web._tracking.tracked import Tracked
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor.consent import Consent, ConsentCookie
from tiktok_events.web._visitor.cookies import CookiePolicy
from tiktok_events.web._visitor.snapshot import InvalidSnapshot, Snapshot

__all__ = [
    "ASGIMiddleware",
    "Consent",
    "ConsentCookie",
    "CookiePolicy",
    "InvalidSnapshot",
    "Site",
    "Snapshot",
    "TemplateVariable",
    "Tracked",
    "Tracker",
    "WSGIMiddleware",
    "WebRequest",
    "static_script",
    "tracker_from",
]


def tracker_from(
    scope_or_environ: MutableMapping[str, Any], *, site: Site | None = None, request: type[WebRequest] = WebRequest
) -> Tracker:
    """The tracker that the middleware added to this request.

    With *site*, a WSGI environ without one, as in a framework's test context, gets a new tracker; its cookies are not
    written. *request* is the adapter's subclass of `WebRequest` for that.

    Raises:
        ConfigurationError: If there is no tracker and no *site*.
    """
    tracker = scope_or_environ.get(ENVIRON_KEY)
    if tracker is None:
        tracker = (scope_or_environ.get("state") or {}).get("tiktok")
    if tracker is None and site is not None:
        tracker = scope_or_environ[ENVIRON_KEY] = Tracker(site, request.from_environ(scope_or_environ))
    if not isinstance(tracker, Tracker):
        raise ConfigurationError("no tracker: wrap the app in ASGIMiddleware(app, site) or WSGIMiddleware(app, site)")
    return tracker
