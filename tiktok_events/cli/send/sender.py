"""Send the lines of a file through one client, and count the result of every line."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import islice
from types import FrameType
from typing import Any, Self

import attrs
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from tiktok_events._api.client import Client
from tiktok_events._api.response import EventResult
from tiktok_events._checks.check import check
from tiktok_events._events.event import Event
from tiktok_events._events.source import EventSource
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.cli.console import stderr
from tiktok_events.cli.send.event_from_line import Defaults, LineRefused, RepeatCounter, make_event
from tiktok_events.cli.send.line import Line
from tiktok_events.cli.send.rejected_file import RejectedFile
from tiktok_events.cli.send.summary import Summary

INTERRUPTED = "Ctrl-C stopped the run before TikTok confirmed this line; sending it again within 48 hours is safe"


class Interrupt:
    """Handle Ctrl-C: it ends a wait at once, but never interrupts a write. A second Ctrl-C ends the process."""

    def __init__(self) -> None:
        self.requested = False
        self._interruptible = False
        self._previous_handler: Any = None

    def __enter__(self) -> Self:
        self._previous_handler = signal.signal(signal.SIGINT, self._on_sigint)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._previous_handler)

    def _on_sigint(self, _number: int, _frame: FrameType | None) -> None:
        again, self.requested = self.requested, True
        if self._interruptible or again:
            raise KeyboardInterrupt

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let Ctrl-C raise KeyboardInterrupt in this block, also if it was pressed just before."""
        self._interruptible = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            self._interruptible = False


@attrs.define
class Sender:
    """Sends the lines of one file. If `client` is None, lines are only checked."""

    source: EventSource
    client: Client | None
    defaults: Defaults
    rejected: RejectedFile | None
    interrupt: Interrupt
    summary: Summary = attrs.field(factory=Summary)
    stopped: str = ""
    """The error that stopped sending, because every further line would meet it."""
    _repeats: RepeatCounter = attrs.field(factory=RepeatCounter)
    _id_hashes: set[int] = attrs.field(factory=set)

    def send_lines(self, lines: list[Line]) -> None:
        """Send *lines*, at most as many as one request holds, and count each result."""
        if self.interrupt.requested:
            for line in lines:
                self._unsent(line, INTERRUPTED)
        else:
            checked = [self._check(line) for line in lines]
            results = iter(self._deliver([item for item in checked if isinstance(item, Event)]))
            for line, item in zip(lines, checked, strict=True):
                if isinstance(item, Event):
                    self._count(line, next(results))
                else:
                    self._refuse(line, item)
        if self.rejected is not None:
            self.rejected.flush()

    def _check(self, line: Line) -> Event | LineRefused:
        try:
            event = make_event(line, self.defaults, self._repeats)
        except LineRefused as refused:
            return refused
        found = check(event, self.source)
        errors = [item for item in found if item.severity == "error"]
        if errors:
            return LineRefused(*errors)
        if found:
            self.summary.warn(line.number, found)
        self._count_repeat(line, event)
        return event

    def _count_repeat(self, line: Line, event: Event) -> None:
        if not line.fields or line.fields.keys().isdisjoint(("key", "event_id")):
            return  # its id is derived from the line and unique
        id_hash = hash((event.event, event.id_for(self.source.id_namespace)))
        if id_hash in self._id_hashes:
            self.summary.repeated += 1
        self._id_hashes.add(id_hash)

    def _deliver(self, events: list[Event]) -> Iterable[EventResult]:
        if not events:
            return ()
        if self.client is None:
            return (EventResult("", "delivered") for _ in events)
        if not self.stopped:
            try:
                with self.interrupt.interruptible():
                    return self.client.track_many(events).results
            except KeyboardInterrupt:
                self.stopped = INTERRUPTED
        return (EventResult("", "failed", message=self.stopped) for _ in events)

    def _count(self, line: Line, result: EventResult) -> None:
        if result.status == "delivered":
            self.summary.delivered += 1
        elif result.status == "rejected":
            self.summary.refuse_by_tiktok(line.number, f"TikTok {result.code}", result.message)
            self._write_failed(line, result.message)
        elif result.status == "partial":
            message = "TikTok accepted part of this request and does not say which events"
            self.summary.fail(line.number, message, partial=True)
            self._write_failed(line, message)
        else:
            self.stopped = self.stopped or result.message
            self._unsent(line, result.message)

    def _refuse(self, line: Line, refused: LineRefused) -> None:
        self.summary.refuse(line.number, refused.problems)
        if self.rejected is not None:
            self.rejected.write_refused(line, refused.problems)

    def _unsent(self, line: Line, message: str) -> None:
        self.summary.fail(line.number, message)
        self._write_failed(line, message)

    def _write_failed(self, line: Line, message: str) -> None:
        if self.rejected is not None:
            self.rejected.write_failed(line, message)


def run(sender: Sender, lines: Iterator[Line], progress: Any, *, is_stdin: bool) -> None:
    """Send *lines*. After Ctrl-C the remaining lines of a file are recorded as unsent; with *is_stdin*, reading stops."""
    while True:
        chunk: list[Line] = []
        try:
            with sender.interrupt.interruptible() if is_stdin else nullcontext():
                for line in islice(lines, MAX_EVENTS):
                    chunk.append(line)  # noqa: PERF402 - keeps the lines already read when Ctrl-C interrupts reading
        except KeyboardInterrupt:
            pass
        if not chunk:
            return
        sender.send_lines(chunk)
        progress(sender.summary)
        if sender.interrupt.requested and is_stdin:
            return


@contextmanager
def progress_bar(total: int | None, bytes_read: Any) -> Iterator[Any]:
    """Show a progress bar on a terminal, else nothing. Yields a function to call with the summary after each request."""
    console = stderr()
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[message]}"),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Sending", total=total, message="")

        def update(summary: Summary) -> None:
            message = f"{summary.delivered:,} delivered, {summary.refused:,} refused"
            bar.update(task, completed=bytes_read() if total else 0, message=message)

        yield update


def exit_code(sender: Sender) -> int:
    """Choose the exit code: 130 after Ctrl-C, 1 if a line was not delivered, else 0."""
    if sender.interrupt.requested:
        return 128 + signal.SIGINT
    return 0 if sender.summary.ok else 1
