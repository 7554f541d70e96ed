"""One wall-clock bound for a whole exchange over HTTP.

A timeout of httpx bounds one operation of a connection, so a peer that sends a byte now and then holds a request for
good. `watch` is the `trace` extension of a request: httpcore calls it when it connects. It gives each new connection
a class that lowers the timeout of every operation to what is left of the deadline of the request under way. So it
works for any httpx client, behind proxies, over TLS and with transports that wrap other transports.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from functools import cache
from typing import Any, Self

from tiktok_events._runtime.clock import monotonic

_TOLERANCE = 0.02
"""Seconds by which an operation may end late; most requests end before they set another timeout."""


class Deadline:
    """When an exchange must be over: *seconds* after the block is entered. It applies to the thread of the block."""

    __slots__ = ("_token", "_until", "is_bounded")

    def __init__(self, seconds: float) -> None:
        self._until = monotonic() + seconds
        self._token: Token[Deadline | None] | None = None
        self.is_bounded = False
        """Whether the connection in use keeps to the deadline; also True if it cannot be made to."""

    def left(self) -> float:
        """Seconds that are left.

        Raises:
            TimeoutError: If none are.
        """
        left = self._until - monotonic()
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


@cache
def _socket_class(kind: Any) -> Any:
    class BoundedSocket(kind):  # type: ignore[misc]
        """A socket of which no operation lasts beyond the current deadline."""

        __slots__ = ()
        keeps_deadlines = True

        def recv(self, *arguments: Any) -> Any:
            _lower_timeout(self)
            return super().recv(*arguments)

        def recv_into(self, *arguments: Any) -> Any:
            _lower_timeout(self)
            return super().recv_into(*arguments)

        def send(self, *arguments: Any) -> Any:
            _lower_timeout(self)
            return super().send(*arguments)

        def sendall(self, *arguments: Any) -> Any:
            _lower_timeout(self)
            return super().sendall(*arguments)

    return BoundedSocket


@cache
def _stream_class(kind: Any) -> Any:
    class BoundedStream(kind):  # type: ignore[misc]
        """The same for a stream of an async client."""

        __slots__ = ()
        keeps_deadlines = True

        async def read(self, max_bytes: int, timeout: float | None = None) -> Any:
            return await super().read(max_bytes, _lowered(timeout))

        async def write(self, buffer: bytes, timeout: float | None = None) -> Any:
            return await super().write(buffer, _lowered(timeout))

    return BoundedStream


def _lowered(timeout: float | None) -> float | None:
    deadline = _current.get()
    if deadline is None:
        return timeout  # a request of the caller's own, on a client that we were given
    deadline.is_bounded = True
    left = deadline.left()
    return left if timeout is None or timeout > left else timeout


def _lower_timeout(sock: Any) -> None:
    timeout = sock.gettimeout()
    lowered = _lowered(timeout)
    if lowered is not None and (timeout is None or timeout - lowered > _TOLERANCE):
        sock.settimeout(lowered)


def bound(stream: Any) -> None:
    """Make the socket of an httpcore *stream* keep to the deadlines, if it has one."""
    bound_socket(None if stream is None else stream.get_extra_info("socket"))


def bound_socket(sock: Any) -> None:
    """Make *sock* keep to the deadlines, if it is a socket."""
    if isinstance(sock, socket.socket):
        _change_class(sock, _socket_class)


def bound_async(stream: Any) -> None:
    """Make a *stream* of httpcore's async half keep to the deadlines."""
    if stream is not None:
        _change_class(stream, _stream_class)


def _change_class(connection: Any, class_for: Callable[[Any], Any]) -> None:
    if not hasattr(connection, "keeps_deadlines"):
        with suppress(TypeError):  # an object of another library may not allow it
            connection.__class__ = class_for(type(connection))


def watch(step: str, details: dict[str, Any]) -> None:
    """Bound the steps of a request, as its `trace` extension.

    Raises:
        TimeoutError: If no time is left to connect.
        OSError: If the name of the host cannot be resolved.
        UnknownConnection: If the connection was opened by a request without this extension.
    """
    if step not in _STEPS or (deadline := _current.get()) is None:
        return
    if step.endswith(".started"):
        deadline.is_bounded = True
        # httpcore passes these details on as arguments of the call.
        details["timeout"] = _for_one_address(deadline, details) if "host" in details else deadline.left()
    elif step != _SENT:
        bound(details.get("return_value"))
    elif not deadline.is_bounded:
        raise UnknownConnection


async def watch_async(step: str, details: dict[str, Any]) -> None:
    """The same for async code, whose requests are cancelled on connections that other code opened."""
    if step not in _STEPS:
        return
    if step.endswith(".started"):
        details["timeout"] = _lowered(details.get("timeout"))
    elif step != _SENT:
        bound_async(details.get("return_value"))


_SENT = "http11.send_request_headers.complete"
_STEPS = {
    _SENT,
    *(
        f"{module}.{step}.{state}"
        for module in ("connection", "proxy", "socks")
        for step in ("connect_tcp", "connect_unix_socket", "start_tls")
        for state in ("started", "complete")
    ),
}


def _for_one_address(deadline: Deadline, details: dict[str, Any]) -> float:
    # Each address of a host is tried for the whole timeout, one after the other.
    addresses = socket.getaddrinfo(details["host"], details.get("port"), 0, socket.SOCK_STREAM)
    return deadline.left() / max(1, len(addresses))
