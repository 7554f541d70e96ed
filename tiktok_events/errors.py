"""Exceptions of this package, in one class hierarchy.

- TikTokEventsError
    - ConfigurationError         a setting is wrong; nothing was sent
    - EventValidationError       an event is wrong; nothing was sent (also a ValueError)
    - TransportError             no answer: network, timeout or TLS
    - ApiError                   TikTok answered with an error
        - AuthenticationError    the access token or its permissions are wrong
        - RateLimitError         too many requests
        - RejectedError          TikTok refused the request because of an event or the settings
        - ServerError            TikTok failed, or the answer is not from the Events API
    - OutboxFull                 the outbox has no space for another event
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
    """Base class of all errors of this package, except `TypeError` and `ValueError` for mistakes in code."""

    retryable: bool = False
    """Whether the same call may succeed later."""

    response: TrackResponse | None = None
    """The results of all events of the call; None if nothing was sent."""


class ConfigurationError(TikTokEventsError):
    """A setting is wrong, such as a missing variable, an address that is not https, or an invalid token."""


class EventValidationError(TikTokEventsError, ValueError):
    """At least one event of the call has an error, so no event was sent. `problems` is the tuple of all problems."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("nothing was sent: " + "; ".join(str(problem) for problem in self.problems))

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.problems,)


class TransportError(TikTokEventsError):
    """TikTok did not answer: network, timeout or TLS, or an answer above 64 kB. The same call may succeed later.

    `is_refused_locally` is True if a loopback address refused the connection: no program listens there.
    """

    retryable = True
    is_refused_locally = False


class OutboxFull(TikTokEventsError):
    """The outbox is full. Raised by `Outbox.put`, never by `BackgroundClient`."""

    retryable = True


class OutboxUnavailable(TikTokEventsError):
    """The outbox cannot be used now: it is busy, its server is down, or its disk is full. It stored nothing.

    Raised by the methods of an `Outbox`, never by `BackgroundClient`, which buffers events in memory meanwhile.
    """

    retryable = True


class ApiError(TikTokEventsError):
    """TikTok answered with an error.

    - `code` (int): TikTok's code, or the HTTP status of an answer without one.
    - `status` (int): the HTTP status.
    - `request_id` (str): TikTok's id of the request, which its support needs.
    - `index` (int or None): the index of the first refused event, if the message contains it.
    - `wait` (float): seconds before the first retry.
    - `retry_after` (float or None): seconds from the Retry-After header, if there is one.
    - `kind` (str): the kind of reaction, from the table of answer codes (docs/reference/codes.md).

    `message` is TikTok's, with every value redacted.
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
        is_about_source: bool = False,
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
        self.is_about_source = is_about_source
        self.retryable = kind in ("rate", "server")
        super().__init__(message)

    @property
    def is_configuration_error(self) -> bool:
        """Whether TikTok accepts no event until the token or the settings are fixed."""
        return self.kind in ("credential", "config") or self.is_about_source

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
    """The access token is missing, wrong or expired, or lacks a permission. The events are valid."""


class RateLimitError(ApiError):
    """Too many requests. The same call succeeds later."""


class RejectedError(ApiError):
    """TikTok refused the request: because of one of its events, or because of the settings.

    `is_configuration_error` is True for the settings.
    """


class ServerError(ApiError):
    """TikTok failed, or the answer is not from the Events API. The same call may succeed later."""
