"""Where tracked events go at once, and how they get from there to the outbox when that cannot take them yet."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from tiktok_events._outbox.memory import MemoryOutbox
from tiktok_events._outbox.protocol import Outbox, Record, RecordId, Route
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.errors import OutboxFull, OutboxUnavailable, TikTokEventsError

_LOG = logging.getLogger("tiktok_events")
_LEASE = 60.0
_LONGEST_PAUSE = 5.0
_MANY = 10_000


class Buffer:
    """Takes the events of *route* for *outbox* without ever waiting for a network.

    An outbox on a network is fed from memory by `move`, which belongs to one thread; so is one on this machine while
    it is busy. *spill* takes what neither it nor memory can. What was put is remembered for `unsettled` only if
    *follows* says so.
    """

    def __init__(self, outbox: Outbox, spill: Outbox | None, route: Route, *, follows: bool) -> None:
        self.memory: MemoryOutbox | None = None if outbox.reach == "process" else MemoryOutbox()
        self._outbox, self._spill, self._route = outbox, spill, frozenset([route])
        self._follows = follows
        self.renew()

    def renew(self) -> None:
        """Start afresh, as a forked child does: what was put before is its parent's."""
        self.spilled = 0
        self._lock = threading.Lock()
        self._put: set[RecordId] = set()
        self._many = _MANY
        self._pause = 0.0
        self._down_until = 0.0

    def put(self, records: Sequence[Record]) -> bool:
        """Keep *records*; whether `move` has something to do for them.

        Raises:
            OutboxFull: If there is room for them nowhere.
        """
        try:
            return self._keep(records)
        except OutboxFull:
            if self._spill is None:
                raise
            self._spill.put(records)
            self.spilled += len(records)
        return True

    def move(self) -> int:
        """Bring what waits in memory, and in the spill, to the outbox; how many events moved."""
        sources = [one for one in (self.memory, self._spill) if one is not None]
        moved = sum(self._shift(source) for source in sources)
        if len(self._put) > self._many:
            # Twice what is left then: a backlog that only grows is not asked about again and again.
            self._many = max(_MANY, 2 * self.unsettled())
        return moved

    def due_in(self) -> float | None:
        """Seconds until `move` has something to do; None if nothing waits to be moved."""
        sources = [one for one in (self.memory, self._spill) if one is not None]
        waits = [due for due in (source.due_in(self._route) for source in sources) if due is not None]
        return max(min(waits), self._down_until - time.monotonic()) if waits else None

    def waiting(self) -> int:
        """How many events have not reached the outbox."""
        return sum(one.depth() for one in (self.memory, self._spill) if one is not None)

    def unsettled(self) -> int:
        """How many events that this process put into a shared outbox are neither delivered nor dead."""
        with self._lock:
            put = set(self._put)
        try:
            still = set(self._outbox.still(put)) if put else put
        except TikTokEventsError:
            return len(put)
        with self._lock:
            self._put -= put - still
        return len(still)

    def _keep(self, records: Sequence[Record]) -> bool:
        """Put *records* into the outbox, or into memory; whether they have to be moved."""
        if self.memory is None or not (self._outbox.reach == "network" or self._is_down()):
            try:
                self._remember(self._outbox.put(records))
            except OutboxFull:
                raise
            except TikTokEventsError as error:  # busy, down, or another program's file: somebody may mend it
                self._became_unavailable(error)
                if self.memory is None:
                    raise
            else:
                return False
        self.memory.put(records)
        return True

    def _shift(self, source: Outbox) -> int:
        if self._is_down() and (source is self._spill or self._spill is None):
            return 0
        claims = source.claim(MAX_EVENTS, lease=_LEASE, routes=self._route)
        if not claims:
            return 0
        try:
            self._into_outbox(source, [claim.record for claim in claims])
        except TikTokEventsError as error:
            self._became_unavailable(error)
            source.nack(claims, delay=self._pause, reason=str(error))
            return 0
        source.ack(claims)
        return len(claims)

    def _into_outbox(self, source: Outbox, records: Sequence[Record]) -> None:
        """Put *records* into the outbox; while it is down, those of memory into the spill."""
        try:
            if self._is_down():
                raise OutboxUnavailable("the outbox is left alone for now")
            self._remember(self._outbox.put(records))
            self._became_available()
        except TikTokEventsError as error:
            if self._spill is None or source is self._spill:
                raise
            if not self._is_down():
                self._became_unavailable(error)
            self._spill.put(records)
            self.spilled += len(records)

    def _remember(self, receipts: Sequence[RecordId] | object) -> None:
        if receipts and self._follows:
            with self._lock:
                self._put.update(receipts)  # type: ignore[arg-type]

    def _is_down(self) -> bool:
        return bool(self._down_until) and time.monotonic() < self._down_until

    def _became_unavailable(self, error: Exception) -> None:
        if not self._pause:
            _LOG.error("%s; events wait in memory%s", error, "" if self._spill is None else " or the spill")
        self._pause = min(_LONGEST_PAUSE, self._pause * 2 or 0.1)
        self._down_until = time.monotonic() + self._pause

    def _became_available(self) -> None:
        if self._pause:
            _LOG.info("the outbox takes events again")
        self._pause = self._down_until = 0.0
