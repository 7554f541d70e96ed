"""Requests of arbitrary bytes through both middlewares, and a check of what they add to the response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import markers

from tiktok_events.web import ASGIMiddleware, Site, Tracker, WSGIMiddleware, tracker_from

Headers = list[tuple[bytes, bytes]]
View = Callable[[Tracker], object]
OURS = {b"_tte_id", b"ttclid", b"_tte_next"}
HTML: Headers = [(b"content-type", b"text/html; charset=utf-8")]


class Answer:
    """A response as the server gets it: status, headers, and the rest of its messages."""

    def __init__(self, status: int, headers: Headers, rest: list[Any]) -> None:
        self.status = status
        self.headers = headers
        self.rest = rest

    @property
    def cookies(self) -> list[bytes]:
        return [value for name, value in self.headers if name.lower() == b"set-cookie"]


def over_asgi(site: Site, view: View, request: Headers, query: bytes, method: str, path: str, answer: Answer) -> Answer:
    """The response that the server gets for an ASGI app's *answer*. *path* is decoded, as servers pass it."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        view(tracker_from(scope))
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        for message in answer.rest:
            await send(message)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": request}
    scope |= {"scheme": "https", "client": (markers.IP, 1)}
    asyncio.run(ASGIMiddleware(app, site)(scope, None, send))  # type: ignore[arg-type]
    assert {**sent[0], "headers": None} == {"type": "http.response.start", "status": answer.status, "headers": None}
    return Answer(sent[0]["status"], sent[0]["headers"], sent[1:])


def over_wsgi(site: Site, view: View, request: Headers, query: bytes, method: str, path: str, answer: Answer) -> Answer:
    """The response that the server gets for a WSGI app's *answer*."""
    started: list[Any] = []

    def app(environ: Any, start_response: Any) -> Any:
        view(tracker_from(environ))
        start_response(
            f"{answer.status} .", [(name.decode("latin-1"), one.decode("latin-1")) for name, one in answer.headers]
        )
        return answer.rest

    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "wsgi.url_scheme": "https",
        "PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "REMOTE_ADDR": markers.IP,
    }
    for name, value in request:
        key = f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = joint.join(filter(None, (environ.get(key), value.decode("latin-1"))))
    body = WSGIMiddleware(app, site)(environ, lambda *args: started.append(args))
    assert body is answer.rest
    ((status, headers),) = started
    return Answer(
        int(status[:3]), [(name.encode("latin-1"), one.encode("latin-1")) for name, one in headers], answer.rest
    )


def directives(headers: Headers) -> list[str]:
    """The directives of all Cache-Control headers."""
    values = [value.decode("latin-1") for name, value in headers if name.lower() == b"cache-control"]
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def without_cache_control(headers: Headers) -> Headers:
    return [one for one in headers if one[0].lower() != b"cache-control"]


def check_only_added(before: Headers, after: Headers) -> None:
    """Check that *after* is *before* with well-formed headers of ours added; only Cache-Control may have changed."""
    original, new = without_cache_control(before), without_cache_control(after)
    added = new[len(original) :]
    names = {value.partition(b"=")[0].strip() for name, value in original if name.lower() == b"set-cookie"}
    written = [value.partition(b"=")[0] for name, value in added if name == b"set-cookie"]

    assert new[: len(original)] == original
    assert {name for name, _ in added} <= {b"set-cookie", b"tiktok-events"}
    assert set(written) <= OURS - names
    assert all(value.isascii() and value.decode().isprintable() for _, value in added)
    was, now = directives(before), directives(after)
    if was != now:
        rest = [part for part in was if part.partition("=")[0].lower() not in {"public", "s-maxage"}]
        assert now == ["private", *rest]
        assert not {"private", "no-store"} & {part.partition("=")[0].lower() for part in was}
