"""Time that passes when a test says so, and waiting for what really takes some."""

from __future__ import annotations

import time
from collections.abc import Callable


class Clock:
    """Seconds that pass when told to, or when somebody sleeps by it."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.slept.append(seconds)
        self.now += seconds


def until(is_true: Callable[[], object], seconds: float = 30.0) -> float:
    """Wait for it; how many seconds that took."""
    begun = time.monotonic()
    while not is_true():
        assert time.monotonic() - begun < seconds, "it never came"
        time.sleep(0.01)
    return time.monotonic() - begun
