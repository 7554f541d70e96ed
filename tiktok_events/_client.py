"""The clients: deliver now, and say what became of every event."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from math import inf
from typing import TYPE_CHECKING, Any, Self

from tiktok_events import _http
from tiktok_events._checks.check import check
from tiktok_events._delivery import Flow, Item, chunked, deliver, deliver_many, run
from tiktok_events._events.event import Event
from tiktok_events._facts.fields import MAX_EVENTS
from tiktok_events._protocol import encode_item, join
from tiktok_events._recording import outlet
from tiktok_events._responses import EventResult, TrackResponse, result_of
from tiktok_events._retry import RetryPolicy
from tiktok_events._source import EventSource
from tiktok_events.errors import EventValidationError, TikTokEventsError, TransportError

if TYPE_CHECKING:
    import httpx

OnProgress = Callable[[int], object]


class _Prepared:
    """What both clients are: a source, an address, limits, and the flows that turn events into requests."""

    _given: Any
    """The caller's own httpx client, or None."""

    def __init__(
        self,
        source: EventSource,
        *,
        base_url: str | None = None,
        timeout: float = 10.0,
        retry: RetryPolicy | None = None,
        max_body_bytes: int = 4_000_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.source = source
        self.url = _http.endpoint(base_url)
        self._timeout = timeout
        self._retry = retry or RetryPolicy()
        self._max_body_bytes = max_body_bytes
        self._clock = clock
        self._headers = _http.request_headers(source.access_token)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r}, url={self.url!r})"

    @property
    def is_shut_in(self) -> bool:
        """Whether a test run keeps its own connections from TikTok; what an `http` of yours does is seen later."""
        return outlet.closed and self._given is None and not _http.is_local(self.url)

    def _join(self, items: Iterable[bytes]) -> bytes:
        return join(self.source, items)

    def _flow(self, events: Iterable[Event]) -> Flow:
        now = self._clock()
        problems, items = [], []
        for event in events:
            problems += self._errors(event, now)
            if not problems:
                items.append(encode_item(self.source, event))
        if problems:
            raise EventValidationError(problems)
        return deliver(items, self._join, self._max_body_bytes)

    def _flow_many(self, events: Iterable[Event], on_progress: OnProgress | None) -> Flow:
        return deliver_many(self._sorted_out(events), self._join, self._max_body_bytes, on_progress)

    def _sorted_out(self, events: Iterable[Event]) -> Iterator[list[Item | EventResult]]:
        for chunk in chunked(events, MAX_EVENTS):
            yield [self._item_or_refusal(event) for event in chunk]

    def _item_or_refusal(self, event: Event) -> Item | EventResult:
        errors = self._errors(event, self._clock())
        if errors:
            return result_of(event.id_for(self.source.id_namespace), EventValidationError(errors))
        return encode_item(self.source, event)

    def _errors(self, event: Event, now: float) -> list[Any]:
        if not isinstance(event, Event):
            raise TypeError(f"events must be Event, not {type(event).__name__}")
        errors = [one for one in check(event, self.source, now=now) if one.severity == "error"]
        if errors:
            outlet.dropped(event.event, "invalid", errors)
        return errors

    def _until(self, deadline: float) -> float:
        """Seconds that a request may take."""
        left = min(self._timeout, deadline - time.monotonic())
        if left <= 0:
            raise TransportError("no time was left for the request")
        return left

    def _retrying(self) -> dict[str, Any]:
        """The policy in tenacity's terms. Made per call: tenacity keeps its state on the object."""
        import tenacity

        policy, total = self._retry, self._retry.max_total

        def wait(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            return policy.wait(error, state.attempt_number) if isinstance(error, TikTokEventsError) else 0.0

        def stop(state: tenacity.RetryCallState) -> bool:
            elapsed = state.seconds_since_start or 0.0
            return state.attempt_number >= policy.attempts or elapsed + state.upcoming_sleep > total

        def worth_it(error: BaseException) -> bool:
            return isinstance(error, TikTokEventsError) and error.retryable

        return {"wait": wait, "stop": stop, "retry": tenacity.retry_if_exception(worth_it), "reraise": True}


class Client(_Prepared):
    """Deliver events to one source, now, and say what became of each.

    `base_url` is TikTok's, or `TIKTOK_API_URL`; it must be https except on loopback. `timeout` bounds one request in
    seconds. `retry` says how often and how long to try again, `max_body_bytes` is where a request is split before it
    holds 1,000 events; TikTok documents no limit. `http` is an `httpx.Client` of your own (proxies, custom CA, transport): it stays yours to close. Threads
    may share a client; after a fork the child opens its own connections.

    Raises:
        ConfigurationError: If the address may not carry a token.
    """

    def __init__(
        self,
        source: EventSource,
        *,
        base_url: str | None = None,
        timeout: float = 10.0,
        retry: RetryPolicy | None = None,
        max_body_bytes: int = 4_000_000,
        http: httpx.Client | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            source, base_url=base_url, timeout=timeout, retry=retry, max_body_bytes=max_body_bytes, clock=clock
        )
        self._given: httpx.Client | None = http
        self._own: httpx.Client | None = None
        self._pid = os.getpid()

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
        """Deliver encoded items without retrying, for a worker, whose outbox does the waiting.

        *pace* is called before every request, and waits as long as has to be. No answer is waited for longer than
        *within* seconds from now.
        """
        deadline = time.monotonic() + within

        def post(body: bytes) -> TrackResponse:
            if pace is not None:
                pace()
            return self._post_within(body, self._until(deadline))

        return run(deliver(items, self._join, self._max_body_bytes), post)

    def _post_within(self, body: bytes, seconds: float) -> TrackResponse:
        if outlet.recorder is not None:
            return outlet.recorder.take(self.source, body)
        return _http.post(self._open(), self.url, body, self._headers, seconds)

    def _post_with_retries(self, body: bytes) -> TrackResponse:
        import tenacity

        return tenacity.Retrying(**self._retrying())(self.post, body)

    def _open(self) -> httpx.Client:
        if self._given is not None:
            return self._given
        own = self._own
        if own is None or self._pid != os.getpid():
            with _http.opening():  # two threads that come at once share what the first one opens
                own = self._own
                if own is None or self._pid != os.getpid():
                    own = self._own = _http.open_sync(self._timeout, self.url)
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


class AsyncClient(_Prepared):
    """`Client` for async code: the same arguments, with an `httpx.AsyncClient` as `http`. Belongs to one event loop."""

    def __init__(
        self,
        source: EventSource,
        *,
        base_url: str | None = None,
        timeout: float = 10.0,
        retry: RetryPolicy | None = None,
        max_body_bytes: int = 4_000_000,
        http: httpx.AsyncClient | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            source, base_url=base_url, timeout=timeout, retry=retry, max_body_bytes=max_body_bytes, clock=clock
        )
        self._given: httpx.AsyncClient | None = http
        self._own: httpx.AsyncClient | None = None

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
        """As `Client.deliver_once`; *pace* blocks this loop, so let nobody else live on it."""
        deadline = time.monotonic() + within

        async def post(body: bytes) -> TrackResponse:
            if pace is not None:
                pace()
            return await self._post_within(body, self._until(deadline))

        return await self._run(deliver(items, self._join, self._max_body_bytes), post)

    async def _post_within(self, body: bytes, seconds: float) -> TrackResponse:
        if outlet.recorder is not None:
            return outlet.recorder.take(self.source, body)
        return await _http.post_async(self._open(), self.url, body, self._headers, seconds)

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
            self._own = _http.open_async(self._timeout, self.url)
        return self._own

    def forget_connections(self) -> None:
        """Let go of connections without a word, as after a fork: their locks and loop are the parent's."""
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
