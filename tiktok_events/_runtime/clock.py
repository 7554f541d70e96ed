"""`monotonic`: a clock that libraries that freeze or move the time in tests do not replace."""

from __future__ import annotations

import time

if hasattr(time, "clock_gettime"):

    def monotonic() -> float:
        """Seconds that never go back, as `time.monotonic`. Waits end by it also where a test has frozen the time."""
        return time.clock_gettime(time.CLOCK_MONOTONIC)

else:  # Windows
    monotonic = time.monotonic
