"""`AsyncClient`: deliver events from async code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from math import inf
from typing import TYPE_CHECKING, Any, Self

from tiktok_events._api import network_guard, transport
from tiktok_events._api.base_client import BaseClient, OnProgress
from tiktok_events._api.requests import Flow, Item, deliver
from tiktok_events._api.response import TrackResponse
from tiktok_events._events.event import Event
from tiktok_events._runtime.clock import monotonic
from tiktok_events.errors import TikTokEventsError

if TYPE_CHECKING:
    import httpx


class AsyncClient(BaseClient["httpx.AsyncClient"]):
    """`Client` for async code: the same arguments, with an `httpx.AsyncClient` as `http`. Belongs to one event loop."""

    async def track(self, *events: Event) -> TrackResponse:
        """As `Client.track`."""
        response = await self._run(self._flow(events), self._post_with_retries)
        response.raise_for_rejected()
        return response

    async def track_many(self, events: Iterable[Event], on_progress: OnProgress | None = None) -> TrackResponse:
        """As `Client.track_many`."""
        return await self._run(self._flow_many(events, on_progress), self._post_with_retries)

    async def post(self, body: bytes) -> TrackResponse:
        """As `Client.post`."""
        return await self._post_within(body, self._timeout)

    async def deliver_once(
        self, items: list[Item], pace: Callable[[], object] | None = None, within: float = inf
    ) -> TrackResponse:
        """As `Client.deliver_once`; *pace* blocks this event loop, so nothing else may run on it."""
        self._token.check()
        deadline = monotonic() + within

        async def post(body: bytes) -> TrackResponse:
            if pace is not None:
                pace()
            return await self._post_within(body, self._seconds_until(deadline))

        return await self._run(deliver(items, self._join, self._max_body_bytes), post)

    async def _post_within(self, body: bytes, seconds: float) -> TrackResponse:
        if network_guard.recorder is not None:
            return network_guard.recorder.take(self.source, body)
        return await transport.post_async(self._open(), self.url, body, self._token, seconds)

    async def _post_with_retries(self, body: bytes) -> TrackResponse:
        import tenacity

        return await tenacity.AsyncRetrying(**self._retrying())(self.post, body)

    async def _run(self, flow: Flow, post: Callable[[bytes], Awaitable[TrackResponse]]) -> TrackResponse:
        try:
            body = next(flow)
            while True:
                try:
                    answer: Any = await post(body)
                except TikTokEventsError as error:
                    answer = error
                body = flow.send(answer)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]

    def _open(self) -> httpx.AsyncClient:
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = transport.open_async(self._timeout, self.url)
        return self._own

    def forget_connections(self) -> None:
        """Drop the connections without closing them, after a fork: they belong to the parent process."""
        self._own = None

    async def close(self) -> None:
        """As `Client.close`."""
        own, self._own = self._own, None
        if own is not None:
            await own.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
