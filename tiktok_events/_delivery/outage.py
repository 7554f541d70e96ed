"""Keep a delivery loop running while the outbox fails, and log the start and the end of the outage once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from tiktok_events._runtime.clock import monotonic
from tiktok_events.errors import OutboxUnavailable

_LOG = logging.getLogger("tiktok_events")
T = TypeVar("T")


class Outage:
    """Catch what a delivery loop's work raises. Threads that share an instance log one outage once between them."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._is_ongoing, self._changed_at = False, float("-inf")

    def guard(self, work: Callable[[], T], fallback: T) -> T:
        """The result of *work*, or *fallback* if it raises."""
        started_at = self._clock()
        try:
            result = work()
        except OutboxUnavailable as error:
            self._log_start(started_at, "%s; the events are kept", error)
        except Exception as error:  # noqa: BLE001 - the loop must go on; the error's text may hold values
            self._log_start(started_at, "delivery failed; the events are kept (%s)", type(error).__name__)
        else:
            if self._is_ongoing and self._changes(started_at, is_ongoing=False):
                _LOG.info("delivery works again")
            return result
        return fallback

    def _log_start(self, started_at: float, message: str, argument: object) -> None:
        if self._changes(started_at, is_ongoing=True):
            _LOG.error(message, argument)

    def _changes(self, started_at: float, *, is_ongoing: bool) -> bool:
        """Record the state that work begun at *started_at* found. Returns whether it is news.

        Work that was begun before the last change says nothing about the time after it.
        """
        with self._lock:
            if self._is_ongoing == is_ongoing or started_at < self._changed_at:
                return False
            self._is_ongoing, self._changed_at = is_ongoing, self._clock()
            return True
