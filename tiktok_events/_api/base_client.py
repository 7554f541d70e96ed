"""The base of both clients: source, address and limits, and the conversion of events into requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar

from tiktok_events._api import network_guard, transport
from tiktok_events._api.access_token import AccessToken
from tiktok_events._api.encoding import encode_item, join
from tiktok_events._api.requests import Flow, Item, chunked, deliver, deliver_many
from tiktok_events._api.response import EventResult
from tiktok_events._api.results import result_of
from tiktok_events._api.retry import RetryPolicy
from tiktok_events._checks.check import check
from tiktok_events._events.event import Event
from tiktok_events._events.source import EventSource
from tiktok_events._runtime.clock import monotonic
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.errors import EventValidationError, TikTokEventsError, TransportError

OnProgress = Callable[[int], object]
Http = TypeVar("Http")
"""The httpx client that delivers: a blocking one or an async one."""


class BaseClient(Generic[Http]):
    """Source, address and limits of a client, and the flows that turn its events into requests."""

    def __init__(
        self,
        source: EventSource,
        *,
        base_url: str | None = None,
        timeout: float = 10.0,
        retry: RetryPolicy | None = None,
        max_body_bytes: int = 4_000_000,
        http: Http | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.source = source
        self.url = transport.endpoint(base_url)
        self._timeout = timeout
        self._retry = retry or RetryPolicy()
        self._max_body_bytes = max_body_bytes
        self._clock = clock
        self._token = AccessToken(source)
        self._given = http
        self._own: Http | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.source!r}, url={self.url!r})"

    def __getstate__(self) -> dict[str, Any]:
        # The source leaves out its token; connections belong to one process.
        return self.__dict__ | {"_own": None}

    def __copy__(self) -> Self:
        """A client with the same settings, token and `http`, and connections of its own."""
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__, _own=None)
        return copied

    def __deepcopy__(self, memo: object) -> Self:
        return self.__copy__()

    @property
    def is_network_blocked(self) -> bool:
        """Whether a test run blocks this client's own connections; a given `http` client is checked when it connects."""
        return network_guard.is_blocked and self._given is None and not transport.is_local(self.url)

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
        return deliver_many(self._items_in_chunks(events), self._join, self._max_body_bytes, on_progress)

    def _items_in_chunks(self, events: Iterable[Event]) -> Iterator[list[Item | EventResult]]:
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
            network_guard.dropped(event.event, "invalid", errors)
        return errors

    def _seconds_until(self, deadline: float) -> float:
        """Seconds that a request may take before *deadline*."""
        left = min(self._timeout, deadline - monotonic())
        if left <= 0:
            raise TransportError("no time was left for the request")
        return left

    def _retrying(self) -> dict[str, Any]:
        """The retry policy as arguments of tenacity. Made per call, because tenacity keeps state on the object."""
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
