"""Memory buffer in front of an outbox that is on a network, busy or down."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Sequence

import attrs

from tiktok_events._outbox.memory import MemoryOutbox
from tiktok_events._outbox.protocol import OnRepeated, Outbox, Record, RecordId, Repeat, Route, WritesLater
from tiktok_events._runtime.clock import monotonic
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.errors import OutboxFull, OutboxUnavailable, TikTokEventsError

_LOG = logging.getLogger("tiktok_events")
_LEASE = 60.0
"""Seconds in which claimed records must have reached the outbox."""
_LONGEST_PAUSE = 5.0
"""The longest pause, in seconds, before an outbox that is down is used again."""
_MAX_TRACKED = 10_000
"""Tracked record ids above which finished ones are looked up and forgotten."""


@attrs.frozen
class Placed:
    """Where `put` has stored records: whether `move` must move them on, and the repeated ones, which it has not stored."""

    must_be_moved: bool
    repeated: Sequence[Repeat]


class Buffer:
    """Take the events of *route* for *outbox* without waiting for a network.

    Events for an outbox on a network, or for one on this machine that is busy, wait in memory until the delivery
    thread calls `move`. *spill* takes events that neither the outbox nor memory can take. With *track_records* the
    ids of the records are kept for `unfinished`. *on_repeated*, a method, is called with the repeated events that are
    found after `put`.
    """

    def __init__(
        self,
        outbox: Outbox,
        spill: Outbox | None,
        route: Route,
        *,
        track_records: bool,
        on_repeated: OnRepeated,
    ) -> None:
        # Memory remembers no keys: an event may become a dead letter of the outbox, and be put again.
        self.memory: MemoryOutbox | None = None if outbox.scope == "process" else MemoryOutbox(remember_keys=0)
        self._on_repeated = on_repeated
        self._outbox, self._spill, self._route = outbox, spill, frozenset([route])
        self._track_records = track_records
        outboxes: tuple[object, ...] = outbox, spill
        for one in outboxes:
            if isinstance(one, WritesLater):
                one.on_repeated(route, on_repeated)
        self.renew()

    def renew(self) -> None:
        """Reset after a fork: earlier events belong to the parent process."""
        self.spilled = 0
        self._lock = threading.Lock()
        self._unfinished_ids: set[RecordId] = set()
        self._lookup_above = _MAX_TRACKED
        self._pause = 0.0
        self._down_until = 0.0

    def put(self, records: Sequence[Record]) -> Placed:
        """Store *records* in the outbox, in memory or in the spill.

        Raises:
            OutboxFull: If outbox, memory and spill are full.
        """
        try:
            return self._store(records)
        except OutboxFull:
            if self._spill is None:
                raise
            repeated = self._spill.put(records).repeated
            self.spilled += len(records) - len(repeated)
        return Placed(must_be_moved=True, repeated=repeated)

    def move(self) -> int:
        """Move events from memory and from the spill to the outbox. Returns their number."""
        sources = [source for source in (self.memory, self._spill) if source is not None]
        moved = sum(self._move_from(source) for source in sources)
        if len(self._unfinished_ids) > self._lookup_above:
            # Look up next at twice the number that is left, so that a growing backlog is not looked up at every move.
            self._lookup_above = max(_MAX_TRACKED, 2 * self.unfinished())
        return moved

    def due_in(self) -> float | None:
        """Seconds until `move` has something to do; None if nothing is waiting."""
        sources = [source for source in (self.memory, self._spill) if source is not None]
        waits = [due for due in (source.due_in(self._route) for source in sources) if due is not None]
        return max(min(waits), self._down_until - monotonic()) if waits else None

    def waiting(self) -> int:
        """The number of events that have not reached the outbox."""
        return sum(source.depth() for source in (self.memory, self._spill) if source is not None)

    def unfinished(self) -> int:
        """The number of this process's events in a shared outbox that are neither delivered nor dead letters."""
        with self._lock:
            put = set(self._unfinished_ids)
        try:
            still = set(self._outbox.undelivered(put)) if put else put
        except TikTokEventsError:
            return len(put)
        with self._lock:
            self._unfinished_ids -= put - still
        return len(still)

    def _store(self, records: Sequence[Record]) -> Placed:
        """Put *records* into the outbox, or into memory."""
        if self.memory is None or not (self._outbox.scope == "network" or self._is_down()):
            try:
                stored = self._outbox.put(records)
                self._track(stored)
            except OutboxFull:
                raise
            except TikTokEventsError as error:  # busy, down, or another program's file; a later put may succeed
                self._became_unavailable(error)
                if self.memory is None:
                    raise
            else:
                return Placed(must_be_moved=False, repeated=stored.repeated)
        self.memory.put(records)
        return Placed(must_be_moved=True, repeated=())

    def _move_from(self, source: Outbox) -> int:
        """Move one batch from *source* to the outbox. Returns its size, 0 if the outbox is down."""
        if self._is_down() and (source is self._spill or self._spill is None):
            return 0
        claims = source.claim(MAX_EVENTS, lease=_LEASE, routes=self._route)
        if not claims:
            return 0
        try:
            self._put_or_spill(source, [claim.record for claim in claims])
        except TikTokEventsError as error:
            self._became_unavailable(error)
            source.nack(claims, delay=self._pause, reason=str(error))
            return 0
        source.ack(claims)
        return len(claims)

    def _put_or_spill(self, source: Outbox, records: Sequence[Record]) -> None:
        """Put *records* into the outbox; while it is down, put those from memory into the spill."""
        try:
            if self._is_down():
                raise OutboxUnavailable("the outbox is down and is tried again later")
            stored = self._outbox.put(records)
            self._track(stored)
            self._became_available()
        except TikTokEventsError as error:
            if self._spill is None or source is self._spill:
                raise
            if not self._is_down():
                self._became_unavailable(error)
            stored = self._spill.put(records)
            self.spilled += len(records) - len(stored.repeated)
        if stored.repeated:
            self._on_repeated(stored.repeated)

    def _track(self, record_ids: Collection[RecordId]) -> None:
        if record_ids and self._track_records:
            with self._lock:
                self._unfinished_ids.update(record_ids)

    def _is_down(self) -> bool:
        return bool(self._down_until) and monotonic() < self._down_until

    def _became_unavailable(self, error: Exception) -> None:
        if not self._pause:
            _LOG.error("%s; events wait in memory%s", error, "" if self._spill is None else " or the spill")
        self._pause = min(_LONGEST_PAUSE, self._pause * 2 or 0.1)
        self._down_until = monotonic() + self._pause

    def _became_available(self) -> None:
        if self._pause:
            _LOG.info("the outbox accepts events again")
        self._pause = self._down_until = 0.0
