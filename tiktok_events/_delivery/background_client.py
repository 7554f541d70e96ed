"""Deliver without holding anybody up: `track` queues bytes, one thread delivers them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Self

from tiktok_events._api import network_guard
from tiktok_events._api.async_client import AsyncClient
from tiktok_events._api.client import Client
from tiktok_events._api.encoding import encode_item, join
from tiktok_events._api.response import EventResult
from tiktok_events._checks.check import check
from tiktok_events._delivery.buffer import Buffer
from tiktok_events._delivery.delivery_thread import DeliveryThread
from tiktok_events._delivery.hooks import BeforeSend, Hooks, OnDropped, OnResults, OnRetry
from tiktok_events._delivery.stats import Stats, StatsCounter
from tiktok_events._delivery.worker import Worker
from tiktok_events._events.event import Event
from tiktok_events._outbox.memory import MemoryOutbox
from tiktok_events._outbox.protocol import Outbox, Record
from tiktok_events._runtime.fork import renew_after_fork
from tiktok_events.errors import TikTokEventsError

_LOG = logging.getLogger("tiktok_events")


class BackgroundClient:
    """Queue events and deliver them through *client* from a thread of its own.

    The thread starts with the first `track`, again after a fork, and ends with `close`, or at exit within 10 s. It
    takes what is waiting, at once; while events keep coming, those of 10 ms together.
    `outbox` is a `MemoryOutbox` by default: bounded, gone with the process. An outbox on a network is fed by the
    thread, so that no request waits for it; one on this machine's disk has the events when `track` returns, and is
    fed by the thread while it is busy. What neither it nor memory can take goes to *spill*, if there is one. With
    `deliver=False` a worker elsewhere delivers. `strict` raises what it would log; by default only while a test records
    (`testing.capture`). Threads and event loops may share a background client.

    Hooks: `before_send` is given every event in the caller's thread and returns it, another one, or None to drop it;
    `on_sent`, `on_rejected` are given results, `on_retry` results and the seconds until the next try, `on_dropped`
    event ids and a reason ("full", "invalid", "before_send", or in a test run "network_blocked"). All but the first and
    `on_dropped` run in the thread.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        outbox: Outbox | None = None,
        *,
        deliver: bool = True,
        strict: bool | None = None,
        spill: Outbox | None = None,
        before_send: BeforeSend | None = None,
        on_sent: OnResults | None = None,
        on_retry: OnRetry | None = None,
        on_rejected: OnResults | None = None,
        on_dropped: OnDropped | None = None,
    ) -> None:
        self.client = client
        self.outbox: Outbox = MemoryOutbox() if outbox is None else outbox
        self._hooks = Hooks(
            before_send=before_send,
            on_sent=on_sent,
            on_retry=on_retry,
            on_rejected=on_rejected,
            on_dropped=on_dropped,
        )
        self._deliver, self._strict = deliver, strict
        self._counts = StatsCounter()
        self._buffer = Buffer(self.outbox, spill, client.source.route, follows=deliver)
        self._delivery_thread = DeliveryThread(self.outbox, spill, self._buffer, self._a_worker if deliver else None)
        renew_after_fork(self)

    def _renew(self) -> None:
        self._counts = StatsCounter()
        self._buffer.renew()
        self._delivery_thread.renew()

    def _a_worker(self) -> Worker:
        return Worker(self.outbox, self.client, on_settled=self._settled, on_retry=self._retried)

    def __repr__(self) -> str:
        return f"BackgroundClient({self.client!r}, {type(self.outbox).__name__})"

    def track(self, *events: Event) -> int:
        """Queue *events* and return at once: how many were queued.

        Never raises for an event: one that is wrong as a whole, or finds no room, is dropped, logged by its rule id
        and counted in `stats`; a bad identifier was left out of it already.

        Raises:
            TypeError: If something else than an `Event` is given.
            EventValidationError: With `strict`, if an event has an error.
        """
        source, hooks, records = self.client.source, self._hooks, []
        route = source.route
        for given in events:
            if not isinstance(given, Event):
                raise TypeError(f"events must be Event, not {type(given).__name__}")
            event = given if hooks.before_send is None else hooks.changed(given)
            if event is None:
                network_guard.dropped(given.event, "before_send", ["it answered None"])
                self._drop([given.id_for(source.id_namespace)], "before_send")
                continue
            found = check(event, source)
            if found and self._counts.noted(event, found, strict=network_guard.strict(self._strict)):
                self._drop([event.id_for(source.id_namespace)], "invalid")
                continue
            records.append(Record(*route, *encode_item(source, event)))
        if not records:
            return 0
        if network_guard.recorder is not None:
            return self._recorded(network_guard.recorder, records)
        if network_guard.is_blocked and self._would_leave() and self.client.is_network_blocked:
            if not self._counts.stats().dropped:
                _LOG.warning("%d events dropped: %s", len(records), network_guard.NetworkBlocked())
            return self._drop([record.event_id for record in records], "network_blocked")
        try:
            waits = self._buffer.put(records)
        except TikTokEventsError as full:
            _LOG.error("%d events dropped: %s", len(records), full)
            return self._drop([record.event_id for record in records], "full")
        except Exception as error:  # noqa: BLE001 - any outbox may fail in any way, and no request may
            _LOG.error("%d events dropped: the outbox failed (%s)", len(records), type(error).__name__)
            return self._drop([record.event_id for record in records], "full")
        self._counts.add("queued", len(records))
        self._delivery_thread.wake(waits=waits)
        return len(records)

    def flush(self, timeout: float = 10.0) -> int:
        """Wait up to *timeout* seconds until what this process put is delivered or dead; how many events are not.

        It gives up at once when the next try comes later than that.
        With `deliver=False` what has reached an outbox that others share is theirs: only what has not is waited for.
        """
        return self._delivery_thread.flush(timeout)

    def close(self, timeout: float = 10.0) -> int:
        """Deliver what is there within *timeout* seconds, then end the thread; how many events are left.

        A wait that does not fit is not begun. `track` may be called again afterwards.
        """
        return self._delivery_thread.close(timeout)

    async def aflush(self, timeout: float = 10.0) -> int:
        """`flush` for async code: the event loop goes on meanwhile."""
        import asyncio

        return await asyncio.to_thread(self.flush, timeout)

    async def aclose(self, timeout: float = 10.0) -> int:
        """`close` for async code: the event loop goes on meanwhile."""
        import asyncio

        return await asyncio.to_thread(self.close, timeout)

    def stats(self) -> Stats:
        """Numbers since this process began. Asks the outbox how much waits in it: of one that cannot tell, nothing."""
        try:
            waiting = self.outbox.depth()
        except TikTokEventsError:
            waiting = 0
        return self._counts.stats(waiting=waiting + self._buffer.waiting(), spilled=self._buffer.spilled)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def _would_leave(self) -> bool:
        return self._deliver or self.outbox.reach != "process"

    def _recorded(self, recorder: network_guard.Records, records: Sequence[Record]) -> int:
        """A test looks at once: no queue, no thread."""
        recorder.take(self.client.source, join(self.client.source, [record.data for record in records]))
        self._counts.add("queued", len(records))
        self._settled([EventResult(record.event_id, "delivered") for record in records])
        return len(records)

    def _settled(self, results: Sequence[EventResult]) -> None:
        self._counts.settled(results)
        self._hooks.settled(results)

    def _retried(self, results: Sequence[EventResult], delay: float) -> None:
        self._counts.add("retried", len(results))
        self._hooks.retried(results, delay)

    def _drop(self, event_ids: Sequence[str], reason: str) -> int:
        self._counts.add("invalid" if reason == "invalid" else "dropped", len(event_ids))
        self._hooks.dropped(event_ids, reason)
        return 0
