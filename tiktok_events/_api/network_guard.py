"""The way out of this process: open, closed to all but this machine, or watched by a test. It imports nothing heavy.

Everything before it (checking, hashing, ids, consent) is the same in each case. Who is about to queue or post asks
here; a test sets `recorder` or `closed` for all sites and clients at once, whenever they were made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, Protocol

from tiktok_events.errors import ConfigurationError

if TYPE_CHECKING:
    from tiktok_events._api.response import TrackResponse
    from tiktok_events._events.source import EventSource

Reason = Literal["consent", "off", "invalid", "bot", "before_send"]
"""Why an event goes nowhere."""


class Records(Protocol):
    """What stands in for TikTok while a test records."""

    strict: bool

    def take(self, source: EventSource, body: bytes) -> TrackResponse:
        """Keep the events of one request's *body*, and answer as TikTok does when all is well."""
        ...

    def drop(self, event: str, reason: Reason, why: str, request: str) -> None:
        """Keep that an *event* went nowhere, and what *request* is to blame. *why* holds no value."""
        ...


class NetworkBlocked(ConfigurationError):
    """Events would have left a test run."""

    def __init__(self) -> None:
        super().__init__(
            "nothing leaves a test run: record with the fixture tiktok or tiktok_events.testing.capture(), "
            "send to this machine (TIKTOK_API_URL=http://127.0.0.1:8765/open_api/v1.3), or run pytest --tiktok-live"
        )


recorder: Records | None = None
"""Who takes every request in TikTok's place; None outside `capture()`."""

is_blocked = False
"""Whether only loopback addresses can be reached, as in a pytest run."""


def strict(given: bool | None) -> bool:
    """Whether mistakes raise: as *given*, and where nobody said so while a test records."""
    return recorder is not None and recorder.strict if given is None else given


def dropped(event: str | None, reason: Reason, why: Iterable[object], request: str = "") -> None:
    """Tell the test that records, if one does, that an *event* went nowhere."""
    if recorder is not None:
        recorder.drop(event or "", reason, "; ".join(map(str, why)), request)
