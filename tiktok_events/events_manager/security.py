"""Who may ask what: host names, origins, and the headers of every answer.

A page anywhere on the web can make a browser send requests to this machine. The Host header gives away one whose
name was rebound to it, the Origin header one that is not ours.
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
    """Pure ASGI middleware: answers known hosts only, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
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
    """*headers*, and those of every answer that are not among them."""
    given = list(headers)
    names = {name.lower() for name, _ in given}
    return given + [(name, value) for name, value in _HEADERS.items() if name not in names]


def host_refusal(hosts: list[str], known: Collection[str]) -> PlainTextResponse | None:
    """Answer a request with these Host headers that is not for this machine; else None."""
    name = host_name(hosts[0]) if len(hosts) == 1 else None
    if name is None:
        return PlainTextResponse("one Host header is needed, a name or address", 400)
    if not is_known(name, known):
        return PlainTextResponse("this host name is not known here: start the manager with it in allowed_hosts", 421)
    return None


def host_name(host: str) -> str | None:
    """Read the name in a Host header, lower-cased, without its port; None if it is not one."""
    found = _HOST.fullmatch(host)
    return found.group(1).lower().rstrip(".") if found else None


def is_known(name: str, known: Collection[str]) -> bool:
    """Whether *name* is this machine's, or was given."""
    return is_loopback(name) or name in known


def known_hosts(allowed_hosts: Iterable[str]) -> frozenset[str]:
    """*allowed_hosts* as names to compare with.

    Raises:
        ConfigurationError: If one is no host name; `*` is none, since any name could then be rebound to this machine.
    """
    names = [host_name(host) for host in ([allowed_hosts] if isinstance(allowed_hosts, str) else allowed_hosts)]
    if None in names:
        raise ConfigurationError("allowed_hosts takes host names, such as shop.test")
    return frozenset(name for name in names if name)


def is_own_origin(origins: list[str], host: str, scheme: str) -> bool:
    """Whether the one Origin header names the very page this manager serves."""
    return len(origins) == 1 and _origin(origins[0]) == _origin(f"{scheme}://{host}") is not None


def is_local_origin(origins: list[str], known: Collection[str]) -> bool:
    """Whether the one Origin header is of a site on this machine, on whatever port, or of a given host."""
    parts = _origin(origins[0]) if len(origins) == 1 else None
    return parts is not None and is_known(parts[1], known)


def _origin(text: str) -> tuple[str, str, int] | None:
    scheme, separator, host = text.partition("://")
    found = _HOST.fullmatch(host)
    if not separator or scheme not in _PORTS or found is None:
        return None
    return scheme, found.group(1).lower().rstrip("."), int(found.group(2) or _PORTS[scheme])


def header_values(scope: Scope | Mapping[str, Any], name: bytes) -> list[str]:
    """Every value of the header *name*, as text."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]
