"""Deliver without holding anybody up: `track` queues bytes, one thread delivers them."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Self

import attrs

from tiktok_events._checks.check import check, spoils_event
from tiktok_events._client import Client
from tiktok_events._events.event import Event
from tiktok_events._fork import renew_after_fork
from tiktok_events._outbox.memory import MemoryOutbox
from tiktok_events._outbox.protocol import Outbox, Record
from tiktok_events._protocol import encode_item
from tiktok_events._responses import EventResult
from tiktok_events._rules.problem import Problem
from tiktok_events._worker import Worker
from tiktok_events.errors import OutboxFull

_LOG = logging.getLogger("tiktok_events")
_EXIT_TIMEOUT = 10.0


@attrs.frozen
class Stats:
    """What a `BackgroundClient` did in this process: numbers of events, and of problems by rule id.

    `queued` were put, `delivered`, `partial` and `rejected` are TikTok's answers, `invalid` had an error that spoils
    the whole event, `dropped` found the outbox full, `waiting` are in the outbox now.
    """

    queued: int = 0
    delivered: int = 0
    partial: int = 0
    rejected: int = 0
    invalid: int = 0
    dropped: int = 0
    waiting: int = 0
    problems: Mapping[str, int] = attrs.field(factory=dict)


class BackgroundClient:
    """Queue events and deliver them through *client* from a thread of its own.

    The thread starts with the first `track`, again after a fork, and ends with `close`, or at exit within 10 s.
    `outbox` is a `MemoryOutbox` by default: bounded, gone with the process. With `deliver=False` it only puts.
    Threads and event loops may share it.
    """

    def __init__(self, client: Client, outbox: Outbox | None = None, *, deliver: bool = True) -> None:
        self.client = client
        self.outbox: Outbox = MemoryOutbox() if outbox is None else outbox
        source = client.source
        self._route = (source.event_source, source.event_source_id, source.test_event_code)
        self._deliver = deliver
        self._renew()
        renew_after_fork(self)

    def _renew(self) -> None:
        self._counts: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._worker = Worker(self.outbox, self.client, on_settled=self._settled)

    def __repr__(self) -> str:
        return f"BackgroundClient({self.client!r}, {type(self.outbox).__name__})"

    def track(self, *events: Event) -> int:
        """Queue *events* and return at once: how many were queued.

        Never raises for an event: one that is wrong as a whole, or finds the outbox full, is dropped, logged by its
        rule id and counted in `stats`; a bad identifier was left out of it already.

        Raises:
            TypeError: If something else than an `Event` is given.
        """
        source, records = self.client.source, []
        for event in events:
            if not isinstance(event, Event):
                raise TypeError(f"events must be Event, not {type(event).__name__}")
            found = check(event, source)
            if found and self._noted(found):
                continue
            records.append(Record(*self._route, *encode_item(source, event)))
        try:
            self.outbox.put(records)
        except OutboxFull as full:
            self._count("dropped", len(records))
            _LOG.error("%d events dropped: %s", len(records), full)
            return 0
        except Exception:  # noqa: BLE001 - any outbox may fail in any way, and no request may
            self._count("dropped", len(records))
            _LOG.exception("%d events dropped: the outbox failed", len(records))
            return 0
        self._count("queued", len(records))
        if self._deliver:
            if self._thread is None:
                self._start()
            self._wake.set()
        return len(records)

    def flush(self, timeout: float = 10.0) -> int:
        """Wait up to *timeout* seconds until everything is delivered or dead; how many events are left."""
        deadline = time.monotonic() + timeout
        if self._thread is None and self._deliver and self.outbox.depth():
            self._start()
        if self._thread is None:  # no thread to be had: the interpreter is going down
            if self._deliver:
                self._worker.drain_once(timeout)
            return self.outbox.depth()
        self._wake.set()
        with self._moved:
            self._moved.wait_for(lambda: not self.outbox.depth(), max(0.0, deadline - time.monotonic()))
        return self.outbox.depth()

    def close(self, timeout: float = 10.0) -> int:
        """Deliver what is there within *timeout* seconds, then end the thread; how many events are left.

        A wait that does not fit is not begun. `track` may be called again afterwards.
        """
        atexit.unregister(self._at_exit)
        left = self.flush(timeout)
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None:
            self._wake.set()
            thread.join(max(0.0, min(timeout, 1.0)))
        self.client.close()
        return left

    def stats(self) -> Stats:
        """Numbers since this process began."""
        waiting = self.outbox.depth()  # may ask another machine, so not under our lock
        with self._lock:
            return Stats(**self._counts, waiting=waiting, problems=dict(self._problems))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None:
                return
            # A flag of its own: a thread that a slow answer kept beyond `close` ends as well, whatever starts after it.
            self._stop = threading.Event()
            thread = threading.Thread(target=self._run, args=(self._stop,), name="tiktok-events", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter is going down; `flush` delivers by itself then
                return
            self._thread = thread
        atexit.register(self._at_exit)
        for name in ("multiprocessing.util", "billiard.util"):
            # Children of both end without atexit, but run their own finalizers.
            util = sys.modules.get(name)
            if util is not None:
                util.Finalize(None, self._at_exit, exitpriority=10)

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._wake.clear()
            try:
                moved = self._worker.step()
            except Exception:  # noqa: BLE001 - the one thread must outlive whatever stumbles
                _LOG.exception("delivery stumbled; the events are kept")
                moved = 0
                self._wake.wait(1.0)
            with self._moved:
                self._moved.notify_all()
            if not moved and not stop.is_set():
                self._wake.wait(self._worker.due_in())

    def _at_exit(self) -> None:
        left = self.close(_EXIT_TIMEOUT)
        if left:
            _LOG.error("%d events were not delivered before the process ended", left)

    def _settled(self, results: Sequence[EventResult]) -> None:
        for status, number in Counter(result.status for result in results).items():
            self._count(status, number)

    def _count(self, what: str, number: int) -> None:
        with self._lock:
            self._counts[what] += number

    def _noted(self, found: Sequence[Problem]) -> bool:
        """Count *found*, say each rule once, and tell whether the event is wrong as a whole."""
        spoilt = any(spoils_event(one) for one in found)
        for one in found:
            with self._lock:
                self._problems[one.rule] += 1
                first = self._problems[one.rule] == 1
            if first:
                level = logging.WARNING if one.severity == "error" else logging.INFO
                _LOG.log(level, "%s%s", "event dropped: " if spoils_event(one) else "", one)
        if spoilt:
            self._count("invalid", 1)
        return spoilt
