"""Close a connection that a cancelled request of an async HTTP client leaves half open.

httpcore closes a connection when a TLS handshake fails, but not when the handshake is cancelled.
"""

from __future__ import annotations

from typing import Any, Self


class HalfOpenConnection:
    """The connection that a request is opening. An exception in the block closes it, unless a request was sent on it.

    `watch` is the `trace` extension of the request.
    """

    __slots__ = ("_is_used", "_stream")

    def __init__(self) -> None:
        self._stream: Any = None
        self._is_used = False

    async def watch(self, step: str, details: dict[str, Any]) -> None:
        """Take note of a step of the request."""
        name = step.partition(".")[2]
        if name in ("connect_tcp.complete", "connect_unix_socket.complete", "start_tls.complete"):
            self._stream, self._is_used = details.get("return_value"), False
        elif name == "start_tls.started":  # also behind the CONNECT of a proxy
            self._is_used = False
        elif name == "send_request_headers.started":
            self._is_used = True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *exception: object) -> None:
        if kind is None or self._stream is None or self._is_used:
            return
        import anyio

        with anyio.CancelScope(shield=True):
            await self._stream.aclose()
