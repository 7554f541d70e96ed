"""The neutral view of a request: the same for an ASGI scope and a WSGI environ (Django's META too)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Self
from urllib.parse import quote

_PATH_SAFE = "/:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?%[]{}|^`\\"
_HOST = re.compile(r"(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[0-9]{0,5})?")


class WebRequest:
    """What a request says, whatever server it came through. Header names are lower case; nothing here is trusted.

    `method`, `scheme`, `path` (percent-encoded) and `query` (as sent) make up `url` with the Host header; `peer` is
    the address the server saw. `origin` is the ASGI scope, which the middleware takes away when the request is over:
    with it, every request would be a cycle.

    An adapter derives a class whose `native`, `debug` and `csp_nonce` say where its framework keeps them.
    """

    __slots__ = ("_cookies", "_headers", "_raw", "method", "origin", "path", "peer", "query", "scheme")

    def __init__(
        self,
        *,
        method: str = "GET",
        scheme: str = "http",
        path: str = "/",
        query: str = "",
        peer: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
        origin: MutableMapping[str, Any] | None = None,
    ) -> None:
        self.method = method.upper()
        self.scheme = scheme
        self.path = path
        self.query = query
        self.peer = peer
        self.origin = origin
        self._raw = headers
        self._headers: dict[str, str] | None = None
        self._cookies: dict[str, tuple[str, ...]] | None = None

    @classmethod
    def from_scope(cls, scope: MutableMapping[str, Any]) -> Self:
        """The request of an ASGI *scope*."""
        client = scope.get("client")
        return cls(
            method=scope.get("method", "GET"),
            scheme=scope.get("scheme", "http"),
            path=quote(scope.get("path", "").encode("utf-8", "surrogatepass"), _PATH_SAFE) or "/",
            query=scope.get("query_string", b"").decode("latin-1"),
            peer=client[0] if client else None,
            headers=scope.get("headers", ()),
            origin=scope,
        )

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Self:
        """The request of a WSGI *environ*, or of Django's `request.META`."""
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        return cls(
            method=environ.get("REQUEST_METHOD", "GET"),
            scheme=environ.get("wsgi.url_scheme", "http"),
            path=quote(path.encode("latin-1", "replace"), _PATH_SAFE) or "/",
            query=environ.get("QUERY_STRING", ""),
            peer=environ.get("REMOTE_ADDR") or None,
            headers=tuple(_environ_headers(environ)),
        )

    @property
    def native(self) -> Any:
        """The framework's own request, which the callables of `Site` are given; this one where there is none."""
        return self

    @property
    def debug(self) -> bool:
        """Whether the framework runs in its debug mode or under test."""
        return False

    @property
    def csp_nonce(self) -> Any:
        """The nonce of this answer's Content-Security-Policy, from where it is kept by custom; None without one."""
        return _state(self.origin).get("csp_nonce")

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers by lower-case name, repeated ones joined by a comma; without Cookie, which `cookies` reads."""
        if self._headers is None:
            self._read_headers()
        return self._headers or {}

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies by name; of several with one name the first."""
        return {name: values[0] for name, values in self.all_cookies.items()}

    @property
    def all_cookies(self) -> Mapping[str, tuple[str, ...]]:
        """Every value of every cookie: a host-only one and a domain's may share a name."""
        if self._cookies is None:
            self._read_headers()
        return self._cookies or {}

    @property
    def line(self) -> str:
        """Method and path, without the query."""
        return f"{self.method} {self.path}"

    @property
    def host(self) -> str:
        """The Host header, lower-cased; "" when there is none, more than one, or it is no host."""
        host = self.headers.get("host", "").strip().lower()
        return host if _HOST.fullmatch(host) else ""

    @property
    def hostname(self) -> str:
        """The host without port, brackets and trailing dot."""
        host = self.host
        if host.startswith("["):
            return host[1:].partition("]")[0]
        return host.partition(":")[0].rstrip(".")

    @property
    def url(self) -> str | None:
        """The address that was asked for, in ASCII and without a fragment; None without a host."""
        if not self.host:
            return None
        query = quote(self.query.encode("latin-1", "replace"), _QUERY_SAFE)
        return f"{self.scheme}://{self.host}{self.path}{'?' + query if query else ''}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WebRequest) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((self.method, self.scheme, self.path, self.query, self.peer))

    def __repr__(self) -> str:
        return f"WebRequest({self.method}, {len(self.headers)} headers)"

    def _identity(self) -> tuple[object, ...]:
        shown = (self.method, self.scheme, self.path, self.query, self.peer)
        return (*shown, dict(self.headers), dict(self.all_cookies))

    def _read_headers(self) -> None:
        headers: dict[str, str] = {}
        cookies: dict[str, list[str]] = {}
        for raw_name, raw_value in self._raw:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            if name == "cookie":
                _split_cookies(value, cookies)
            else:
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self._headers = headers
        self._cookies = {name: tuple(values) for name, values in cookies.items()}


def _state(scope: Mapping[str, Any] | None) -> Mapping[str, Any]:
    state = scope.get("state") if scope is not None else None
    return state if isinstance(state, Mapping) else {}


def _split_cookies(header: str, cookies: dict[str, list[str]]) -> None:
    # SimpleCookie drops the whole header over one odd pair, so split by hand.
    for pair in header.split(";"):
        name, separator, value = pair.partition("=")
        if separator:
            cookies.setdefault(name.strip(), []).append(value.strip().strip('"'))


def _environ_headers(environ: Mapping[str, Any]) -> Iterable[tuple[bytes, bytes]]:
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            name = key[5:]
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            name = key
        else:
            continue
        yield name.replace("_", "-").lower().encode("latin-1"), str(value).encode("latin-1", "replace")
