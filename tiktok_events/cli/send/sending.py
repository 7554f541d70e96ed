"""Lines in, events out to one client, and every line accounted for."""

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
from tiktok_events.cli.send.event_from_line import Defaults, Refused, Seen, event_from
from tiktok_events.cli.send.lines import Line
from tiktok_events.cli.send.rejected_file import RejectedFile
from tiktok_events.cli.send.summary import Tally

INTERRUPTED = "stopped by Ctrl-C before it was sent for certain; sending it again is safe within 48 hours"


class Interrupt:
    """Ctrl-C as a wish: it ends a wait at once, and never tears what is being written. A second one ends all."""

    def __init__(self) -> None:
        self.wished = False
        self._waiting = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._wish)
        return self

    def __exit__(self, *exception: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _wish(self, _number: int, _frame: FrameType | None) -> None:
        again, self.wished = self.wished, True
        if self._waiting or again:
            raise KeyboardInterrupt

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Where Ctrl-C raises KeyboardInterrupt, also one from a moment ago."""
        self._waiting = True
        try:
            if self.wished:
                raise KeyboardInterrupt
            yield
        finally:
            self._waiting = False


@attrs.define
class Sending:
    """One run over one file. `client` is None when the lines are only checked."""

    source: EventSource
    client: Client | None
    defaults: Defaults
    rejected: RejectedFile | None
    interrupt: Interrupt
    tally: Tally = attrs.field(factory=Tally)
    stopped: str = ""
    """Why nothing more is sent: an error that no other line would escape."""
    _seen: Seen = attrs.field(factory=Seen)
    _ids: set[int] = attrs.field(factory=set)

    def take(self, lines: list[Line]) -> None:
        """Send *lines*, at most a request's worth, and account for each."""
        if self.interrupt.wished:
            for line in lines:
                self._unsent(line, INTERRUPTED)
        else:
            judged = [self._judged(line) for line in lines]
            results = iter(self._delivered([one for one in judged if isinstance(one, Event)]))
            for line, one in zip(lines, judged, strict=True):
                if isinstance(one, Event):
                    self._settle(line, next(results))
                else:
                    self._refuse(line, one)
        if self.rejected is not None:
            self.rejected.flush()

    def _judged(self, line: Line) -> Event | Refused:
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
            return  # its id is made from it, and another one each time
        mark = hash((event.event, event.id_for(self.source.id_namespace)))
        if mark in self._ids:
            self.tally.repeated += 1
        self._ids.add(mark)

    def _delivered(self, events: list[Event]) -> Iterable[EventResult]:
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

    def _settle(self, line: Line, result: EventResult) -> None:
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
            self.stopped = self.stopped or result.message
            self._unsent(line, result.message)

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
    """Feed *lines* to *sending*. What is left after Ctrl-C is kept too, but not waited for when *endless* (stdin)."""
    while True:
        chunk: list[Line] = []
        try:
            with sending.interrupt.waiting() if endless else nullcontext():
                for line in islice(lines, MAX_EVENTS):
                    chunk.append(line)  # noqa: PERF402 - what was read stays when Ctrl-C ends the wait for more
        except KeyboardInterrupt:
            pass
        if not chunk:
            return
        sending.take(chunk)
        progress(sending.tally)
        if sending.interrupt.wished and endless:
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
    if sending.interrupt.wished:
        return 128 + signal.SIGINT
    return 0 if sending.tally.ok else 1
