"""`MemoryOutbox`: an outbox in the memory of this process."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Literal, cast

import attrs

from tiktok_events._outbox.protocol import NOTHING_STORED, Claim, DeadLetter, PutResult, Record, RecordId, Route, Scope
from tiktok_events._outbox.remembered_keys import REMEMBER_DAYS, RememberedKeys, checked_days
from tiktok_events._runtime.clock import monotonic
from tiktok_events._runtime.fork import renew_after_fork
from tiktok_events._runtime.payload import Payload
from tiktok_events.errors import OutboxFull

Waiting = tuple[str, bytes, float, bool]
"""event_id, data, when it was put, and whether it has a key. The garbage collector scans a tuple of these only
once, so the data is plain bytes here."""


_LOG = logging.getLogger("tiktok_events")


@attrs.define(eq=False)
class _Queue:
    """The waiting records of one route: those that were given back come before new ones."""

    new: deque[Waiting] = attrs.field(factory=deque, repr=False)
    again: deque[Claim] = attrs.field(factory=deque)


class MemoryOutbox:
    """An outbox in the memory of this process: fast, bounded, and lost when the process ends.

    It holds at most `max_events` events and `max_bytes` bytes of them. Beyond either, `overflow` "refuse" makes `put`
    raise `OutboxFull`; "drop_oldest" forgets the events that wait longest, counts them in `dropped` and gives them to
    `on_dropped`, which must return quickly. The last `max_dead` dead letters are kept. For `remember_keys` days it takes
    no event twice that has the same name and key; it remembers the newest 100,000 of each source, and 0 turns this off.
    Threads may share it; a forked child starts with an empty one that remembers the same keys, since its parent still
    has the events. `clock` counts seconds and never goes back.

    Raises:
        ValueError: If `overflow` is something else, or `remember_keys` is negative.
    """

    scope: Scope = "process"

    def __init__(
        self,
        *,
        max_events: int = 100_000,
        max_bytes: int = 200_000_000,
        max_dead: int = 1_000,
        overflow: Literal["refuse", "drop_oldest"] = "refuse",
        on_dropped: Callable[[Sequence[Record]], object] | None = None,
        remember_keys: float = REMEMBER_DAYS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if overflow not in ("refuse", "drop_oldest"):
            raise ValueError('overflow must be "refuse" or "drop_oldest"')
        self._max_events, self._max_bytes, self._max_dead, self._clock = max_events, max_bytes, max_dead, clock
        self._keys = RememberedKeys(checked_days(remember_keys))
        self._drops_oldest, self._on_dropped = overflow == "drop_oldest", on_dropped
        self._renew()
        renew_after_fork(self)

    def _renew(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Route, _Queue] = {}
        self._later: list[tuple[float, Claim]] = []
        self._leased: dict[int, tuple[float, Claim]] = {}
        self._dead: deque[DeadLetter] = deque(maxlen=self._max_dead)
        self._events = self._bytes = 0
        self.dropped = 0

    def __repr__(self) -> str:
        return f"MemoryOutbox({self._events} events)"

    def put(self, records: Sequence[Record]) -> PutResult:
        """Keep *records* until they are delivered or this process ends.

        Raises:
            OutboxFull: If there is no room for all of them; none was kept then.
        """
        dropped: list[Record] = []
        with self._lock:
            now = self._clock()
            records, repeated = self._keys.split(records, now)
            size = 0
            for record in records:
                size += len(record.data)
            if self._events + len(records) > self._max_events or self._bytes + size > self._max_bytes:
                dropped = self._make_room(len(records), size)
            self._events += len(records)
            self._bytes += size
            self._keys.add(records, now)
            for record in records:
                queue = self._waiting.get(record[:3])
                if queue is None:
                    queue = self._waiting[record[:3]] = _Queue()
                queue.new.append((record.event_id, bytes(record.data), now, record.is_keyed))
        if dropped:
            if self.dropped == len(dropped):  # the first drop
                _LOG.warning(
                    "the outbox in memory is full: the oldest events are dropped; MemoryOutbox.dropped counts them"
                )
            if self._on_dropped is not None:
                self._on_dropped(dropped)
        return PutResult.of((), repeated) if repeated else NOTHING_STORED

    def claim(self, limit: int, *, lease: float, routes: Collection[Route]) -> list[Claim]:
        """As `Outbox.claim`. The route that was served goes to the back, so that no route starves."""
        with self._lock:
            now = self._clock()
            self._bring_back(now)
            for route, queue in self._waiting.items():
                if route in routes and (queue.again or queue.new):
                    claims = [queue.again.popleft() for _ in range(min(limit, len(queue.again)))]
                    for _ in range(min(limit - len(claims), len(queue.new))):
                        event_id, data, at, is_keyed = queue.new.popleft()
                        claims.append(Claim(Record(*route, event_id, Payload(data), is_keyed), record_id=at))
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

    def dead_letter(self, claims: Sequence[Claim], *, reason: str) -> None:
        """As `Outbox.dead_letter`."""
        with self._lock:
            forgotten = self._forget(claims)
            self._keys.forget(claim.record for claim in forgotten)
            for claim in forgotten:
                self._dead.append(DeadLetter(claim.record, reason, time.time()))

    def dead(self, limit: int = 1_000) -> Sequence[DeadLetter]:
        """As `Outbox.dead`."""
        with self._lock:
            return tuple(self._dead)[-limit:] if limit > 0 else ()

    def replay(self, event_ids: Collection[str] | None = None) -> int:
        """As `Outbox.replay`.

        Raises:
            OutboxFull: If there is no room for all of them; they stay dead letters.
        """
        letters = self._replay(event_ids)
        try:
            self.put([letter.record for letter in letters])
        except OutboxFull:
            with self._lock:
                kept = sorted((*letters, *self._dead), key=lambda letter: letter.time)
                self._dead = deque(kept, maxlen=self._max_dead)
            raise
        return len(letters)

    def purge(self, event_ids: Collection[str] | None = None) -> int:
        """As `Outbox.purge`."""
        return len(self._replay(event_ids))

    def undelivered(self, record_ids: Collection[RecordId]) -> Collection[RecordId]:
        """As `Outbox.undelivered`; `put` returns no ids."""
        return ()

    def depth(self) -> int:
        """As `Outbox.depth`."""
        return self._events

    def age(self) -> float | None:
        """As `Outbox.age`."""
        with self._lock:
            put = [queue.new[0][2] for queue in self._waiting.values() if queue.new]
            held = [claim for queue in self._waiting.values() for claim in queue.again]
            held += [claim for _, claim in (*self._later, *self._leased.values())]
            put += [cast("float", claim.record_id) for claim in held]
            return max(0.0, self._clock() - min(put)) if put else None

    def due_in(self, routes: Collection[Route]) -> float | None:
        """As `Outbox.due_in`."""
        with self._lock:
            if any((queue.again or queue.new) and route in routes for route, queue in self._waiting.items()):
                return 0.0
            due = [at for at, claim in (*self._later, *self._leased.values()) if claim.record.route in routes]
            return max(0.0, min(due) - self._clock()) if due else None

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def _make_room(self, events: int, size: int) -> list[Record]:
        if not self._drops_oldest or events > self._max_events or size > self._max_bytes:
            raise OutboxFull(f"the outbox has no room: it holds {self._events:,} events, {self._bytes:,} bytes")
        dropped: list[Record] = []
        while self._events + events > self._max_events or self._bytes + size > self._max_bytes:
            # Claimed records are being delivered and records that were given back have been tried: neither is dropped.
            waiting = [(queue.new[0][2], route) for route, queue in self._waiting.items() if queue.new]
            if not waiting:
                raise OutboxFull(
                    f"the outbox has no room: all its {self._events:,} events are being delivered or retried"
                )
            route = min(waiting, key=lambda entry: entry[0])[1]
            event_id, data, _, is_keyed = self._waiting[route].new.popleft()
            dropped.append(Record(*route, event_id, Payload(data), is_keyed))
            self._events -= 1
            self._bytes -= len(data)
            self.dropped += 1
        self._keys.forget(dropped)
        return dropped

    def _replay(self, event_ids: Collection[str] | None) -> list[DeadLetter]:
        with self._lock:
            letters: tuple[list[DeadLetter], list[DeadLetter]] = [], []
            for one in self._dead:
                letters[event_ids is None or one.record.event_id in event_ids].append(one)
            kept, taken = letters
            self._dead = deque(kept, maxlen=self._max_dead)
        return taken

    def _forget(self, claims: Sequence[Claim]) -> list[Claim]:
        # A claim whose lease ran out may have been claimed again: it is not found here and is ignored.
        forgotten = [claim for claim in claims if self._leased.pop(id(claim), None)]
        self._events -= len(forgotten)
        self._bytes -= sum(len(claim.record.data) for claim in forgotten)
        return forgotten

    def _bring_back(self, now: float) -> None:
        if not self._later and not self._leased:
            return
        due = [claim for at, claim in self._later if at <= now]
        if due:
            self._later = [entry for entry in self._later if entry[0] > now]
        for key, (until, claim) in list(self._leased.items()):
            if until <= now:
                del self._leased[key]
                # The record was claimed again since, so the result of this claim is ignored.
                due.append(attrs.evolve(claim, crashed_deliveries=claim.crashed_deliveries + 1))
        for claim in reversed(due):
            self._waiting.setdefault(claim.record.route, _Queue()).again.appendleft(claim)
