"""Map an answer code to its error class, and an error to the result of an event."""

from __future__ import annotations

from tiktok_events._api.network_guard import NetworkBlocked
from tiktok_events._api.response import EventResult, Status
from tiktok_events._spec.codes import Code
from tiktok_events.errors import (
    ApiError,
    AuthenticationError,
    EventValidationError,
    RateLimitError,
    RejectedError,
    ServerError,
)

_ERRORS: dict[str, type[ApiError]] = {
    "credential": AuthenticationError,
    "config": RejectedError,
    "content": RejectedError,
    "rejected": RejectedError,
    "rate": RateLimitError,
    "server": ServerError,
}


def error_for(
    entry: Code,
    *,
    message: str,
    status: int,
    request_id: str = "",
    index: int | None = None,
    is_about_source: bool = False,
    retry_after: float | None = None,
) -> ApiError:
    """The error for *entry* of the code table."""
    return _ERRORS[entry.kind](
        message,
        code=entry.code,
        status=status,
        request_id=request_id,
        kind=entry.kind,
        index=index,
        is_about_source=is_about_source,
        wait=entry.wait,
        retry_after=retry_after,
    )


def result_of(event_id: str, error: Exception) -> EventResult:
    """The result of an event that was not delivered because of *error*."""
    if isinstance(error, EventValidationError):
        message = "; ".join(str(problem) for problem in error.problems)
        return EventResult(event_id, "rejected", message=message, problems=error.problems)
    if isinstance(error, ApiError):
        status: Status = "failed" if error.retryable or error.is_configuration_error else "rejected"
        return EventResult(event_id, status, error.code, str(error), error.request_id)
    # "failed" would keep a test run's events in the outbox, and the next worker would send them.
    return EventResult(event_id, "rejected" if isinstance(error, NetworkBlocked) else "failed", message=str(error))
