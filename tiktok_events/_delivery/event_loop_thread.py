"""An async client in a thread: it keeps an event loop of its own there, so that workers drive both kinds alike."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Protocol

from tiktok_events._api.async_client import AsyncClient
from tiktok_events._api.client import Client
from tiktok_events._api.requests import Item
from tiktok_events._api.response import TrackResponse
from tiktok_events._events.source import EventSource

if TYPE_CHECKING:
    import asyncio

Pace = Callable[[], object]
"""Called before every request; it waits as long as has to be."""


class Deliverer(Protocol):
    """What a worker delivers through."""

    source: EventSource

    def deliver_once(self, items: list[Item], pace: Pace | None = None, within: float = inf) -> TrackResponse:
        """Deliver encoded items without retrying; wait for no answer longer than *within* seconds from now."""
        ...

    def close(self) -> None:
        """Close the connections; they are opened anew when needed."""


class EventLoopThread:
    """Delivers through an `AsyncClient` on an event loop that nobody else uses; one request at a time."""

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
            self._renew()  # the parent's loop is not ours to touch
            self._client.forget_connections()
        with self._lock:
            if self._runner is None:
                import asyncio

                self._runner = asyncio.Runner()
            return self._runner.run(self._client.deliver_once(items, pace, within))

    def close(self) -> None:
        """As `Deliverer.close`."""
        with self._lock:
            runner, self._runner = self._runner, None
            if runner is not None and self._pid == os.getpid():
                runner.run(self._client.close())
                runner.close()


def deliverer(client: Client | AsyncClient) -> Deliverer:
    """What a worker delivers through for *client*."""
    return EventLoopThread(client) if isinstance(client, AsyncClient) else client
