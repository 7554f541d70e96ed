"""Where events wait: the record, the protocol every outbox speaks, and the one in memory."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple, Protocol

import attrs

from tiktok_events._fork import renew_after_fork
from tiktok_events.errors import OutboxFull

Route = tuple[str, str, str | None]
"""event_source, event_source_id, test_event_code: events of one request share all three."""


class Record(NamedTuple):
    """One event, encoded and hashed, and where it goes. Never a token: whoever delivers has that."""

    event_source: str
    event_source_id: str
    test_event_code: str | None
    event_id: str
    data: bytes

    @property
    def route(self) -> Route:
        """What the events of one request share."""
        return self[:3]

    def __repr__(self) -> str:
        return f"Record({self.event_source!r}, {self.event_id!r}, {len(self.data)} bytes)"


@attrs.define(eq=False)
class Claim:
    """A record that somebody is delivering: acknowledge it, give it back, or bury it."""

    record: Record
    attempts: int = 0


@attrs.frozen
class DeadLetter:
    """An event that will not be tried again, and why."""

    record: Record
    reason: str
    time: float


class Outbox(Protocol):
    """What `BackgroundClient` puts into and `Worker` takes from.

    `put` raises `OutboxFull` when there is no room for all of its records, and then took none. What `claim` hands out
    is nobody else's for `lease` seconds; after that it may be handed out again, so delivery is at least once, and
    TikTok's deduplication makes it once.
    """

    def put(self, records: Sequence[Record]) -> None:
        """Keep *records*. Raises `OutboxFull`."""
        ...

    def claim(self, limit: int, *, lease: float, routes: Collection[Route]) -> list[Claim]:
        """Up to *limit* records of one of *routes*, oldest first, for *lease* seconds; an empty list if none is due."""
        ...

    def ack(self, claims: Sequence[Claim]) -> None:
        """Forget *claims*: they are delivered."""
        ...

    def nack(self, claims: Sequence[Claim], *, delay: float, reason: str) -> None:
        """Give *claims* back, to be claimed again after *delay* seconds."""
        ...

    def bury(self, claims: Sequence[Claim], *, reason: str) -> None:
        """Move *claims* to the dead letters; *reason* holds no personal data."""
        ...

    def dead(self) -> Sequence[DeadLetter]:
        """The dead letters, oldest first."""
        ...

    def depth(self) -> int:
        """How many records are in it, claimed ones included, dead ones not."""
        ...

    def due_in(self, routes: Collection[Route]) -> float | None:
        """Seconds until a record of *routes* can be claimed: 0 for now, None if none is waiting."""
        ...


class MemoryOutbox:
    """An outbox in this process's memory: fast, bounded, and gone with the process.

    It holds at most `max_events` events and `max_bytes` bytes of them; beyond either `put` raises `OutboxFull`. The
    last `max_dead` dead letters are kept. Threads may share it. `clock` counts seconds and never goes back.
    """

    def __init__(
        self,
        *,
        max_events: int = 100_000,
        max_bytes: int = 200_000_000,
        max_dead: int = 1_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_events, self._max_bytes, self._max_dead, self._clock = max_events, max_bytes, max_dead, clock
        self._renew()
        renew_after_fork(self)

    def _renew(self) -> None:
        # Also what a child starts with after a fork: the parent still has the events, and will deliver them.
        self._lock = threading.Lock()
        self._waiting: dict[Route, deque[Claim]] = {}
        self._later: list[tuple[float, Claim]] = []
        self._leased: dict[int, tuple[float, Claim]] = {}
        self._dead: deque[DeadLetter] = deque(maxlen=self._max_dead)
        self._events = self._bytes = 0

    def put(self, records: Sequence[Record]) -> None:
        """Keep *records* until they are delivered or this process ends. Raises `OutboxFull`, and then kept none."""
        size = sum(len(record.data) for record in records)
        with self._lock:
            if self._events + len(records) > self._max_events or self._bytes + size > self._max_bytes:
                raise OutboxFull(f"the outbox holds {self._events:,} events, {self._bytes:,} bytes")
            self._events += len(records)
            self._bytes += size
            for record in records:
                queue = self._waiting.get(record[:3])
                if queue is None:
                    queue = self._waiting[record[:3]] = deque()
                queue.append(Claim(record))

    def claim(self, limit: int, *, lease: float, routes: Collection[Route]) -> list[Claim]:
        """As `Outbox.claim`. Routes with many events do not starve the others: the served one goes to the back."""
        with self._lock:
            now = self._clock()
            self._bring_back(now)
            for route in list(self._waiting):
                queue = self._waiting[route]
                if route in routes and queue:
                    claims = [queue.popleft() for _ in range(min(limit, len(queue)))]
                    self._waiting[route] = self._waiting.pop(route)
                    for claim in claims:
                        self._leased[id(claim)] = now + lease, claim
                    return claims
        return []

    def ack(self, claims: Sequence[Claim]) -> None:
        """As `Outbox.ack`."""
        with self._lock:
            self._forget(claims)

    def nack(self, claims: Sequence[Claim], *, delay: float, reason: str) -> None:
        """As `Outbox.nack`."""
        with self._lock:
            due = self._clock() + delay
            for claim in claims:
                if self._leased.pop(id(claim), None):
                    self._later.append((due, attrs.evolve(claim, attempts=claim.attempts + 1)))

    def bury(self, claims: Sequence[Claim], *, reason: str) -> None:
        """As `Outbox.bury`."""
        with self._lock:
            for claim in self._forget(claims):
                self._dead.append(DeadLetter(claim.record, reason, time.time()))

    def dead(self) -> Sequence[DeadLetter]:
        """As `Outbox.dead`."""
        with self._lock:
            return tuple(self._dead)

    def depth(self) -> int:
        """As `Outbox.depth`."""
        return self._events

    def due_in(self, routes: Collection[Route]) -> float | None:
        """As `Outbox.due_in`."""
        with self._lock:
            if any(queue and route in routes for route, queue in self._waiting.items()):
                return 0.0
            due = [at for at, claim in (*self._later, *self._leased.values()) if claim.record.route in routes]
            return max(0.0, min(due) - self._clock()) if due else None

    def _forget(self, claims: Sequence[Claim]) -> list[Claim]:
        # A claim whose lease ran out is somebody else's by now: not found here, and left alone.
        forgotten = [claim for claim in claims if self._leased.pop(id(claim), None)]
        self._events -= len(forgotten)
        self._bytes -= sum(len(claim.record.data) for claim in forgotten)
        return forgotten

    def _bring_back(self, now: float) -> None:
        due = [claim for at, claim in self._later if at <= now]
        if due:
            self._later = [entry for entry in self._later if entry[0] > now]
        for key, (until, claim) in list(self._leased.items()):
            if until <= now:
                del self._leased[key]
                due.append(attrs.evolve(claim))  # another claim: the late holder of this one decides nothing any more
        for claim in reversed(due):
            self._waiting.setdefault(claim.record.route, deque()).appendleft(claim)
