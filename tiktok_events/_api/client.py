"""`Client`: deliver events and wait for the result of each one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from math import inf
from typing import TYPE_CHECKING, Self

from tiktok_events._api import network_guard, transport
from tiktok_events._api.base_client import BaseClient, OnProgress
from tiktok_events._api.requests import Item, deliver, run
from tiktok_events._api.response import TrackResponse
from tiktok_events._events.event import Event
from tiktok_events._runtime.clock import monotonic

if TYPE_CHECKING:
    import httpx


class Client(BaseClient["httpx.Client"]):
    """Deliver events to one source, and return one result per event.

    `base_url` is TikTok's, or `TIKTOK_API_URL`; it must be https except on loopback. `timeout` bounds one request as a
    whole in seconds, from connecting to the last byte of its answer; only the lookup of a host name can take longer.
    An answer has at most 64 kB. `retry` says how often and how long to try again, `max_body_bytes` is where a request is
    split before it holds 1,000 events; TikTok documents no limit. `http` is an `httpx.Client` of your own (proxies,
    custom CA, transport): it stays yours to close. Threads may share a client; after a fork the child opens its own
    connections.

    Raises:
        ConfigurationError: If the address may not carry a token.
    """

    _pid = 0
    """Who opened the connections: after a fork they are the parent's."""

    def track(self, *events: Event) -> TrackResponse:
        """Deliver *events*, splitting, retrying and isolating bad ones, then raise if any was refused or failed.

        A partial success (20001) raises nothing, and `.ok` is False for it.

        Raises:
            EventValidationError: If `check` finds an error in any event; then nothing was sent.
            ApiError: If TikTok refused an event; `.response` holds what became of every one.
            TransportError: If no answer came in time.
        """
        response = run(self._flow(events), self._post_with_retries)
        response.raise_for_rejected()
        return response

    def track_many(self, events: Iterable[Event], on_progress: OnProgress | None = None) -> TrackResponse:
        """Deliver any number of events from an iterable, a request's worth at a time; never raises for an event.

        Events with errors are refused one by one and their neighbours delivered. *on_progress* is called with the
        number of events decided so far. When the network or the token fails for good, the rest counts as failed.
        """
        return run(self._flow_many(events, on_progress), self._post_with_retries)

    def post(self, body: bytes) -> TrackResponse:
        """POST one encoded request body, once.

        Raises:
            ApiError, TransportError: As `decode` says, or if no answer came.
        """
        return self._post_within(body, self._timeout)

    def deliver_once(
        self, items: list[Item], pace: Callable[[], object] | None = None, within: float = inf
    ) -> TrackResponse:
        """Deliver encoded items without retrying, for a worker, whose outbox keeps what has to wait.

        *pace* is called before every request, and blocks until the request may start. No answer is waited for longer than
        *within* seconds from now.

        Raises:
            ConfigurationError: If the source has no access token, because it was pickled.
        """
        self._token.check()
        deadline = monotonic() + within

        def post(body: bytes) -> TrackResponse:
            if pace is not None:
                pace()
            return self._post_within(body, self._seconds_until(deadline))

        return run(deliver(items, self._join, self._max_body_bytes), post)

    def _post_within(self, body: bytes, seconds: float) -> TrackResponse:
        if network_guard.recorder is not None:
            return network_guard.recorder.take(self.source, body)
        return transport.post(self._open(), self.url, body, self._token, seconds)

    def _post_with_retries(self, body: bytes) -> TrackResponse:
        import tenacity

        return tenacity.Retrying(**self._retrying())(self.post, body)

    def _open(self) -> httpx.Client:
        if self._given is not None:
            return self._given
        own = self._own
        if own is None or self._pid != os.getpid():
            with transport.opening():  # two threads that start at the same time share one client
                own = self._own
                if own is None or self._pid != os.getpid():
                    own = self._own = transport.open_sync(self._timeout, self.url)
                    self._pid = os.getpid()
        return own

    def close(self) -> None:
        """Close the connections this client opened. It can be used again afterwards."""
        own, self._own = self._own, None
        if own is not None and self._pid == os.getpid():
            own.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
