"""Time that passes when a test says so."""

from __future__ import annotations


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
