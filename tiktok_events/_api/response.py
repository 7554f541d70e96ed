"""TikTok's answer: one result per event, and the response that holds them all."""

from __future__ import annotations

from typing import Literal

import attrs

from tiktok_events._spec.problem import Problem

Status = Literal["delivered", "partial", "rejected", "failed"]


@attrs.frozen
class EventResult:
    """The result of one event.

    `status` is "delivered" (code 0), "partial" (TikTok took part of its request and does not say which events;
    it is not sent again), "rejected" (invalid: found here, with `problems`, or by TikTok, with `code`) or "failed"
    (not delivered, and not because of the event: it can be sent again). `message` says why and what to do, without
    personal data; TikTok's support asks for `request_id`.
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
    error: Exception | None = attrs.field(default=None, eq=False, repr=False)
    """The first error that kept an event from being delivered, a `TikTokEventsError`."""

    @property
    def ok(self) -> bool:
        """Whether everything was delivered; False for a partial success."""
        return self.code == 0 and all(result.status == "delivered" for result in self.results)

    @property
    def delivered(self) -> tuple[EventResult, ...]:
        """The results of the events that TikTok accepted."""
        return tuple(result for result in self.results if result.status == "delivered")

    @property
    def rejected(self) -> tuple[EventResult, ...]:
        """The results of the events that were refused or not delivered."""
        return tuple(result for result in self.results if result.status in ("rejected", "failed"))

    def raise_for_rejected(self) -> None:
        """Raise the first refused or failed event's error, with this response on it; else do nothing.

        Raises:
            TikTokEventsError: `EventValidationError`, `ApiError` or `TransportError`.
        """
        if self.error is not None:
            self.error.response = self  # type: ignore[attr-defined]
            raise self.error

    def __str__(self) -> str:
        counts: dict[str, int] = {}
        for result in self.results:
            counts[result.status] = counts.get(result.status, 0) + 1
        return ", ".join(f"{number:,} {status}" for status, number in counts.items()) or "no events"
