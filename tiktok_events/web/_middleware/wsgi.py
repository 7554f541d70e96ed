"""WSGI middleware: pure, streaming-safe; the app's iterable is returned as it is."""

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
    """Puts a `Tracker` at `environ["tiktok_events.tracker"]`, and the cookies and headers of *site* on the answers.

    *request* is an adapter's kind of `WebRequest`.
    """

    def __init__(self, app: App, site: Site, *, request: type[WebRequest] = WebRequest) -> None:
        self.app = app
        self.site = site
        self.request = request

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """As WSGI calls it."""
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
        return headers  # the server says what is wrong with them
    headers_out = with_our_headers(tracker, code, raw)
    if headers_out is raw:
        return headers
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers_out]
