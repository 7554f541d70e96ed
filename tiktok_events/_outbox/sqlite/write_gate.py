"""`WriteGate`: lets the threads of a process write to the file one after the other."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tiktok_events._runtime.clock import monotonic
from tiktok_events.errors import OutboxUnavailable

_LONGEST_CHECKPOINT = 30.0
"""Seconds that a put waits for a checkpoint of its own process, at most."""


class WriteGate:
    """A lock with a bounded wait. The time of a checkpoint, which is our own housekeeping, does not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_checkpointing = False

    @contextmanager
    def held(self, wait: float) -> Iterator[float]:
        """Hold the lock for the block, which gets the time (of `monotonic`) until which it may wait for the file.

        Raises:
            OutboxUnavailable: If other puts hold it for longer than *wait* seconds.
        """
        began = monotonic()
        until = began + wait
        while not self._lock.acquire(timeout=wait):
            if not self._is_checkpointing or monotonic() - began > _LONGEST_CHECKPOINT:
                raise busy(wait)
            until = monotonic() + wait
        try:
            yield until
        finally:
            self._lock.release()

    @contextmanager
    def checkpointing(self) -> Iterator[None]:
        """Mark the block as a checkpoint."""
        self._is_checkpointing = True
        try:
            yield
        finally:
            self._is_checkpointing = False


def busy(wait: float) -> OutboxUnavailable:
    """The error for a file that others write to for *wait* seconds."""
    return OutboxUnavailable(f"the outbox was busy for {wait:g} s")
