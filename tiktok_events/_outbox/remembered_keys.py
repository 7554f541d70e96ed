"""The ids of keyed events that a `MemoryOutbox` took, so that none is taken twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tiktok_events._outbox.protocol import Record, Repeat, Route

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
    """Event ids of each route, for *seconds*; the newest 100,000. The caller holds a lock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # A dict of texts and numbers for each route: the garbage collector does not look into it.
        self._put_at: dict[Route, dict[str, float]] = {}

    def split(self, records: Sequence[Record], now: float) -> tuple[Sequence[Record], Sequence[Repeat]]:
        """Those of *records* that are new, and the others."""
        repeated: list[Repeat] = []
        if not self._seconds:
            return records, repeated
        indexes: set[int] = set()
        earlier: set[tuple[Route, str]] = set()
        for index, record in enumerate(records):
            if not record.is_keyed:
                continue
            put_at = self._put_at.get(record[:3], {}).get(record.event_id)
            if put_at is not None and now - put_at < self._seconds:
                repeated.append(Repeat(record.event_id, max(0.0, now - put_at)))
                indexes.add(index)
            elif len(records) > 1:
                key = record[:3], record.event_id
                if key in earlier:
                    repeated.append(Repeat(record.event_id, 0.0))
                    indexes.add(index)
                earlier.add(key)
        if not indexes:
            return records, repeated
        return [record for index, record in enumerate(records) if index not in indexes], repeated

    def add(self, records: Iterable[Record], now: float) -> None:
        """Remember the keyed ones of *records*."""
        if not self._seconds:
            return
        for record in records:
            if record.is_keyed:
                put_at = self._put_at.get(record[:3])
                if put_at is None:
                    put_at = self._put_at[record[:3]] = {}
                elif record.event_id in put_at:  # so that the dict stays in the order of time
                    del put_at[record.event_id]
                put_at[record.event_id] = now
                if len(put_at) > _MAX_KEYS:
                    del put_at[next(iter(put_at))]

    def forget(self, records: Iterable[Record]) -> None:
        """Forget *records*: they may be put again."""
        for record in records:
            self._put_at.get(record[:3], {}).pop(record.event_id, None)
