"""The thread of a background client: it starts when there is work, moves and delivers batches, and ends."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable

from tiktok_events._delivery.buffer import Buffer
from tiktok_events._delivery.outage import Outage
from tiktok_events._delivery.worker import Worker
from tiktok_events._outbox.protocol import Outbox
from tiktok_events._runtime import uwsgi
from tiktok_events._runtime.fork import run_in_ending_children
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.errors import TikTokEventsError

_LOG = logging.getLogger("tiktok_events")
_EXIT_TIMEOUT = 10.0
_POLL = 1.0
_GATHER = 0.01
_FAILED_TURN: tuple[int, float | None] = (0, 1.0)


class DeliveryThread:
    """Brings what *intake* took to *outbox*, and delivers it if *new_worker* gives it a worker.

    Where no thread can be, `flush` and `close` do the work themselves.
    """

    def __init__(
        self, outbox: Outbox, spill: Outbox | None, intake: Buffer, new_worker: Callable[[], Worker] | None
    ) -> None:
        self._outbox, self._spill, self._buffer, self._new_worker = outbox, spill, intake, new_worker
        self._works = new_worker is not None or intake.memory is not None
        self.renew()

    def renew(self) -> None:
        """Start afresh, as a forked child does: the thread is its parent's. To be called after the intake's."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._flush_requested = threading.Event()
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._is_busy = False
        self._worker = None if self._new_worker is None else self._new_worker()

    def wake(self, *, waits: bool) -> None:
        """Have a thread, and have it look if something *waits* to be moved or delivered."""
        if not self._works:
            return
        if self._thread is None:
            self._start()
        if (waits or self._worker is not None) and not self._wake.is_set():  # cleared before the thread looks
            self._wake.set()

    def flush(self, timeout: float) -> int:
        """As `BackgroundClient.flush`."""
        deadline = time.monotonic() + timeout
        if self._thread is None and self._works and self._left():
            self._start()
        if self._thread is None:  # no thread is wanted, or none to be had: the interpreter is going down
            self._without_thread(deadline)
            return self._left()
        self._flush_requested.set()
        while (left := self._left()) and (remaining := deadline - time.monotonic()) > 0:
            if self._cannot_finish_in(remaining):
                break
            self._wake.set()
            with self._moved:
                self._moved.wait(min(remaining, 0.05 + left / 100_000))  # asking about many takes its time
        self._flush_requested.clear()
        return left

    def close(self, timeout: float) -> int:
        """As `BackgroundClient.close`."""
        atexit.unregister(self._at_exit)
        left = self.flush(timeout)
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is None:
            self._release()
        else:
            self._wake.set()
            thread.join(max(0.0, min(timeout, 1.0)))
        return left

    def _left(self) -> int:
        waiting = self._buffer.waiting()
        if self._outbox.reach == "process":
            return waiting + self._outbox.depth()
        return waiting + (0 if self._worker is None else self._buffer.unsettled())

    def _cannot_finish_in(self, seconds: float) -> bool:
        """Whether nothing can be delivered within *seconds*. Of a shared outbox, others may deliver."""
        if self._worker is None or self._is_busy or self._outbox.reach != "process" or self._buffer.waiting():
            return False
        due = self._worker.due_in()
        return due is not None and due > seconds

    def _start(self) -> None:
        if uwsgi.forks_us_untold():
            self._without_thread(time.monotonic())
            self._release()
            return
        with self._lock:
            if self._thread is not None:
                return
            # A flag of its own: a thread that a slow answer kept beyond `close` ends as well, whatever starts after it.
            self._stop = threading.Event()
            thread = threading.Thread(target=self._run, args=(self._stop,), name="tiktok-events", daemon=True)
            try:
                with uwsgi.undisturbed():
                    thread.start()
            except RuntimeError:  # the interpreter is going down; `flush` delivers by itself then
                return
            self._thread = thread
        atexit.register(self._at_exit)
        run_in_ending_children(self._at_exit)
        if not uwsgi.runs_threads():
            _LOG.warning("uWSGI runs no threads: set enable-threads = true, or events wait until their process ends")

    def _run(self, stop: threading.Event) -> None:
        outage = Outage()
        while not stop.is_set():
            self._wake.clear()
            self._is_busy = True
            moved, pause = outage.passing(self._turn, _FAILED_TURN)
            self._is_busy = False
            if moved:  # else `flush` would wake this thread, and it `flush`, without a rest
                with self._moved:
                    self._moved.notify_all()
                if moved < MAX_EVENTS:
                    self._flush_requested.wait(_GATHER)  # what comes meanwhile shares a request
            elif not stop.is_set():
                self._wake.wait(pause)
        self._release()

    def _turn(self) -> tuple[int, float | None]:
        """Move a batch, deliver one: how many the larger held, else the seconds until there may be one, None if nothing waits."""
        moved = max(self._buffer.move(), 0 if self._worker is None else self._worker.step())
        if moved:
            return moved, None
        waits = [self._buffer.due_in()]
        if self._worker is not None:
            # Others put into a shared outbox too, and may be gone.
            waits += [self._worker.due_in(), None if self._outbox.reach == "process" else _POLL]
        return 0, min((wait for wait in waits if wait is not None), default=None)

    def _without_thread(self, deadline: float) -> None:
        while self._buffer.move():
            pass
        if self._worker is not None:
            try:
                self._worker.drain_once(max(0.0, deadline - time.monotonic()))
            except TikTokEventsError as error:
                _LOG.error("%s; the events are kept", error)

    def _release(self) -> None:
        if self._worker is not None:
            self._worker.close()
        for outbox in (self._outbox, self._spill):
            if outbox is not None:
                outbox.close()

    def _at_exit(self) -> None:
        with uwsgi.undisturbed():
            left = self.close(_EXIT_TIMEOUT)
        if left:
            kept = "" if self._outbox.reach == "process" else ": those in the outbox are kept"
            _LOG.error("%d events were not delivered before the process ended%s", left, kept)
