"""WSGI middleware only: `start_response`, exceptions, the iterable."""

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
    """A start_response that records its calls, and the write function it returns."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        self.calls.append((status, headers, exc_info))
        return io.BytesIO().write


@pytest.mark.reference("8.5.6h")
def test_a_wsgi_body_is_returned_as_it_is() -> None:
    """The same iterable, so streaming, `close` and `wsgi.file_wrapper` work."""

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
    """An app may call start_response again with an exception; both responses get headers, once each."""
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
def test_invalid_headers_are_left_to_the_server(status: Any, headers: Any) -> None:
    """The server reports a wrong status or header of the app."""
    started = Started()

    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, headers)
        return []

    WSGIMiddleware(app, a_site())({}, started)

    assert started.calls == [(status, headers, None)]
