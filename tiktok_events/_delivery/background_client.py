"""`BackgroundClient`: `track` encodes and queues events at once, a thread delivers them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import get_ident
from typing import Self

from tiktok_events._api import network_guard
from tiktok_events._api.async_client import AsyncClient
from tiktok_events._api.client import Client
from tiktok_events._api.encoding import encode_item, join
from tiktok_events._api.response import EventResult
from tiktok_events._checks.check import check
from tiktok_events._delivery import nested_calls
from tiktok_events._delivery.buffer import Buffer
from tiktok_events._delivery.delivery_thread import DeliveryThread
from tiktok_events._delivery.hooks import BeforeSend, Hooks, OnDropped, OnResults, OnRetry
from tiktok_events._delivery.stats import Stats, StatsCounter
from tiktok_events._delivery.worker import Worker
from tiktok_events._events.event import Event
from tiktok_events._outbox.memory import MemoryOutbox
from tiktok_events._outbox.protocol import Outbox, Record, Repeat
from tiktok_events._outbox.remembered_keys import REMEMBER_DAYS
from tiktok_events._runtime.fork import renew_after_fork
from tiktok_events.errors import ConfigurationError, TikTokEventsError

_LOG = logging.getLogger("tiktok_events")


class Queued(int):
    """The number of events that were queued. `repeated` has the others that were queued before, with their age."""

    repeated: Sequence[Repeat] = ()

    @classmethod
    def of(cls, number: int, repeated: Sequence[Repeat]) -> Self:
        """A result with *number* and *repeated*."""
        result = cls(number)
        if repeated:
            result.repeated = repeated
        return result


class BackgroundClient:
    """Queue events, and deliver them through *client* from a thread of its own.

    The thread starts with the first `track`, and again after a fork. It ends with `close`, or at exit within 10 s. It
    sends the first event at once; events that follow within 10 ms share a request.

    - `outbox`: where events wait; by default a `MemoryOutbox`, which is bounded and lost with the process. The thread
      fills an outbox on a network, so that no request waits for it. An outbox on a disk has the events when `track`
      returns, unless it is busy: then the thread fills it.
    - `deliver`: False leaves delivery to a `Worker` elsewhere.
    - `strict`: True raises the errors that are logged otherwise; None does so while a test records
      (`testing.capture`).
    - `remember_keys`: days in which the outbox in memory takes no event twice that has the same name and key (28 by
      default; 0 turns it off). An outbox that is passed has its own setting.
    - `max_event_age`: seconds after its `event_time` in which an event is delivered, as for `Worker`; None for all.
    - `spill`: an outbox for events that neither `outbox` nor memory can take.
    - `before_send` is called with every event, in the caller's thread. It returns the event, another one, or None to
      drop it.
    - `on_sent` and `on_rejected` are called with results, `on_retry` with results and the seconds until the next
      attempt; all three in the delivery thread.
    - `on_dropped` is called with event ids and a reason: "full", "invalid", "before_send", "repeat", or in a test run
      "network_blocked".

    Threads and event loops may share a background client.
    """

    def __init__(
        self,
        client: Client | AsyncClient,
        outbox: Outbox | None = None,
        *,
        deliver: bool = True,
        strict: bool | None = None,
        remember_keys: float | None = None,
        max_event_age: float | None = None,
        spill: Outbox | None = None,
        before_send: BeforeSend | None = None,
        on_sent: OnResults | None = None,
        on_retry: OnRetry | None = None,
        on_rejected: OnResults | None = None,
        on_dropped: OnDropped | None = None,
    ) -> None:
        self.client = client
        if outbox is not None and remember_keys is not None:
            raise ConfigurationError("remember_keys= cannot be used with outbox=: give it to the outbox")
        days = REMEMBER_DAYS if remember_keys is None else remember_keys
        self.outbox: Outbox = MemoryOutbox(remember_keys=days) if outbox is None else outbox
        self._hooks = Hooks(
            before_send=before_send,
            on_sent=on_sent,
            on_retry=on_retry,
            on_rejected=on_rejected,
            on_dropped=on_dropped,
        )
        self._deliver, self._strict, self._max_event_age = deliver, strict, max_event_age
        self._stats = StatsCounter()
        self._buffer = Buffer(
            self.outbox, spill, client.source.route, track_records=deliver, on_repeated=self._on_repeated
        )
        self._delivery_thread = DeliveryThread(self.outbox, spill, self._buffer, self._new_worker if deliver else None)
        renew_after_fork(self)

    def _renew(self) -> None:
        self._stats = StatsCounter()
        self._buffer.renew()
        self._delivery_thread.renew()

    def _new_worker(self) -> Worker:
        return Worker(
            self.outbox,
            self.client,
            max_event_age=self._max_event_age,
            on_results=self._on_results,
            on_retry=self._on_retry,
        )

    def __repr__(self) -> str:
        return f"BackgroundClient({self.client!r}, {type(self.outbox).__name__})"

    def track(self, *events: Event) -> Queued:
        """Queue *events* and return at once. Returns the number of events that were queued.

        An event with the name and key of an earlier one is not queued again within `remember_keys` days of the outbox
        (28 by default): `repeated` of the result has its id, and `stats` counts it. An outbox that the thread fills
        finds that out later.

        Without `strict` it raises for no event's content. An event with an error, or without room in the queue, is
        dropped, logged (an error by its rule id) and counted in `stats`. An invalid identifier does not drop its
        event: it was left out when the event was created.

        It may be called from a signal handler, `__del__` or a logging handler, also while the same thread is inside
        `track`: these events are queued when that call ends, and an error of theirs is logged.

        Raises:
            TypeError: If an argument is not an `Event`.
            EventValidationError: With `strict`, if an event has an error.
        """
        thread = get_ident()
        if thread in nested_calls.inside:
            nested_calls.aside.append((self._track, events))
            return Queued(len(events))
        try:
            nested_calls.inside.add(thread)
            return self._track(events)
        finally:
            if nested_calls.aside:
                nested_calls.queue_aside()
            nested_calls.inside.discard(thread)

    def _track(self, events: Sequence[Event]) -> Queued:
        records = [record for event in events if (record := self._record(event)) is not None]
        if not records:
            return Queued(0)
        if network_guard.recorder is not None:
            return Queued(self._record_for_test(network_guard.recorder, records))
        if network_guard.is_blocked and self._uses_network() and self.client.is_network_blocked:
            return Queued(self._drop_in_test_run(records))
        return self._queue(records)

    def _record(self, event: Event) -> Record | None:
        """The outbox record of *event*: after `before_send`, checked, and encoded. None if it is dropped."""
        if not isinstance(event, Event):
            raise TypeError(f"events must be Event, not {type(event).__name__}")
        source, hooks = self.client.source, self._hooks
        if hooks.before_send is not None:
            changed = hooks.apply_before_send(event)
            if changed is None:
                network_guard.dropped(event.event, "before_send", ["it returned None"])
                self._drop([event.id_for(source.id_namespace)], "before_send")
                return None
            event = changed
        found = check(event, source)
        if found and self._stats.add_problems(event, found, strict=network_guard.strict(self._strict)):
            self._drop([event.id_for(source.id_namespace)], "invalid")
            return None
        return Record(*source.route, *encode_item(source, event), event.key is not None)

    def _queue(self, records: Sequence[Record]) -> Queued:
        """Put *records* into the buffer and wake the thread. Returns how many were queued."""
        try:
            placed = self._buffer.put(records)
        except TikTokEventsError as error:
            _LOG.error("%d events dropped: %s", len(records), error)
            return Queued(self._drop([record.event_id for record in records], "full"))
        except Exception as error:  # noqa: BLE001 - no error of an outbox may reach the caller's request
            _LOG.error("%d events dropped: the outbox failed (%s)", len(records), type(error).__name__)
            return Queued(self._drop([record.event_id for record in records], "full"))
        if placed.repeated:
            self._on_repeated(placed.repeated)
        queued = len(records) - len(placed.repeated)
        self._stats.add("queued", queued)
        self._delivery_thread.wake(must_be_moved=placed.must_be_moved)
        return Queued.of(queued, placed.repeated)

    def flush(self, timeout: float = 10.0) -> int:
        """Wait up to *timeout* seconds until every event of this process is delivered or a dead letter.

        Returns the number of events that are neither. It returns at once if the next attempt is due after the
        timeout. With `deliver=False` it waits only for events that have not reached a shared outbox yet.
        """
        with nested_calls.calling():
            return self._delivery_thread.flush(timeout)

    def close(self, timeout: float = 10.0) -> int:
        """Deliver what is queued within *timeout* seconds, then end the thread. Returns the number of events left.

        It returns at once if the next attempt is due after the timeout. `track` may be called again afterwards.
        """
        with nested_calls.calling():
            return self._delivery_thread.close(timeout)

    async def aflush(self, timeout: float = 10.0) -> int:
        """`flush` for async code; it does not block the event loop."""
        import asyncio

        return await asyncio.to_thread(self.flush, timeout)

    async def aclose(self, timeout: float = 10.0) -> int:
        """`close` for async code; it does not block the event loop."""
        import asyncio

        return await asyncio.to_thread(self.close, timeout)

    def stats(self) -> Stats:
        """Statistics since the start of this process. An outbox that cannot be read now adds 0 to `waiting`."""
        with nested_calls.calling():
            try:
                waiting = self.outbox.depth()
            except TikTokEventsError:
                waiting = 0
            return self._stats.stats(waiting=waiting + self._buffer.waiting(), spilled=self._buffer.spilled)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()

    def _uses_network(self) -> bool:
        return self._deliver or self.outbox.scope != "process"

    def _record_for_test(self, recorder: network_guard.Records, records: Sequence[Record]) -> int:
        """Hand *records* to the recording test, without queue and thread. Returns how many."""
        recorder.take(self.client.source, join(self.client.source, [record.data for record in records]))
        self._stats.add("queued", len(records))
        self._on_results([EventResult(record.event_id, "delivered") for record in records])
        return len(records)

    def _drop_in_test_run(self, records: Sequence[Record]) -> int:
        """Drop *records*, because the network is blocked in test runs; log the first drop."""
        if not self._stats.stats().dropped:
            _LOG.warning("%d events dropped: %s", len(records), network_guard.NetworkBlocked())
        return self._drop([record.event_id for record in records], "network_blocked")

    def _on_results(self, results: Sequence[EventResult]) -> None:
        self._stats.add_results(results)
        self._hooks.call_with_results(results)

    def _on_repeated(self, repeated: Sequence[Repeat]) -> None:
        self._stats.add("repeated", len(repeated))
        self._hooks.call_on_dropped([one.event_id for one in repeated], "repeat")

    def _on_retry(self, results: Sequence[EventResult], delay: float) -> None:
        self._stats.add("retried", len(results))
        self._hooks.call_on_retry(results, delay)

    def _drop(self, event_ids: Sequence[str], reason: str) -> int:
        self._stats.add("invalid" if reason == "invalid" else "dropped", len(event_ids))
        self._hooks.call_on_dropped(event_ids, reason)
        return 0
