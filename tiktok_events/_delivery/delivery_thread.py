"""The delivery thread of a background client: it moves events from the buffer to the outbox, and delivers them."""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

from tiktok_events._delivery import nested_calls
from tiktok_events._delivery.buffer import Buffer
from tiktok_events._delivery.outage import Outage
from tiktok_events._delivery.worker import Worker
from tiktok_events._outbox.protocol import Outbox
from tiktok_events._runtime import uwsgi
from tiktok_events._runtime.clock import monotonic
from tiktok_events._runtime.fork import run_at_child_exit
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.errors import TikTokEventsError, TransportError

_LOG = logging.getLogger("tiktok_events")
_EXIT_TIMEOUT = 10.0
"""Seconds to deliver when the process ends."""
_LOG_EXIT_AFTER = 1.0
"""Seconds after which the wait at exit is logged."""
_POLL = 1.0
"""Seconds between two looks into a shared outbox."""
_GATHER = 0.01
"""Seconds after a request in which further events are gathered for the next one."""
_FAILED_TURN: tuple[int, float | None] = (0, 1.0)
"""The result of a turn that raised: nothing was moved; the next turn is in one second."""


class DeliveryThread:
    """Move events from *buffer* to *outbox*, and deliver them with the worker that *new_worker* creates, if given.

    Where no thread can run, `flush` and `close` do the work in the caller's thread.
    """

    def __init__(
        self, outbox: Outbox, spill: Outbox | None, buffer: Buffer, new_worker: Callable[[], Worker] | None
    ) -> None:
        self._outbox, self._spill, self._buffer, self._new_worker = outbox, spill, buffer, new_worker
        self._is_needed = new_worker is not None or buffer.memory is not None
        self.renew()

    def renew(self) -> None:
        """Reset after a fork: the thread exists in the parent process only. Called after the buffer's `renew`."""
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._flush_requested = threading.Event()
        self._moved = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._is_busy = self._has_no_thread = False
        self._worker = None if self._new_worker is None else self._new_worker()

    def wake(self, *, must_be_moved: bool) -> None:
        """Start the thread if there is none, and wake it if there is something to move or deliver."""
        if not self._is_needed:
            return
        if self._thread is None:
            self._start()
        has_work = must_be_moved or self._worker is not None
        if has_work and not self._wake.is_set():  # the thread clears it before it looks for work
            self._wake.set()

    def flush(self, timeout: float, *, at_exit: bool = False) -> int:
        """As `BackgroundClient.flush`. *at_exit* logs a longer wait, and does not wait for a program of this machine."""
        deadline = monotonic() + timeout
        if self._thread is None and self._is_needed and self._left():
            self._start()
        if self._thread is None:  # no thread is needed, or the interpreter is shutting down
            self._work_in_this_thread(deadline)
            return self._left()
        self._flush_requested.set()
        log_at = monotonic() + _LOG_EXIT_AFTER if at_exit else float("inf")
        while (left := self._left()) and (remaining := deadline - monotonic()) > 0:
            if self._cannot_finish_in(remaining) or (at_exit and self._local_refusal() is not None):
                break
            if monotonic() > log_at:
                log_at = float("inf")
                _LOG.warning("waiting up to %.0f s at exit for the delivery of %d events", remaining, left)
            self._wake.set()
            with self._moved:
                self._moved.wait(min(remaining, 0.05 + left / 100_000))  # counting many events takes time
        self._flush_requested.clear()
        return left

    def close(self, timeout: float, *, at_exit: bool = False) -> int:
        """As `BackgroundClient.close`; *at_exit* as for `flush`."""
        atexit.unregister(self._at_exit)
        left = self.flush(timeout, at_exit=at_exit)
        with self._lock:
            thread, self._thread = self._thread, None
            self._has_no_thread = False
            self._stop.set()
        if thread is None:
            self._release()
        else:
            self._wake.set()
            thread.join(max(0.0, min(timeout, 1.0)))
        if left:
            self._log_left(left, "the process ended" if at_exit else "the client was closed")
        return left

    def _local_refusal(self) -> TransportError | None:
        return None if self._worker is None else self._worker.local_refusal()

    def _left(self) -> int:
        waiting = self._buffer.waiting() + nested_calls.waiting()
        if self._outbox.scope == "process":
            return waiting + self._outbox.depth()
        return waiting + (0 if self._worker is None else self._buffer.unfinished())

    def _cannot_finish_in(self, seconds: float) -> bool:
        """Whether nothing can be delivered within *seconds*. False for a shared outbox: others deliver from it, too."""
        if self._worker is None or self._is_busy or self._outbox.scope != "process" or self._buffer.waiting():
            return False
        due = self._worker.due_in()
        return due is not None and due > seconds

    def _start(self) -> None:
        if uwsgi.forks_without_hooks():
            self._work_in_this_thread(monotonic())
            self._release()
            return
        with self._lock:
            if self._thread is not None:
                return
            # One flag per thread: a thread that waits for a slow answer beyond `close` ends, even if another one starts.
            self._stop = threading.Event()
            thread = threading.Thread(target=self._run, args=(self._stop,), name="tiktok-events", daemon=True)
            try:
                with uwsgi.signals_blocked():
                    thread.start()
            except RuntimeError as error:  # a limit of processes is reached, or the interpreter ends
                self._work_without_thread(error)
                return
            self._thread = thread
        self._deliver_at_exit()
        if not uwsgi.threads_enabled():
            _LOG.warning("uWSGI runs no threads, so events wait until their process ends: set enable-threads = true")

    def _deliver_at_exit(self) -> None:
        with suppress(RuntimeError):  # the interpreter ends already
            atexit.register(self._at_exit)
        run_at_child_exit(self._at_exit)

    def _work_without_thread(self, error: RuntimeError) -> None:
        """Let `flush`, `close` and the end of the process deliver in their own thread."""
        if self._has_no_thread:
            return
        self._has_no_thread = True
        _LOG.error("no thread can be started (%s): events are delivered by flush, close and at exit", error)
        if self._worker is not None:
            self._worker.prepare()  # at exit nothing may be importable any more
        self._deliver_at_exit()

    def _run(self, stop: threading.Event) -> None:
        outage = Outage()
        while not stop.is_set():
            self._wake.clear()
            self._is_busy = True
            moved, pause = outage.guard(self._turn, _FAILED_TURN)
            self._is_busy = False
            if moved:  # otherwise `flush` and this thread would wake each other without a pause
                with self._moved:
                    self._moved.notify_all()
                if moved < MAX_EVENTS:
                    self._flush_requested.wait(_GATHER)  # events that arrive meanwhile share a request
            elif not stop.is_set():
                self._wake.wait(pause)
        self._release()

    def _turn(self) -> tuple[int, float | None]:
        """Move a batch from the buffer to the outbox, and deliver a batch from the outbox.

        Returns the size of the larger batch; and, if both are empty, the seconds until work is due (None: no work).
        """
        with nested_calls.calling():
            return self._move_and_deliver()

    def _move_and_deliver(self) -> tuple[int, float | None]:
        nested_calls.queue_aside()
        moved = max(self._buffer.move(), 0 if self._worker is None else self._worker.step())
        if moved:
            return moved, None
        waits = [self._buffer.due_in()]
        if self._worker is not None:
            # Other processes put into a shared outbox, too, and may have ended before they delivered.
            waits += [self._worker.due_in(), None if self._outbox.scope == "process" else _POLL]
        waits.append(0.0 if nested_calls.aside else None)
        return 0, min((wait for wait in waits if wait is not None), default=None)

    def _work_in_this_thread(self, deadline: float) -> None:
        """Move all events, then deliver until *deadline*."""
        nested_calls.queue_aside()
        while self._buffer.move():
            pass
        if self._worker is not None:
            try:
                self._worker.drain_once(max(0.0, deadline - monotonic()))
            except TikTokEventsError as error:
                _LOG.error("%s; the events are kept", error)

    def _release(self) -> None:
        if self._worker is not None:
            self._worker.close()
        for outbox in (self._outbox, self._spill):
            if outbox is not None:
                outbox.close()

    def _at_exit(self) -> None:
        if self._thread is None and not self._has_no_thread:
            return  # it was closed; a finalizer of multiprocessing cannot be unregistered
        with uwsgi.signals_blocked():
            self.close(_EXIT_TIMEOUT, at_exit=True)

    def _log_left(self, left: int, ending: str) -> None:
        refusal = self._local_refusal()
        if refusal is not None:
            _LOG.error("%d events were not delivered: %s", left, refusal)
            return
        kept = "" if self._outbox.scope == "process" else ": those in the outbox are kept"
        _LOG.error("%d events were not delivered before %s%s", left, ending, kept)
