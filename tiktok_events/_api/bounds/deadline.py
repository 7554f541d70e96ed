"""One wall-clock bound for a whole exchange of a blocking HTTP client.

A timeout of httpx bounds one operation of a socket, so a peer that sends a byte now and then holds a request for good.
`watch` is the `trace` extension of a request: httpcore calls it when it connects. It gives the socket of each new
connection a class that lowers the timeout of every operation to what is left of the deadline of the request under
way. So it works for any httpx client, behind proxies, over TLS and with transports that wrap other transports.
"""

from __future__ import annotations

import socket
import time
from contextvars import ContextVar, Token
from functools import cache
from typing import Any, Self


class Deadline:
    """When an exchange must be over: *seconds* after the block is entered. It applies to the thread of the block."""

    __slots__ = ("_token", "_until", "is_bounded")

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds
        self._token: Token[Deadline | None] | None = None
        self.is_bounded = False
        """Whether the connection in use keeps to the deadline; also True if it cannot be made to."""

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            TimeoutError: If none are.
        """
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the exchange has passed")
        return left

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._token is not None:
            _current.reset(self._token)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class UnknownConnection(Exception):
    """A request is about to reuse a connection that other code opened. Its body is not sent; the connection is closed."""


class _BoundedSocket:
    """Mixed into the class of a socket: no operation lasts beyond the current deadline."""

    __slots__ = ()

    def recv(self, *arguments: Any) -> Any:
        _lower_timeout(self)
        return super().recv(*arguments)  # type: ignore[misc]

    def send(self, *arguments: Any) -> Any:
        _lower_timeout(self)
        return super().send(*arguments)  # type: ignore[misc]

    def sendall(self, *arguments: Any) -> Any:
        _lower_timeout(self)
        return super().sendall(*arguments)  # type: ignore[misc]


def _lower_timeout(sock: Any) -> None:
    deadline = _current.get()
    if deadline is None:
        return  # a request of the caller's own, on a client that we were given
    deadline.is_bounded = True
    left, timeout = deadline.left(), sock.gettimeout()
    if timeout is None or timeout > left:
        sock.settimeout(left)


@cache
def _bounded(kind: Any) -> Any:
    return type(kind.__name__, (_BoundedSocket, kind), {"__slots__": ()})


def bound(stream: Any) -> None:
    """Make the socket of an httpcore *stream* keep to the deadlines, if it has one."""
    sock = None if stream is None else stream.get_extra_info("socket")
    if isinstance(sock, socket.socket) and not isinstance(sock, _BoundedSocket):
        kind: Any = type(sock)
        sock.__class__ = _bounded(kind)


def watch(step: str, details: dict[str, Any]) -> None:
    """Bound the steps of a request, as its `trace` extension.

    Raises:
        TimeoutError: If no time is left to connect.
        OSError: If the name of the host cannot be resolved.
        UnknownConnection: If the connection was opened by a request without this extension.
    """
    deadline = _current.get()
    if deadline is None:
        return
    name = step.partition(".")[2]
    if name in _OPENING:
        deadline.is_bounded = True
        # httpcore passes these details on as arguments of the call.
        details["timeout"] = _for_one_address(deadline, details) if "host" in details else deadline.left()
    elif name in _OPENED:
        bound(details.get("return_value"))
    elif step == "http11.send_request_headers.complete" and not deadline.is_bounded:
        raise UnknownConnection


_OPENING = ("connect_tcp.started", "connect_unix_socket.started", "start_tls.started")
_OPENED = ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete")


def _for_one_address(deadline: Deadline, details: dict[str, Any]) -> float:
    # Each address of a host is tried for the whole timeout, one after the other.
    addresses = socket.getaddrinfo(details["host"], details.get("port"), 0, socket.SOCK_STREAM)
    return deadline.left() / max(1, len(addresses))
