"""What a scope or an environ says of a request, read one fact at a time: most requests are asked for few.

Each reads from a copy: the server's own holds the tracker, and that would make a cycle of every request.
"""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

PATH_SAFE = "/:@!$&'()*+,;=~-._"
_PLAIN_PATH = re.compile(r"[/:@!$&'()*+,;=~._a-zA-Z0-9-]+")
_CGI = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Reader(ABC):
    """The facts of one request. Header names are lower case, values latin-1 text; repeated ones are joined."""

    @abstractmethod
    def method(self) -> str:
        """The method, in capitals."""

    @abstractmethod
    def scheme(self) -> str:
        """The scheme, http or https, as far as the server knows."""

    @abstractmethod
    def path(self) -> str:
        """The path, percent-encoded."""

    @abstractmethod
    def query(self) -> str:
        """The query as sent."""

    @abstractmethod
    def peer(self) -> str | None:
        """The address the server saw."""

    @abstractmethod
    def header(self, name: str) -> str:
        """One header's value; "" without it."""

    @abstractmethod
    def names(self) -> Iterable[str]:
        """The names of all headers."""

    @abstractmethod
    def traces(self) -> tuple[str, str, str]:
        """Where a visitor leaves traces: Cookie header, query and Referer, each "" without it."""


class ScopeReader(Reader):
    """Reads an ASGI scope, or a mapping of that shape."""

    _fields: dict[bytes, bytes] | None = None

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = {**scope, "state": None}

    def method(self) -> str:
        return str(self._scope.get("method", "GET"))

    def scheme(self) -> str:
        return str(self._scope.get("scheme", "http"))

    def path(self) -> str:
        return quoted(self._scope.get("path", ""), "utf-8", "surrogatepass")

    def query(self) -> str:
        query: bytes = self._scope.get("query_string", b"")
        return query.decode("latin-1")

    def peer(self) -> str | None:
        client = self._scope.get("client")
        return client[0] if client else None

    def header(self, name: str) -> str:
        return (self._fields or self._raw()).get(name.encode(), b"").decode("latin-1")

    def names(self) -> Iterable[str]:
        return [name.decode("latin-1") for name in self._raw()]

    def traces(self) -> tuple[str, str, str]:
        cookie = referrer = b""
        for name, value in self._scope.get("headers", ()):
            if name == b"cookie":
                cookie = cookie + b"; " + value if cookie else value
            elif name == b"referer":
                referrer = value
        query: bytes = self._scope.get("query_string", b"")
        return cookie.decode("latin-1"), query.decode("latin-1"), referrer.decode("latin-1")

    def _raw(self) -> dict[bytes, bytes]:
        if self._fields is None:
            headers = list(self._scope.get("headers", ()))
            self._fields = dict(headers)
            if len(self._fields) != len(headers):
                self._fields = _joined(headers)
        return self._fields


class EnvironReader(Reader):
    """Reads a WSGI environ: header names in capitals behind `HTTP_`."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = dict(environ)

    def method(self) -> str:
        return str(self._environ.get("REQUEST_METHOD", "GET")).upper()

    def scheme(self) -> str:
        return str(self._environ.get("wsgi.url_scheme", "http"))

    def path(self) -> str:
        path = self._environ.get("SCRIPT_NAME", "") + self._environ.get("PATH_INFO", "")
        return quoted(path, "latin-1", "replace")

    def query(self) -> str:
        return str(self._environ.get("QUERY_STRING", ""))

    def peer(self) -> str | None:
        return self._environ.get("REMOTE_ADDR") or None

    def header(self, name: str) -> str:
        value = str(self._environ.get(_environ_key(name), ""))
        return value if value.isascii() else value.encode("latin-1", "replace").decode("latin-1")

    def names(self) -> Iterable[str]:
        names = [key[5:].replace("_", "-").lower() for key in self._environ if key.startswith("HTTP_")]
        return [*names, *(name for name, key in _CGI.items() if self._environ.get(key))]

    def traces(self) -> tuple[str, str, str]:
        environ = self._environ
        return environ.get("HTTP_COOKIE", ""), environ.get("QUERY_STRING", ""), environ.get("HTTP_REFERER", "")


def quoted(path: str, encoding: str, errors: str) -> str:
    """*path*, percent-encoded; most need no encoding."""
    return path if _PLAIN_PATH.fullmatch(path) else quote(path, PATH_SAFE, encoding, errors) or "/"


@functools.lru_cache(64)
def _environ_key(name: str) -> str:
    return _CGI.get(name) or f"HTTP_{name.replace('-', '_').upper()}"


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    fields: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        fields.setdefault(name, []).append(value)
    # HTTP/2 may split the cookies over several headers.
    return {name: (b"; " if name == b"cookie" else b", ").join(values) for name, values in fields.items()}
