"""The clock of the Events Manager, which tests can set."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

_LATEST = 10**11


class Clock:
    """The current time in Unix seconds: from the given clock, or a fixed time after `set`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._fixed: float | None = None

    def __call__(self) -> float:
        """Return the time, in Unix seconds."""
        return self._clock() if self._fixed is None else self._fixed

    def set(self, wanted: object) -> None:
        """Stop the clock at `{"now": seconds}`, or at `{"advance": seconds}` after the current time.

        Raises:
            ValueError: If *wanted* is something else, or the time is before 1970 or after the year 5138.
        """
        if not isinstance(wanted, Mapping) or wanted.keys() not in ({"now"}, {"advance"}):
            raise ValueError('send {"now": seconds} or {"advance": seconds}')
        ((name, number),) = wanted.items()
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) <= _LATEST:
            raise ValueError(f"{name} must be a number of seconds")
        time_then = number if name == "now" else self() + number
        if not 0 <= time_then <= _LATEST:
            raise ValueError(f"{name} is not a valid time")
        self._fixed = float(time_then)

    def run(self) -> None:
        """Use the given clock again."""
        self._fixed = None
