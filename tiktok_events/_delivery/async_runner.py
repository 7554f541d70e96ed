"""Run an `AsyncClient` on an event loop of its own, so that a worker uses blocking and async clients alike."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

from tiktok_events._api.async_client import AsyncClient
from tiktok_events._api.client import Client
from tiktok_events._api.requests import Item
from tiktok_events._api.response import TrackResponse
from tiktok_events._events.source import EventSource
from tiktok_events._runtime.clock import monotonic

if TYPE_CHECKING:
    import asyncio

Pace = Callable[[], object]
"""Called before every request; it blocks until the request may start."""


def _new_loop() -> asyncio.AbstractEventLoop:
    """An event loop that resolves names in its own thread: asyncio's threads accept no work while the process ends."""
    import asyncio

    async def getaddrinfo(host: Any, port: Any, **options: int) -> list[Any]:
        return socket.getaddrinfo(host, port, **options)

    loop = asyncio.new_event_loop()
    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign]
    return loop


class Deliverer(Protocol):
    """A client as a worker uses it."""

    source: EventSource

    def deliver_once(self, items: list[Item], pace: Pace | None = None, within: float = inf) -> TrackResponse:
        """Deliver encoded items without retries, within *within* seconds from now."""
        ...

    def close(self) -> None:
        """Close the connections; the next use opens new ones."""


class AsyncRunner:
    """Deliver through an `AsyncClient` on a private event loop, one request at a time."""

    def __init__(self, client: AsyncClient) -> None:
        self.source = client.source
        self._client = client
        self._renew()

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._runner: asyncio.Runner | None = None
        self._pid = os.getpid()

    def deliver_once(self, items: list[Item], pace: Pace | None = None, within: float = inf) -> TrackResponse:
        """As `Deliverer.deliver_once`."""
        if self._pid != os.getpid():
            self._renew()  # after a fork: the event loop belongs to the parent process
            self._client.forget_connections()
        deadline = monotonic() + within
        with self._lock:
            if self._runner is None:
                import asyncio

                self._runner = asyncio.Runner(loop_factory=_new_loop)
            # Requests of other threads may have taken a part of the time.
            return self._runner.run(self._client.deliver_once(items, pace, deadline - monotonic()))

    def close(self) -> None:
        """As `Deliverer.close`."""
        with self._lock:
            runner, self._runner = self._runner, None
            if runner is not None and self._pid == os.getpid():
                runner.run(self._client.close())
                runner.close()


def deliverer(client: Client | AsyncClient) -> Deliverer:
    """*client* as a worker uses it."""
    return AsyncRunner(client) if isinstance(client, AsyncClient) else client
