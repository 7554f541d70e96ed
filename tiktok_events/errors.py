"""What `except` reads.

- TikTokEventsError
    - ConfigurationError         the set-up is wrong; nothing was sent
    - EventValidationError       an event is wrong; nothing was sent (also a ValueError)
    - TransportError             no answer: network, timeout, TLS
    - ApiError                   TikTok answered, and not with success
        - AuthenticationError    the token or its rights
        - RateLimitError         too many requests
        - RejectedError          the request or its set-up is refused
        - ServerError            TikTok's side failed, or something that is not TikTok answered
    - OutboxFull                 no room for another event
    - OutboxUnavailable          the outbox cannot be used now: busy, down, or its disk is full
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tiktok_events._api.response import TrackResponse
    from tiktok_events._spec.problem import Problem

__all__ = [
    "ApiError",
    "AuthenticationError",
    "ConfigurationError",
    "EventValidationError",
    "OutboxFull",
    "OutboxUnavailable",
    "RateLimitError",
    "RejectedError",
    "ServerError",
    "TikTokEventsError",
    "TransportError",
]


class TikTokEventsError(Exception):
    """Everything this package raises on purpose, except `TypeError` and `ValueError` for mistakes in code."""

    retryable: bool = False
    """Whether the same call may succeed later, unchanged."""

    response: TrackResponse | None = None
    """What became of every event of the call; None when nothing was sent."""


class ConfigurationError(TikTokEventsError):
    """The set-up is wrong: a missing variable, an address that is not https, an unusable token."""


class EventValidationError(TikTokEventsError, ValueError):
    """At least one event has an error, so nothing of the call was sent. `problems` names each one."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("nothing was sent: " + "; ".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.problems,)


class TransportError(TikTokEventsError):
    """No answer came: the network, a timeout or TLS. It may pass later."""

    retryable = True


class OutboxFull(TikTokEventsError):
    """The outbox holds as much as it may. Raised by `Outbox.put`, never through `BackgroundClient`."""

    retryable = True


class OutboxUnavailable(TikTokEventsError):
    """The outbox cannot be used now: somebody else holds it, its server is down, its disk is full. It took nothing.

    Raised by the methods of an `Outbox`, never through `BackgroundClient`, which keeps events in memory meanwhile.
    """

    retryable = True


class ApiError(TikTokEventsError):
    """TikTok answered, and not with success.

    `code` is TikTok's code, or the HTTP status where the answer held none; `status` the HTTP status; `request_id`
    what TikTok's support asks for; `index` the first refused event when the message names it; `wait` the seconds
    before a retry makes sense; `retry_after` the server's own wish in seconds, if it gave one. `kind` is the code
    table's word for what to do (docs/reference/codes.md). The text is TikTok's, with every value redact.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int = 0,
        status: int = 0,
        request_id: str = "",
        kind: str = "server",
        index: int | None = None,
        names_source: bool = False,
        wait: float = 0.5,
        retry_after: float | None = None,
    ) -> None:
        self.message = message
        self.code = code
        self.status = status
        self.request_id = request_id
        self.kind = kind
        self.index = index
        self.wait = wait
        self.retry_after = retry_after
        self.names_source = names_source
        self.retryable = kind in ("rate", "server")
        super().__init__(message)

    @property
    def stops(self) -> bool:
        """Whether nobody's events get through until somebody mends the set-up."""
        return self.kind in ("credential", "config") or self.names_source

    def __str__(self) -> str:
        text = f"TikTok answered {self.code}: {self.message}"
        return f"{text} (request_id {self.request_id})" if self.request_id else text

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self.__dict__.copy())


def _restore(kind: type[ApiError], state: dict[str, object]) -> ApiError:
    error = kind.__new__(kind, state["message"])
    error.__dict__.update(state)
    return error


class AuthenticationError(ApiError):
    """The access token is missing, wrong, expired, or its owner lacks the right. The events are not at fault."""


class RateLimitError(ApiError):
    """Too many requests. It passes."""


class RejectedError(ApiError):
    """The request is refused: by an event in it, or by the set-up (then `stops` is True)."""


class ServerError(ApiError):
    """TikTok's side failed, or what answered was not the Events API. It may pass later."""
