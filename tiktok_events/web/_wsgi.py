"""WSGI middleware: pure, streaming-safe; the app's iterable is returned as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from tiktok_events.web._request import WebRequest
from tiktok_events.web._response import finish
from tiktok_events.web._site import Site
from tiktok_events.web._tracker import Tracker

ENVIRON_KEY = "tiktok_events.tracker"
Environ = MutableMapping[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class WSGIMiddleware:
    """Puts a `Tracker` at `environ["tiktok_events.tracker"]`, and the cookies and headers of *site* on the answers."""

    def __init__(self, app: App, site: Site) -> None:
        self.app = app
        self.site = site

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """As WSGI calls it."""
        tracker = Tracker(self.site, WebRequest.from_environ(environ))
        environ[ENVIRON_KEY] = tracker

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            finished = finish(tracker, int(status[:3]), raw)
            text = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in finished]
            return start_response(status, text, *exc_info)

        return self.app(environ, start)
