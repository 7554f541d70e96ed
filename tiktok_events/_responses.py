"""What became of events."""

from __future__ import annotations

from typing import Literal

import attrs

from tiktok_events._facts.codes import Code
from tiktok_events._recording.outlet import NetworkClosed
from tiktok_events._rules.problem import Problem
from tiktok_events.errors import (
    ApiError,
    AuthenticationError,
    EventValidationError,
    RateLimitError,
    RejectedError,
    ServerError,
    TikTokEventsError,
)

Status = Literal["delivered", "partial", "rejected", "failed"]

_ERRORS: dict[str, type[ApiError]] = {
    "credential": AuthenticationError,
    "config": RejectedError,
    "content": RejectedError,
    "rejected": RejectedError,
    "rate": RateLimitError,
    "server": ServerError,
}


@attrs.frozen
class EventResult:
    """What became of one event.

    `status` is "delivered" (code 0), "partial" (TikTok took part of its request and does not say which events;
    nothing is sent again by itself), "rejected" (refused for what it is: here, with `problems`, or by TikTok, with
    `code`) or "failed" (not delivered through no fault of its own: it can be sent again). `message` says why and
    what to do, without personal data; `request_id` is what TikTok's support asks for.
    """

    event_id: str
    status: Status
    code: int = 0
    message: str = ""
    request_id: str = ""
    problems: tuple[Problem, ...] = ()


@attrs.frozen
class TrackResponse:
    """TikTok's answer, and one `EventResult` per event in the order they were given.

    `code`, `message` and `request_id` are of the last answer; `code` 0 is success, whatever the HTTP status was.
    """

    code: int = 0
    message: str = "OK"
    request_id: str = ""
    results: tuple[EventResult, ...] = ()
    error: TikTokEventsError | None = attrs.field(default=None, eq=False, repr=False)
    """The first error that kept an event from being delivered."""

    @property
    def ok(self) -> bool:
        """Whether everything was delivered; False for a partial success."""
        return self.code == 0 and all(result.status == "delivered" for result in self.results)

    @property
    def delivered(self) -> tuple[EventResult, ...]:
        """The results of the events that TikTok took."""
        return tuple(result for result in self.results if result.status == "delivered")

    @property
    def rejected(self) -> tuple[EventResult, ...]:
        """The results of the events that were refused, or that failed to arrive."""
        return tuple(result for result in self.results if result.status in ("rejected", "failed"))

    def raise_for_rejected(self) -> None:
        """Raise the first refused or failed event's error, with this response on it; else do nothing.

        Raises:
            TikTokEventsError: `EventValidationError`, `ApiError` or `TransportError`.
        """
        if self.error is not None:
            self.error.response = self
            raise self.error

    def __str__(self) -> str:
        counts: dict[str, int] = {}
        for result in self.results:
            counts[result.status] = counts.get(result.status, 0) + 1
        return ", ".join(f"{number:,} {status}" for status, number in counts.items()) or "no events"


def error_for(
    entry: Code,
    *,
    message: str,
    status: int,
    request_id: str = "",
    index: int | None = None,
    names_source: bool = False,
    retry_after: float | None = None,
) -> ApiError:
    """The error that the code table's *entry* asks for."""
    return _ERRORS[entry.kind](
        message,
        code=entry.code,
        status=status,
        request_id=request_id,
        kind=entry.kind,
        index=index,
        names_source=names_source,
        wait=entry.wait,
        retry_after=retry_after,
    )


def result_of(event_id: str, error: TikTokEventsError) -> EventResult:
    """The result of an event that *error* kept from being delivered."""
    if isinstance(error, EventValidationError):
        told = "; ".join(str(problem) for problem in error.problems)
        return EventResult(event_id, "rejected", message=told, problems=error.problems)
    if isinstance(error, ApiError):
        status: Status = "failed" if error.retryable or error.stops else "rejected"
        return EventResult(event_id, status, error.code, str(error), error.request_id)
    # Kept for later, a test run's events would be sent by whoever delivers next.
    return EventResult(event_id, "rejected" if isinstance(error, NetworkClosed) else "failed", message=str(error))
