"""Block or record requests in test runs.

Checking, hashing, ids and consent work as always. Code that is about to queue or send an event reads `recorder` and
`is_blocked`; a test sets them for all sites and clients at once. This module imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Protocol

from tiktok_events.errors import ConfigurationError

if TYPE_CHECKING:
    from tiktok_events._api.response import TrackResponse
    from tiktok_events._events.source import EventSource

Reason = Literal["consent", "off", "invalid", "bot", "repeat", "before_send"]
"""Why an event goes nowhere."""


class Records(Protocol):
    """A recorder that takes requests in TikTok's place while a test records."""

    strict: bool

    def take(self, source: EventSource, body: bytes) -> TrackResponse:
        """Record the events of one request's *body*, and return a successful response."""
        ...

    def drop(self, event: str, reason: Reason, why: str, request: str) -> None:
        """Record an *event* that is not sent, and the *request* it came from. *why* holds no value."""
        ...


class NetworkBlocked(ConfigurationError):
    """Events would have left a test run, which blocks the network."""

    def __init__(self) -> None:
        super().__init__(
            "tiktok-events sends nothing in a test run: record events with the fixture tiktok or "
            "tiktok_events.testing.capture(), send them to this machine "
            "(TIKTOK_API_URL=http://127.0.0.1:8765/open_api/v1.3), or run pytest --tiktok-live"
        )


recorder: Records | None = None
"""Who takes every request in TikTok's place; None outside `capture()`."""

is_blocked = False
"""Whether only loopback addresses can be reached, as in a pytest run."""


def strict(given: bool | None) -> bool:
    """Whether mistakes raise: as *given*, or if that is None while a strict test records."""
    return recorder is not None and recorder.strict if given is None else given


def dropped(event: str | None, reason: Reason, why: Iterable[object], request: str = "") -> None:
    """Report an *event* that is not sent to the test that records, if one does."""
    if recorder is not None:
        recorder.drop(event or "", reason, "; ".join(map(str, why)), request)
