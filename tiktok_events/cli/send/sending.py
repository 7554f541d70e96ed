"""Send the lines of a file through one client, and count the result of every line."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
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
from tiktok_events.cli.send.event_from_line import Defaults, Refused, Seen, event_from
from tiktok_events.cli.send.lines import Line
from tiktok_events.cli.send.rejected_file import RejectedFile
from tiktok_events.cli.send.summary import Tally

INTERRUPTED = "stopped by Ctrl-C before it was sent for certain; sending it again is safe within 48 hours"


class Interrupt:
    """Handle Ctrl-C: it ends a wait at once, but never interrupts a write. A second one ends the process."""

    def __init__(self) -> None:
        self.requested = False
        self._waiting = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._wish)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _wish(self, _number: int, _frame: FrameType | None) -> None:
        again, self.requested = self.requested, True
        if self._waiting or again:
            raise KeyboardInterrupt

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let Ctrl-C raise KeyboardInterrupt in this block, also one that came just before it."""
        self._waiting = True
        try:
            if self.requested:
                raise KeyboardInterrupt
            yield
        finally:
            self._waiting = False


@attrs.define
class Sending:
    """One run over one file. `client` is None if lines are only checked."""

    source: EventSource
    client: Client | None
    defaults: Defaults
    rejected: RejectedFile | None
    interrupt: Interrupt
    explain: Callable[[str], str] = str
    """Adds to the message of a failed delivery what to do about it."""
    tally: Tally = attrs.field(factory=Tally)
    stopped: str = ""
    """The error that stopped sending, because every further line would meet it."""
    _seen: Seen = attrs.field(factory=Seen)
    _ids: set[int] = attrs.field(factory=set)

    def take(self, lines: list[Line]) -> None:
        """Send *lines*, at most as many as one request holds, and count each result."""
        if self.interrupt.requested:
            for line in lines:
                self._unsent(line, INTERRUPTED)
        else:
            checked = [self._check(line) for line in lines]
            results = iter(self._deliver([one for one in checked if isinstance(one, Event)]))
            for line, one in zip(lines, checked, strict=True):
                if isinstance(one, Event):
                    self._count(line, next(results))
                else:
                    self._refuse(line, one)
        if self.rejected is not None:
            self.rejected.flush()

    def _check(self, line: Line) -> Event | Refused:
        try:
            event = event_from(line, self.defaults, self._seen)
        except Refused as refused:
            return refused
        found = check(event, self.source)
        errors = [one for one in found if one.severity == "error"]
        if errors:
            return Refused(*errors)
        if found:
            self.tally.warn(line.number, found)
        self._note_repeat(line, event)
        return event

    def _note_repeat(self, line: Line, event: Event) -> None:
        if not line.fields or line.fields.keys().isdisjoint(("key", "event_id")):
            return  # its id is derived from the line and unique
        mark = hash((event.event, event.id_for(self.source.id_namespace)))
        if mark in self._ids:
            self.tally.repeated += 1
        self._ids.add(mark)

    def _deliver(self, events: list[Event]) -> Iterable[EventResult]:
        if not events:
            return ()
        if self.client is None:
            return (EventResult("", "delivered") for _ in events)
        if not self.stopped:
            try:
                with self.interrupt.waiting():
                    return self.client.track_many(events).results
            except KeyboardInterrupt:
                self.stopped = INTERRUPTED
        return (EventResult("", "failed", message=self.stopped) for _ in events)

    def _count(self, line: Line, result: EventResult) -> None:
        if result.status == "delivered":
            self.tally.delivered += 1
        elif result.status == "rejected":
            self.tally.refuse_with(line.number, f"TikTok {result.code}", result.message)
            self._keep(line, result.message)
        elif result.status == "partial":
            message = "TikTok took part of this request and does not say which events"
            self.tally.fail(line.number, message, partial=True)
            self._keep(line, message)
        else:
            message = self.explain(result.message)
            self.stopped = self.stopped or message
            self._unsent(line, message)

    def _refuse(self, line: Line, refused: Refused) -> None:
        self.tally.refuse(line.number, refused.problems)
        if self.rejected is not None:
            self.rejected.refused(line, refused.problems)

    def _unsent(self, line: Line, message: str) -> None:
        self.tally.fail(line.number, message)
        self._keep(line, message)

    def _keep(self, line: Line, message: str) -> None:
        if self.rejected is not None:
            self.rejected.failed(line, message)


def run(sending: Sending, lines: Iterator[Line], progress: Any, *, endless: bool) -> None:
    """Send *lines*. After Ctrl-C the remaining lines are kept as unsent, but not waited for if *endless* (stdin)."""
    while True:
        chunk: list[Line] = []
        try:
            with sending.interrupt.waiting() if endless else nullcontext():
                for line in islice(lines, MAX_EVENTS):
                    chunk.append(line)  # noqa: PERF402 - lines that were read are kept when Ctrl-C ends the wait for more
        except KeyboardInterrupt:
            pass
        if not chunk:
            return
        sending.take(chunk)
        progress(sending.tally)
        if sending.interrupt.requested and endless:
            return


@contextmanager
def progress_over(total: int | None, position: Any) -> Iterator[Any]:
    """Show a bar on a terminal and nothing elsewhere; yields a function to call with the tally after each step."""
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

        def moved(tally: Tally) -> None:
            message = f"{tally.delivered:,} delivered, {tally.refused:,} refused"
            bar.update(task, completed=position() if total else 0, message=message)

        yield moved


def exit_code(sending: Sending) -> int:
    """Choose the exit code: 130 after Ctrl-C, 1 if a line was not delivered, else 0."""
    if sending.interrupt.requested:
        return 128 + signal.SIGINT
    return 0 if sending.tally.ok else 1
