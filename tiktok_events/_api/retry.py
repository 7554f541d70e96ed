"""Retry policy: exponential backoff with full jitter, and Retry-After."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs

from tiktok_events.errors import ApiError

LONGEST_RETRY_AFTER = 300.0
_LONG_PAUSE = 60.0


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How `Client.track` retries, in seconds. The numbers are this project's choice, not TikTok's.

    The n-th wait is random between 0 and `first_wait` (or the code table's own, 1 s for 40100, 60 s for 60001, 300 s
    for 40132), doubled n-1 times and capped at `max_wait`; a code's own longer wait is kept. A longer Retry-After
    wins, up to 300 s. A wait that does not fit `max_total`, counted from the first try, is not begun: the error is
    raised at once. `attempts` bounds the tries; 1 means no retry.

    Raises:
        ValueError: If a number is negative, or `attempts` is below 1.
    """

    attempts: int = attrs.field(default=8, validator=attrs.validators.ge(1))
    first_wait: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    max_wait: float = attrs.field(default=30.0, validator=attrs.validators.ge(0))
    max_total: float = attrs.field(default=60.0, validator=attrs.validators.ge(0))

    def wait(self, error: Exception, attempt: int, jitter: Callable[[], float] = random.random) -> float:
        """Seconds to wait after the *attempt*-th try (from 1) ended in *error*. *jitter* gives 0 to 1."""
        own = error.wait if isinstance(error, ApiError) else 0.0
        if own >= _LONG_PAUSE and self.max_wait:
            # A pause of the code table (maintenance, a throttled source) is not shortened by jitter or cap.
            return max(own, self._asked_for(error))
        first = max(self.first_wait, own) if self.first_wait else 0.0
        doubled = min(first * float(2 ** min(attempt - 1, 30)), self.max_wait)
        return max(doubled * jitter(), self._asked_for(error))

    @staticmethod
    def _asked_for(error: Exception) -> float:
        asked = error.retry_after if isinstance(error, ApiError) else None
        return min(asked, LONGEST_RETRY_AFTER) if asked else 0.0
