"""Protection against requests of other sites' pages: checks of Host and Origin, and security headers.

Any page on the web can make a browser send requests to this machine. The Host header shows a DNS name that was rebound
to this machine; the Origin header shows the page's site.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tiktok_events._api.transport import is_loopback
from tiktok_events.errors import ConfigurationError

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_PORTS = {"http": 80, "https": 443}

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    b"content-security-policy": CSP.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cache-control": b"no-store",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
}


class Guard:
    """ASGI middleware: refuse unknown hosts, and add the security headers to every response."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": with_security_headers(message.get("headers", ()))}
            await send(message)

        refusal = host_refusal(header_values(scope, b"host"), self._hosts)
        await (refusal or self._app)(scope, receive, send_guarded)


def with_security_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return *headers* with the security headers that they do not set themselves."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    return given + [(name, value) for name, value in _HEADERS.items() if name not in names]


def host_refusal(hosts: list[str], known: Collection[str]) -> PlainTextResponse | None:
    """Return the response that refuses a request with these Host headers; None if its host is known."""
    name = host_name(hosts[0]) if len(hosts) == 1 else None
    if name is None:
        return PlainTextResponse("send exactly one Host header, with a name or an address", 400)
    if not is_known(name, known):
        return PlainTextResponse(
            "unknown host name: start the manager with --allow-host NAME, or with it in allowed_hosts", 421
        )
    return None


def host_name(host: str) -> str | None:
    """Return the host name in a Host header, in lower case and without the port; None if the header is invalid."""
    found = _HOST.fullmatch(host)
    return found.group(1).lower().rstrip(".") if found else None


def is_known(name: str, known: Collection[str]) -> bool:
    """Whether *name* is a loopback name or address, or one of *known*."""
    return is_loopback(name) or name in known


def known_hosts(allowed_hosts: Iterable[str]) -> frozenset[str]:
    """Return *allowed_hosts* as lower-case names.

    Raises:
        ConfigurationError: If one is not a host name. `*` is refused: any name could then be rebound to this machine.
    """
    names = [host_name(host) for host in ([allowed_hosts] if isinstance(allowed_hosts, str) else allowed_hosts)]
    if None in names:
        raise ConfigurationError("allowed_hosts (--allow-host) takes host names, such as shop.test")
    return frozenset(name for name in names if name)


def is_own_origin(origins: list[str], host: str, scheme: str) -> bool:
    """Whether there is one Origin header, and it is the origin of the manager's own page."""
    return len(origins) == 1 and _origin(origins[0]) == _origin(f"{scheme}://{host}") is not None


def is_local_origin(origins: list[str], known: Collection[str]) -> bool:
    """Whether there is one Origin header, of a site on this machine (any port) or of a *known* host."""
    parts = _origin(origins[0]) if len(origins) == 1 else None
    return parts is not None and is_known(parts[1], known)


def _origin(text: str) -> tuple[str, str, int] | None:
    scheme, separator, host = text.partition("://")
    found = _HOST.fullmatch(host)
    if not separator or scheme not in _PORTS or found is None:
        return None
    return scheme, found.group(1).lower().rstrip("."), int(found.group(2) or _PORTS[scheme])


def header_values(scope: Scope | Mapping[str, Any], name: bytes) -> list[str]:
    """Return every value of the header *name* as text."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
