"""Group commit: a thread writes what was put within 50 ms in one transaction."""

from __future__ import annotations

import threading
import weakref
from collections import defaultdict
from collections.abc import Sequence

import attrs

from tiktok_events._outbox.protocol import OnRepeated, PutResult, Record, Repeat, Route
from tiktok_events._outbox.sqlite.put import Put, Writer
from tiktok_events.errors import TikTokEventsError

_INTERVAL = 0.05
_MOST_WAITING = 10_000
_NO_ROW = 0
"""The id of a repeated event: no row has it."""

RepeatedByRoute = dict[Route, list[Repeat]]


@attrs.define(eq=False, repr=False)
class PendingRecord:
    """A record that was accepted, and its id once it is in the file."""

    id: int | None = None


class GroupCommit:
    """Group commit: accept records at once, and write them with *writer* from a thread."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._on_repeated: dict[Route, weakref.WeakMethod[OnRepeated]] = {}
        self.renew()

    def on_repeated(self, route: Route, call: OnRepeated) -> None:
        """Call *call*, a method, with the repeated events of *route* that a later write finds."""
        self._on_repeated[route] = weakref.WeakMethod(call)

    def renew(self) -> None:
        """Reset after a fork: records that are not written yet belong to the parent process."""
        self._writing, self._lock = threading.Lock(), threading.Lock()
        self._records: list[Put] = []
        self._tickets: list[PendingRecord] = []
        self._room = 0
        self._failure: TikTokEventsError | None = None
        self._came = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._paused = False

    def put(self, records: Sequence[Record]) -> PutResult:
        """Accept *records*, unless earlier ones could not be written."""
        is_left_alone = self._failure is not None and self._thread is None
        if is_left_alone or len(records) > self._room or len(self._records) > _MOST_WAITING:
            self.flush(always=True)
        with self._lock:
            if self._failure is not None:
                raise type(self._failure)(*self._failure.args)
            if len(records) > self._room:
                raise self._writer.full(self._writer.max_events - self._room)
            self._room -= len(records)
            tickets = [PendingRecord() for _ in records]
            now = self._writer.clock()
            self._records += [(now, record) for record in records]
            self._tickets += tickets
            if self._thread is None:
                self._start()
            is_served = self._thread is not None
        if is_served:
            self._came.set()
        else:  # the interpreter is shutting down and starts no more threads
            self.flush()
        return PutResult(tickets)

    def flush(self, *, always: bool = False) -> None:
        """Write the accepted records now; with *always* also count the free room again."""
        with self._writing:
            with self._lock:
                records, tickets = self._records, self._tickets
                self._records, self._tickets = [], []
            if not records and not always:
                return
            repeated = self._write(records, tickets) if records else {}
            self._count_room(is_needed=always)
        self._report(repeated)

    def close(self) -> None:
        """Write the accepted records, and end the thread."""
        self.flush()  # if that fails, the thread tries again
        with self._lock:
            self._thread = None
            self.stop()
        self.flush()  # records that arrived in between

    def stop(self) -> None:
        """Let the thread write the accepted records, and end."""
        self._stop.set()
        self._came.set()

    def is_writing_here(self) -> bool:
        """Whether the caller is the writing thread."""
        return threading.current_thread() is self._thread

    def before_fork(self) -> None:
        """Finish the current write, so that a child inherits none."""
        self._paused = self._writing.acquire(timeout=1.0)
        self._lock.acquire()

    def after_fork(self) -> None:
        """Continue, in the parent process."""
        self._lock.release()
        if self._paused:
            self._writing.release()

    def _write(self, records: list[Put], tickets: list[PendingRecord]) -> RepeatedByRoute:
        """Write *records* in one transaction. Returns the repeated ones, which are not stored again."""
        try:
            done = self._writer.put_accepted(records)
        except TikTokEventsError as failure:
            with self._lock:
                self._records, self._tickets = records + self._records, tickets + self._tickets
                self._failure = failure
            raise
        repeated: RepeatedByRoute = defaultdict(list)
        for (_, record), ticket, one in zip(records, tickets, done, strict=True):
            if isinstance(one, Repeat):
                ticket.id = _NO_ROW
                repeated[record.route].append(one)
            else:
                ticket.id = one
        with self._lock:
            self._failure = None
        return repeated

    def _count_room(self, *, is_needed: bool) -> None:
        """Count the events that still fit. Without *is_needed* a failure leaves that to the next `put`."""
        try:
            room = self._writer.room()
        except TikTokEventsError:
            self._room = 0
            if is_needed:
                raise
        else:
            with self._lock:
                self._failure = None
                self._room = room - len(self._records)

    def _report(self, repeated: RepeatedByRoute) -> None:
        """Call what `on_repeated` was given, outside the locks: it may put again."""
        for route, its_repeats in repeated.items():
            reference = self._on_repeated.get(route)
            call = reference() if reference is not None else None
            if call is not None:
                call(its_repeats)

    def _start(self) -> None:
        self._stop = threading.Event()
        thread = threading.Thread(target=self._run, args=(self._stop,), name="tiktok-events outbox", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            return
        self._thread = thread

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            self._came.wait()
            self._came.clear()
            stop.wait(_INTERVAL)
            try:
                self.flush()
            except TikTokEventsError:  # the next `put` raises it, and the events are kept
                self._came.set()
