"""WSGI middleware: it does not buffer the response, and returns the app's iterable unchanged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from tiktok_events.web._middleware.response import needs_no_headers, with_our_headers
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._tracking.site import Site
from tiktok_events.web._tracking.tracker import Tracker

ENVIRON_KEY = "tiktok_events.tracker"
Environ = MutableMapping[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class WSGIMiddleware:
    """WSGI middleware: adds a `Tracker` to each request, and cookies and headers to responses.

    The tracker is at `environ["tiktok_events.tracker"]`. *request* is the adapter's subclass of `WebRequest`.
    """

    def __init__(self, app: App, site: Site, *, request: type[WebRequest] = WebRequest) -> None:
        self.app = app
        self.site = site
        self.request = request

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Handle one request, as WSGI defines it."""
        tracker = Tracker(self.site, self.request.from_environ(environ))
        environ[ENVIRON_KEY] = tracker
        if not tracker.enabled:
            return self.app(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            if not needs_no_headers(tracker):
                headers = _with_our_headers(tracker, status, headers)
            return start_response(status, headers, *exc_info)

        return self.app(environ, start)


def _with_our_headers(tracker: Tracker, status: str, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    try:
        code = int(status[:3])
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    except (TypeError, ValueError):
        return headers  # the server reports invalid headers
    new_headers = with_our_headers(tracker, code, raw)
    if new_headers is raw:
        return headers
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in new_headers]
