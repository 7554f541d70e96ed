"""The ids of keyed events that a `MemoryOutbox` took, so that none is taken twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tiktok_events._outbox.protocol import Record, Route

DAY = 86_400.0
REMEMBER_DAYS = 28.0
"""How long outboxes remember by default. Payment providers repeat webhooks for days; shoppers open old e-mails."""

_MAX_KEYS = 100_000


def checked_days(days: float) -> float:
    """*days* in seconds.

    Raises:
        ValueError: If it is negative or not finite.
    """
    if not 0 <= days < float("inf"):
        raise ValueError("remember_keys must be a number of days, 0 or more")
    return days * DAY


class RememberedKeys:
    """Event ids by route, for *seconds*; the newest 100,000. The caller holds a lock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._put_at: dict[tuple[Route, str], float] = {}

    def split(self, records: Sequence[Record], now: float) -> tuple[Sequence[Record], dict[str, float]]:
        """Those of *records* that are new, and the event ids of the others with the seconds since they were put."""
        if not self._seconds or not any(record.is_keyed for record in records):
            return records, {}
        new: list[Record] = []
        repeated: dict[str, float] = {}
        added: set[tuple[Route, str]] = set()
        for record in records:
            key = record[:3], record.event_id
            age = now - self._put_at.get(key, float("-inf"))
            if record.is_keyed and (age < self._seconds or key in added):
                repeated[record.event_id] = max(0.0, age) if age < self._seconds else 0.0
                continue
            new.append(record)
            if record.is_keyed:
                added.add(key)
        return new, repeated

    def add(self, records: Iterable[Record], now: float) -> None:
        """Remember the keyed ones of *records*."""
        if not self._seconds:
            return
        for record in records:
            if record.is_keyed:
                key = record[:3], record.event_id
                self._put_at.pop(key, None)  # so that the dict stays in the order of time
                self._put_at[key] = now
        while len(self._put_at) > _MAX_KEYS:
            del self._put_at[next(iter(self._put_at))]

    def forget(self, records: Iterable[Record]) -> None:
        """Forget *records*: they may be put again."""
        for record in records:
            self._put_at.pop((record[:3], record.event_id), None)
