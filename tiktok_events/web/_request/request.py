"""`WebRequest`: one view of a request for ASGI scopes and WSGI environs (also Django's META)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from typing import Any, Self
from urllib.parse import quote

from tiktok_events.web._request.networks import Address
from tiktok_events.web._request.proxies import HOST, Forwarded, Proxies
from tiktok_events.web._request.readers import PATH_SAFE, EnvironReader, Reader, ScopeReader

_MAX_COOKIES = 50
_MAX_QUERY = 8_000
_QUERY_SAFE = PATH_SAFE + "?%[]{}|^`\\"


class WebRequest:
    """A request, read from an ASGI scope or a WSGI environ. Header names are lower case. Nothing here is trusted.

    - `method`, `scheme`, `path` (percent-encoded), `query` (as sent): with the Host header they make `url`.
    - `peer`: the address of the connection's peer, or None.
    - `scope`: the ASGI scope; None for WSGI. The middleware sets it to None at the end of the request, because it makes
      a reference cycle. All other values stay readable.

    An adapter derives a class and overrides `native`, `debug` and `csp_nonce` for its framework.
    """

    reader: Reader
    scope: MutableMapping[str, Any] | None = None
    proxies: Proxies | None = None
    """The trusted proxies, if there are any; the site sets them."""
    _forwarded: Forwarded | None = None
    _is_forwarded_read = False
    _path: str | None = None
    _headers: dict[str, str] | None = None
    _cookies: dict[str, tuple[str, ...]] | None = None

    def __init__(
        self,
        *,
        method: str = "GET",
        scheme: str = "http",
        path: str = "/",
        query: str = "",
        peer: str | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
        scope: MutableMapping[str, Any] | None = None,
    ) -> None:
        self.reader = ScopeReader({
            "method": method.upper(),
            "scheme": scheme,
            "query_string": query.encode("latin-1", "replace"),
            "client": (peer, 0),
            "headers": [(name.lower(), value) for name, value in headers],
        })
        self._path = path
        self.scope = scope

    @classmethod
    def from_scope(cls, scope: MutableMapping[str, Any]) -> Self:
        """The request of an ASGI *scope*."""
        request = cls.__new__(cls)
        request.reader = ScopeReader(scope)
        request.scope = scope
        return request

    @classmethod
    def from_environ(cls, environ: Mapping[str, Any]) -> Self:
        """The request of a WSGI *environ*, or of Django's `request.META`."""
        request = cls.__new__(cls)
        request.reader = EnvironReader(environ)
        return request

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return self.reader.method()

    @property
    def scheme(self) -> str:
        """The scheme that the visitor used: that of a trusted proxy, else the one that the server reports."""
        return (self.forwarded.scheme if self.forwarded else "") or self.reader.scheme()

    @property
    def path(self) -> str:
        """The path, percent-encoded."""
        if self._path is None:
            self._path = self.reader.path()
        return self._path

    @property
    def query(self) -> str:
        """The query as sent, without the question mark."""
        return self.reader.query()

    @property
    def peer(self) -> str | None:
        """The address of the connection's peer."""
        return self.reader.peer()

    @property
    def forwarded(self) -> Forwarded | None:
        """What trusted proxies say about the request; None if its peer is not one."""
        if self.proxies is None:
            return None
        if not self._is_forwarded_read:
            self._forwarded, self._is_forwarded_read = self.proxies.forwarded(self.reader), True
        return self._forwarded

    @property
    def client_ip_header(self) -> str | None:
        """The lower-case name of the header in which proxies send the visitor's address; None if there is no special one."""
        return self.proxies.client_ip_header if self.proxies else None

    def is_proxy(self, address: Address) -> bool:
        """Whether *address* is that of a trusted proxy."""
        return self.proxies is not None and self.proxies.trusts(address)

    @property
    def native(self) -> Any:
        """The framework's request, which the callables of `Site` get; this object if there is no framework."""
        return self

    @property
    def debug(self) -> bool:
        """Whether the framework runs in its debug mode or under test."""
        return False

    @property
    def csp_nonce(self) -> Any:
        """The nonce of this response's Content-Security-Policy, where the framework usually stores it; None if it has none."""
        return _state(self.scope).get("csp_nonce")

    def header(self, name: str) -> str:
        """The value of the header with this lower-case *name*, repeated ones joined by a comma; "" if it is missing."""
        return self.reader.header(name)

    @property
    def headers(self) -> Mapping[str, str]:
        """All headers by lower-case name; without Cookie, which `cookies` reads."""
        if self._headers is None:
            self._headers = {name: self.header(name) for name in self.reader.header_names() if name != "cookie"}
        return self._headers

    @property
    def cookies(self) -> Mapping[str, str]:
        """Cookies by name; the first of several with the same name."""
        return {name: values[0] for name, values in self.all_cookies.items()}

    @property
    def all_cookies(self) -> Mapping[str, tuple[str, ...]]:
        """All values of every cookie: a host-only cookie and a domain cookie may share a name."""
        if self._cookies is None:
            cookies: dict[str, list[str]] = {}
            # SimpleCookie drops the whole header if one pair is malformed, so split it here.
            for pair in self.header("cookie").split(";"):
                name, separator, value = pair.partition("=")
                if separator:
                    cookies.setdefault(name.strip(), []).append(_unquoted(value))
            self._cookies = {name: tuple(values) for name, values in cookies.items()}
        return self._cookies

    def cookie_values(self, name: str) -> tuple[str, ...]:
        """The first values of the cookie *name*, at most 50; other cookies are not parsed."""
        header = self.header("cookie")
        if name not in header:
            return ()
        candidates = [pair.partition("=") for pair in header.split(";") if name in pair][:_MAX_COOKIES]
        return tuple([_unquoted(value) for key, separator, value in candidates if separator and key.strip() == name])

    @property
    def line(self) -> str:
        """Method and path, without the query."""
        return f"{self.method} {self.path}"

    @property
    def host(self) -> str:
        """The host that the visitor asked for, in lower case; "" if it is missing, repeated or malformed.

        It is that of a trusted proxy, else the Host header.
        """
        host = (self.forwarded.host if self.forwarded else "") or self.header("host").strip().lower()
        return host if HOST.fullmatch(host) else ""

    @property
    def hostname(self) -> str:
        """The host without port, brackets and trailing dot."""
        host = self.host
        if host.startswith("["):
            return host[1:].partition("]")[0]
        return host.partition(":")[0].rstrip(".")

    @property
    def url(self) -> str | None:
        """The requested URL, in ASCII and without a fragment; None without a host.

        A query of more than 8,000 characters is left out.
        """
        if not self.host:
            return None
        query = "" if len(self.query) > _MAX_QUERY else quote(self.query.encode("latin-1", "replace"), _QUERY_SAFE)
        return f"{self.scheme}://{self.host}{self.path}{'?' + query if query else ''}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WebRequest) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash((self.method, self.scheme, self.path, self.query, self.peer))

    def __repr__(self) -> str:
        return f"WebRequest({self.method}, {len(self.headers)} headers)"

    def _identity(self) -> tuple[object, ...]:
        line = (self.method, self.scheme, self.path, self.query, self.peer)
        return (*line, dict(self.headers), dict(self.all_cookies))


def _state(scope: Mapping[str, Any] | None) -> Mapping[str, Any]:
    state = scope.get("state") if scope is not None else None
    return state if isinstance(state, Mapping) else {}


def _unquoted(value: str) -> str:
    return value.strip().strip('"')
