"""Deliver without holding anybody up: `track` queues bytes, one thread delivers them."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Sequence
from typing import Self

from tiktok_events import _uwsgi
from tiktok_events._async_client import AsyncClient
from tiktok_events._checks.check import check
from tiktok_events._client import Client
from tiktok_events._counts import Counts, Stats
from tiktok_events._events.event import Event
from tiktok_events._fork import renew_after_fork, run_in_ending_children
from tiktok_events._hooks import BeforeSend, Hooks, OnDropped, OnResults, OnRetry
from tiktok_events._intake import Intake
from tiktok_events._outbox.memory import MemoryOutbox
from tiktok_events._outbox.protocol import Outbox, Record
from tiktok_events._pace import Outage
from tiktok_events._protocol import encode_item, join
from tiktok_events._recording import outlet
from tiktok_events._responses import EventResult
from tiktok_events._worker import Worker
from tiktok_events.errors import TikTokEventsError

_LOG = logging.getLogger("tiktok_events")
_EXIT_TIMEOUT = 10.0
_POLL = 1.0
_OUTAGE: float | None = 1.0


class BackgroundClient:
    """Queue events and deliver them through *client* from a thread of its own.

    The thread starts with the first `track`, again after a fork, and ends with `close`, or at exit within 10 s.
    `outbox` is a `MemoryOutbox` by default: bounded, gone with the process. An outbox on a network is fed by the
    thread, so that no request waits for it; one on this machine's disk has the events when `track` returns, and is
    fed by the thread while it is busy. What neither it nor memory can take goes to *spill*, if there is one. With
    `deliver=False` a worker elsewhere delivers. `strict` raises what it would log; by default only while a test records
    (`testing.capture`). Threads and event loops may share a background client.

    Hooks: `before_send` is given every event in the caller's thread and returns it, another one, or None to drop it;
    `on_sent`, `on_rejected` are given results, `on_retry` results and the seconds until the next try, `on_dropped`
    event ids and a reason ("full", "invalid", "before_send", or in a test run "closed"). All but the first and `on_dropped` run in the thread.
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
        self._spill = spill
        self._hooks = Hooks(
            before_send=before_send,
            on_sent=on_sent,
            on_retry=on_retry,
            on_rejected=on_rejected,
            on_dropped=on_dropped,
        )
        self._deliver, self._strict = deliver, strict
        self._intake = Intake(self.outbox, spill, client.source.route, follows=deliver)
        self._renew()
        renew_after_fork(self)

    def _renew(self) -> None:
        self._counts = Counts()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._at_work = False
        self._intake.renew()
        self._worker = Worker(self.outbox, self.client, on_settled=self._settled, on_retry=self._retried)

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
                outlet.dropped(given.event, "before_send", ["it answered None"])
                self._drop([given.id_for(source.id_namespace)], "before_send")
                continue
            found = check(event, source)
            if found and self._counts.noted(event, found, strict=outlet.strict(self._strict)):
                self._drop([event.id_for(source.id_namespace)], "invalid")
                continue
            records.append(Record(*route, *encode_item(source, event)))
        if not records:
            return 0
        if outlet.recorder is not None:
            return self._recorded(outlet.recorder, records)
        if outlet.closed and self._would_leave() and self.client.is_shut_in:
            if not self._counts.stats().dropped:
                _LOG.warning("%d events dropped: %s", len(records), outlet.NetworkClosed())
            return self._drop([record.event_id for record in records], "closed")
        try:
            waits = self._intake.put(records)
        except TikTokEventsError as full:
            _LOG.error("%d events dropped: %s", len(records), full)
            return self._drop([record.event_id for record in records], "full")
        except Exception as error:  # noqa: BLE001 - any outbox may fail in any way, and no request may
            _LOG.error("%d events dropped: the outbox failed (%s)", len(records), type(error).__name__)
            return self._drop([record.event_id for record in records], "full")
        self._counts.add("queued", len(records))
        if self._deliver or self._intake.memory is not None:
            if self._thread is None:
                self._start()
            if (self._deliver or waits) and not self._wake.is_set():  # cleared before the thread looks
                self._wake.set()
        return len(records)

    def flush(self, timeout: float = 10.0) -> int:
        """Wait up to *timeout* seconds until what this process put is delivered or dead; how many events are not.

        It gives up at once when the next try comes later than that.
        With `deliver=False` what has reached an outbox that others share is theirs: only what has not is waited for.
        """
        deadline = time.monotonic() + timeout
        if self._thread is None and self._works() and self._left():
            self._start()
        if self._thread is None:  # no thread is wanted, or none to be had: the interpreter is going down
            self._without_thread(deadline)
            return self._left()
        while (left := self._left()) and (remaining := deadline - time.monotonic()) > 0:
            if self._is_in_vain(remaining):
                break
            self._wake.set()
            with self._moved:
                self._moved.wait(min(remaining, 0.05 + left / 100_000))  # asking about many takes its time
        return left

    def close(self, timeout: float = 10.0) -> int:
        """Deliver what is there within *timeout* seconds, then end the thread; how many events are left.

        A wait that does not fit is not begun. `track` may be called again afterwards.
        """
        atexit.unregister(self._at_exit)
        left = self.flush(timeout)
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is None:
            self._let_go()
        else:
            self._wake.set()
            thread.join(max(0.0, min(timeout, 1.0)))
        return left

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
        return self._counts.stats(waiting=waiting + self._intake.waiting(), spilled=self._intake.spilled)

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

    def _works(self) -> bool:
        return self._deliver or self._intake.memory is not None

    def _left(self) -> int:
        waiting = self._intake.waiting()
        if self.outbox.reach == "process":
            return waiting + self.outbox.depth()
        return waiting + (self._intake.unsettled() if self._deliver else 0)

    def _is_in_vain(self, seconds: float) -> bool:
        """Whether nothing can be delivered within *seconds*. Of a shared outbox, others may deliver."""
        if self._at_work or self.outbox.reach != "process" or self._intake.waiting():
            return False
        due = self._worker.due_in()
        return due is not None and due > seconds

    def _start(self) -> None:
        if _uwsgi.forks_us_untold():
            self._without_thread(time.monotonic())
            self._let_go()
            return
        with self._lock:
            if self._thread is not None:
                return
            # A flag of its own: a thread that a slow answer kept beyond `close` ends as well, whatever starts after it.
            self._stop = threading.Event()
            thread = threading.Thread(target=self._run, args=(self._stop,), name="tiktok-events", daemon=True)
            try:
                with _uwsgi.undisturbed():
                    thread.start()
            except RuntimeError:  # the interpreter is going down; `flush` delivers by itself then
                return
            self._thread = thread
        atexit.register(self._at_exit)
        run_in_ending_children(self._at_exit)
        if not _uwsgi.runs_threads():
            _LOG.warning("uWSGI runs no threads: set enable-threads = true, or events wait until their process ends")

    def _run(self, stop: threading.Event) -> None:
        outage = Outage()
        while not stop.is_set():
            self._wake.clear()
            self._at_work = True
            pause = outage.passing(self._turn, _OUTAGE)
            self._at_work = False
            if pause == 0:  # something moved; else `flush` would wake this thread, and it `flush`, without a rest
                with self._moved:
                    self._moved.notify_all()
            elif not stop.is_set():
                self._wake.wait(pause)
        self._let_go()

    def _turn(self) -> float | None:
        """Move and deliver one batch; the seconds until there may be another, None if nothing waits."""
        if self._intake.move() + (self._worker.step() if self._deliver else 0):
            return 0.0
        waits = [self._intake.due_in()]
        if self._deliver:
            # Others put into a shared outbox too, and may be gone.
            waits += [self._worker.due_in(), None if self.outbox.reach == "process" else _POLL]
        return min((wait for wait in waits if wait is not None), default=None)

    def _without_thread(self, deadline: float) -> None:
        while self._intake.move():
            pass
        if self._deliver:
            try:
                self._worker.drain_once(max(0.0, deadline - time.monotonic()))
            except TikTokEventsError as error:
                _LOG.error("%s; the events are kept", error)

    def _let_go(self) -> None:
        self._worker.close()
        for outbox in (self.outbox, self._spill):
            if outbox is not None:
                outbox.close()

    def _at_exit(self) -> None:
        with _uwsgi.undisturbed():
            left = self.close(_EXIT_TIMEOUT)
        if left:
            kept = "" if self.outbox.reach == "process" else ": those in the outbox are kept"
            _LOG.error("%d events were not delivered before the process ended%s", left, kept)

    def _recorded(self, recorder: outlet.Records, records: Sequence[Record]) -> int:
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
