"""Read an ASGI scope or a WSGI environ lazily, because most requests need few of its values.

Each reader has a shallow copy. The server's object holds the tracker, so keeping it would make a reference cycle.
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
    """One request. Header names are lower case, values are latin-1 text; repeated headers are joined."""

    @abstractmethod
    def method(self) -> str:
        """The method, in capitals."""

    @abstractmethod
    def scheme(self) -> str:
        """The scheme that the server reports, http or https."""

    @abstractmethod
    def path(self) -> str:
        """The path, percent-encoded."""

    @abstractmethod
    def query(self) -> str:
        """The query as sent."""

    @abstractmethod
    def peer(self) -> str | None:
        """The address of the connection's peer."""

    @abstractmethod
    def header(self, name: str) -> str:
        """The value of a header; "" if it is missing."""

    @abstractmethod
    def header_names(self) -> Iterable[str]:
        """The names of all headers."""

    @abstractmethod
    def cookie_query_referer(self) -> tuple[str, str, str]:
        """Cookie header, query and Referer, each "" if it is missing."""


class ScopeReader(Reader):
    """Read an ASGI scope, or a mapping of that shape."""

    _headers: dict[bytes, bytes] | None = None

    def __init__(self, scope: Mapping[str, Any]) -> None:
        self._scope = {**scope, "state": None}

    def method(self) -> str:
        return str(self._scope.get("method", "GET"))

    def scheme(self) -> str:
        return str(self._scope.get("scheme", "http"))

    def path(self) -> str:
        return percent_encoded(self._scope.get("path", ""), "utf-8", "surrogatepass")

    def query(self) -> str:
        query: bytes = self._scope.get("query_string", b"")
        return query.decode("latin-1")

    def peer(self) -> str | None:
        client = self._scope.get("client")
        return client[0] if client else None

    def header(self, name: str) -> str:
        return (self._headers or self._all_headers()).get(name.encode(), b"").decode("latin-1")

    def header_names(self) -> Iterable[str]:
        return [name.decode("latin-1") for name in self._all_headers()]

    def cookie_query_referer(self) -> tuple[str, str, str]:
        cookie = referrer = b""
        for name, value in self._scope.get("headers", ()):
            if name == b"cookie":
                cookie = cookie + b"; " + value if cookie else value
            elif name == b"referer":
                referrer = value
        query: bytes = self._scope.get("query_string", b"")
        return cookie.decode("latin-1"), query.decode("latin-1"), referrer.decode("latin-1")

    def _all_headers(self) -> dict[bytes, bytes]:
        if self._headers is None:
            headers = list(self._scope.get("headers", ()))
            self._headers = dict(headers)
            if len(self._headers) != len(headers):
                self._headers = _join_repeated(headers)
        return self._headers


class EnvironReader(Reader):
    """Read a WSGI environ, where header names are in capitals after `HTTP_`."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = dict(environ)

    def method(self) -> str:
        return str(self._environ.get("REQUEST_METHOD", "GET")).upper()

    def scheme(self) -> str:
        return str(self._environ.get("wsgi.url_scheme", "http"))

    def path(self) -> str:
        path = self._environ.get("SCRIPT_NAME", "") + self._environ.get("PATH_INFO", "")
        return percent_encoded(path, "latin-1", "replace")

    def query(self) -> str:
        return str(self._environ.get("QUERY_STRING", ""))

    def peer(self) -> str | None:
        return self._environ.get("REMOTE_ADDR") or None

    def header(self, name: str) -> str:
        value = str(self._environ.get(_environ_key(name), ""))
        return value if value.isascii() else value.encode("latin-1", "replace").decode("latin-1")

    def header_names(self) -> Iterable[str]:
        names = [key[5:].replace("_", "-").lower() for key in self._environ if key.startswith("HTTP_")]
        return [*names, *(name for name, key in _CGI.items() if self._environ.get(key))]

    def cookie_query_referer(self) -> tuple[str, str, str]:
        environ = self._environ
        return environ.get("HTTP_COOKIE", ""), environ.get("QUERY_STRING", ""), environ.get("HTTP_REFERER", "")


def percent_encoded(path: str, encoding: str, errors: str) -> str:
    """*path*, percent-encoded. Most paths need no encoding."""
    return path if _PLAIN_PATH.fullmatch(path) else quote(path, PATH_SAFE, encoding, errors) or "/"


@functools.lru_cache(64)
def _environ_key(name: str) -> str:
    return _CGI.get(name) or f"HTTP_{name.replace('-', '_').upper()}"


def _join_repeated(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    values_by_name: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        values_by_name.setdefault(name, []).append(value)
    # HTTP/2 may split the cookies over several headers.
    return {name: (b"; " if name == b"cookie" else b", ").join(values) for name, values in values_by_name.items()}
