"""Split events into requests, isolate a refused event and deliver the rest (sans I/O).

A flow is a generator: it yields request bodies and receives their answers. The blocking client, the async client and
the worker are three short loops around it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import TypeGuard, TypeVar

import attrs

from tiktok_events._api.response import EventResult, Status, TrackResponse
from tiktok_events._api.results import result_of
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.errors import ApiError, EventValidationError, TikTokEventsError

Item = tuple[str, bytes]
"""An event's id and its encoded `data[]` item."""
Answer = TrackResponse | TikTokEventsError
Flow = Generator[bytes, Answer, TrackResponse]
T = TypeVar("T")

_ENVELOPE_BYTES = 1_000
"""Room kept for what surrounds the items of a body."""


def deliver(items: Sequence[Item], join: Callable[[Iterable[bytes]], bytes], max_body_bytes: int) -> Flow:
    """Deliver *items*, in requests made by *join*; every one gets a result, in order.

    A request carries at most 1,000 events and *max_body_bytes*; a single larger item is sent alone.

    An error that every further request would meet (network, rate limit, token) ends the flow: the remaining events
    are failed and not sent. A refused request is split until each refused event is alone.
    """
    outcome = _Outcome(items)
    pending = deque((batch, False) for batch in _batches(items, max_body_bytes))
    trust_index = True
    while pending:
        batch, on_trial = pending.popleft()
        answer = yield join(items[position][1] for position in batch)
        if isinstance(answer, TrackResponse):
            outcome.taken(batch, answer)
            # The named event was accepted, so the index does not mean what we assume: bisect from here on.
            trust_index = trust_index and not on_trial
        elif _is_about_content(answer) and len(batch) > 1:
            pending.extendleft(reversed(_apart(batch, answer.index if trust_index else None)))
        else:
            outcome.refused(batch, answer)
            if _ends_everything(answer):
                for rest, _ in pending:
                    outcome.refused(rest, answer)
                break
    return outcome.response()


def _is_about_content(error: TikTokEventsError) -> TypeGuard[ApiError]:
    return isinstance(error, ApiError) and error.kind == "content" and not error.is_configuration_error


def _ends_everything(error: Exception) -> bool:
    return isinstance(error, TikTokEventsError) and (
        error.retryable or (isinstance(error, ApiError) and error.is_configuration_error)
    )


def _apart(batch: Sequence[int], suspect: int | None) -> list[tuple[Sequence[int], bool]]:
    """*batch* in two parts: the event at *suspect* and the rest, or two halves."""
    if suspect is not None and suspect < len(batch):
        return [([batch[suspect]], True), ([*batch[:suspect], *batch[suspect + 1 :]], False)]
    middle = len(batch) // 2
    return [(batch[:middle], False), (batch[middle:], False)]


def _batches(items: Sequence[Item], max_body_bytes: int) -> Iterator[Sequence[int]]:
    batch: list[int] = []
    size = _ENVELOPE_BYTES
    for position, (_, encoded) in enumerate(items):
        if batch and (len(batch) == MAX_EVENTS or size + len(encoded) >= max_body_bytes):
            yield batch
            batch, size = [], _ENVELOPE_BYTES
        batch.append(position)
        size += len(encoded) + 1
    if batch:
        yield batch


class _Outcome:
    """Results by position, and the error of the first position that has one."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._results: list[EventResult | None] = [None] * len(items)
        self._errors: dict[int, TikTokEventsError] = {}
        self._last = TrackResponse()
        self._partial: TrackResponse | None = None

    def taken(self, batch: Sequence[int], answer: TrackResponse) -> None:
        self._last = answer
        if answer.code:
            self._partial = answer
        for position in batch:
            status: Status = "partial" if answer.code else "delivered"
            event_id = self._items[position][0]
            self._results[position] = EventResult(event_id, status, answer.code, answer.message, answer.request_id)

    def refused(self, batch: Sequence[int], error: TikTokEventsError) -> None:
        for position in batch:
            self._errors[position] = error
            self._results[position] = result_of(self._items[position][0], error)

    def response(self) -> TrackResponse:
        results = tuple(result for result in self._results if result is not None)
        error = self._errors[min(self._errors)] if self._errors else None
        if isinstance(error, ApiError):
            return TrackResponse(error.code, error.message, error.request_id, results, error)
        last = self._partial or self._last
        if error is not None:
            return TrackResponse(-1, str(error), "", results, error)
        return attrs.evolve(last, results=results)


def deliver_many(
    chunks: Iterable[Sequence[Item | EventResult]],
    join: Callable[[Iterable[bytes]], bytes],
    max_body_bytes: int,
    on_progress: Callable[[int], object] | None,
) -> Flow:
    """Deliver chunks one after the other. A chunk holds items, and results of events that `check` refused."""
    results: list[EventResult] = []
    last = TrackResponse()
    error: Exception | None = None
    for chunk in chunks:
        items = [one for one in chunk if not isinstance(one, EventResult)]
        if error is not None and _ends_everything(error):
            sent: Iterable[EventResult] = [result_of(event_id, error) for event_id, _ in items]
        elif items:
            response = yield from deliver(items, join, max_body_bytes)
            error = error or response.error
            last, sent = response if response.code or not last.code else last, response.results
            if response.error is not None and _ends_everything(response.error):
                error = response.error
        else:
            sent = ()
        answers = iter(sent)
        for one in chunk:
            if not isinstance(one, EventResult):
                results.append(next(answers))
                continue
            results.append(one)
            if error is None and one.problems:
                error = EventValidationError(one.problems)
        if on_progress is not None:
            on_progress(len(results))
    return TrackResponse(last.code, last.message, last.request_id, tuple(results), error)


def chunked(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """*values* in lists of *size*."""
    chunk: list[T] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def run(flow: Flow, post: Callable[[bytes], TrackResponse]) -> TrackResponse:
    """Drive *flow* with a blocking *post*."""
    try:
        body = next(flow)
        while True:
            body = flow.send(_answer(post, body))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def _answer(post: Callable[[bytes], TrackResponse], body: bytes) -> Answer:
    try:
        return post(body)
    except TikTokEventsError as error:
        return error
