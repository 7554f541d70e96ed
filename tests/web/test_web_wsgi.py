"""What only the middleware for WSGI meets: `start_response`, exceptions, the iterable itself."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import pytest
from middlewares import HTML
from web_requests import BROWSER, a_site

from tiktok_events.web import WSGIMiddleware


class Started:
    """A server's start_response, and the write it gives."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        self.calls.append((status, headers, exc_info))
        return io.BytesIO().write


@pytest.mark.reference("8.5.6h")
def test_a_wsgi_body_is_returned_as_it_is() -> None:
    """The very iterable, so streaming, `close` and `wsgi.file_wrapper` stay intact."""

    class FileWrapper:
        def __iter__(self) -> Any:
            return iter([b"a", b"b"])

        def close(self) -> None: ...

    body = FileWrapper()

    def app(environ: Any, start_response: Any) -> Any:
        start_response("200 OK", list(HTML))
        return body

    assert WSGIMiddleware(app, a_site())({}, Started()) is body


@pytest.mark.reference("8.5.6j", "8.5.6k")
def test_start_response_twice_and_exc_info() -> None:
    """An app that fails after its first headers gives others, with the exception; both are finished, once each."""
    started = Started()
    writes = []

    def app(environ: Any, start_response: Any) -> Any:
        environ["tiktok_events.tracker"].track("Lead")
        writes.append(start_response("200 OK", list(HTML)))
        try:
            raise LookupError("template")
        except LookupError:
            info = sys.exc_info()
            writes.append(start_response("500 Oh", [("content-type", "text/html")], info))
        del info
        return []

    environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in BROWSER.items()}
    WSGIMiddleware(app, a_site())({**environ, "REQUEST_METHOD": "GET"}, started)
    first, second = started.calls

    assert (first[0], first[2], second[0]) == ("200 OK", None, "500 Oh")
    assert second[2][0] is LookupError
    assert [name for name, _ in first[1]].count("set-cookie") == 2
    assert [name for name, _ in second[1]].count("set-cookie") == 1
    assert all(callable(write) for write in writes)


@pytest.mark.parametrize(
    ("status", "headers"), [("OK", [("a", "b")]), ("200 OK", [("x-name", "\u2028")]), (200, [("a", "b")])]
)
def test_what_a_server_would_refuse_goes_to_the_server(status: Any, headers: Any) -> None:
    """A wrong status or header is the app's fault, and the server says it better."""
    started = Started()

    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, headers)
        return []

    WSGIMiddleware(app, a_site())({}, started)

    assert started.calls == [(status, headers, None)]
