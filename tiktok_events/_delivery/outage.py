"""Keep a delivery loop running while the outbox fails, and log the start and the end of the outage once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from tiktok_events.errors import OutboxUnavailable

_LOG = logging.getLogger("tiktok_events")
T = TypeVar("T")


class Outage:
    """Keeps delivery loops going through whatever an outbox does; said once when it begins, and once when it ends.

    Threads that share one say it once together: what one of them began before the last change is no news.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lasts, self._changed = False, float("-inf")

    def passing(self, work: Callable[[], T], otherwise: T) -> T:
        """What *work* gives, or *otherwise* while it raises."""
        begun = self._clock()
        try:
            given = work()
        except OutboxUnavailable as error:
            self._begins(begun, "%s; the events are kept", error)
        except Exception as error:  # noqa: BLE001 - the loop must outlive whatever stumbles, and its text may name values
            self._begins(begun, "delivery stumbled; the events are kept (%s)", type(error).__name__)
        else:
            if self._lasts and self._turns(begun, lasts=False):
                _LOG.info("delivery goes on")
            return given
        return otherwise

    def _begins(self, begun: float, message: str, *told: object) -> None:
        if self._turns(begun, lasts=True):
            _LOG.error(message, *told)

    def _turns(self, begun: float, *, lasts: bool) -> bool:
        """Whether work that was begun then is the first to tell."""
        with self._lock:
            if self._lasts == lasts or begun < self._changed:
                return False
            self._lasts, self._changed = lasts, self._clock()
            return True
