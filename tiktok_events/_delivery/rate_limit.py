"""Token bucket for outgoing requests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tiktok_events._runtime.clock import monotonic


class TokenBucket:
    """Lets *rate* requests a second through, at most a tenth of a second's worth at once.

    Raises:
        ValueError: If *rate* is not positive.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not rate > 0:
            raise ValueError("rate must be more than 0 requests a second")
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._most = self._tokens = max(1.0, rate / 10)
        self._filled = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait for a token. Who comes first is served first, since each takes its own before it waits."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._most, self._tokens + max(0.0, now - self._filled) * self._rate) - 1
            self._filled = now
            wait = -self._tokens / self._rate
        if wait > 0:
            self._sleep(wait)
