"""Statistics of a background client, and the log of problems: each rule once."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from tiktok_events._api import network_guard
from tiktok_events._api.response import EventResult
from tiktok_events._checks.check import drops_event, strict_errors
from tiktok_events._events.event import Event
from tiktok_events._spec.problem import Problem
from tiktok_events.errors import EventValidationError

_LOG = logging.getLogger("tiktok_events")


@attrs.frozen
class Stats:
    """Numbers of events that a `BackgroundClient` handled in this process, and of problems by rule id.

    - `queued`: put into the outbox, or into memory in front of it.
    - `delivered`, `partial`, `rejected`: by TikTok's answer.
    - `retried`: failed attempts that are repeated.
    - `invalid`: dropped for an error of the whole event.
    - `dropped`: dropped because there was no room, or by `before_send`.
    - `repeated`: not stored, because an event with the same name and key was stored before. An event that reaches the
      outbox through memory is counted in `queued`, too.
    - `spilled`: put into the spill.
    - `waiting`: in the outbox, in memory or in the spill now, including those of other processes.
    - `problems`: by rule id.
    """

    queued: int = 0
    delivered: int = 0
    partial: int = 0
    rejected: int = 0
    retried: int = 0
    invalid: int = 0
    dropped: int = 0
    repeated: int = 0
    spilled: int = 0
    waiting: int = 0
    problems: Mapping[str, int] = attrs.field(factory=dict)


class StatsCounter:
    """Counts the events of one client in one process. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()

    def add(self, what: str, number: int) -> None:
        """Add *number* to *what*, a field of `Stats`."""
        with self._lock:
            self._numbers[what] += number

    def add_results(self, results: Sequence[EventResult]) -> None:
        """Count *results* by their status."""
        for status, number in Counter(result.status for result in results).items():
            self.add(status, number)

    def add_problems(self, event: Event, found: Sequence[Problem], *, strict: bool) -> bool:
        """Count the problems *found* and log each rule once. Returns whether *event* is dropped.

        Raises:
            EventValidationError: With *strict*, if one of them is a mistake in code or an error.
        """
        with self._lock:
            new = {one.rule: one for one in found if one.rule not in self._problems}
            self._problems.update(one.rule for one in found)
        for one in new.values():
            level = logging.WARNING if one.severity == "error" else logging.INFO
            _LOG.log(level, "%s%s", "event dropped: " if drops_event(one) else "", one)
        errors = [one for one in found if drops_event(one)]
        if errors:
            network_guard.dropped(event.event, "invalid", errors)
        if strict and (raised := strict_errors(found)):
            raise EventValidationError(raised)
        return bool(errors)

    def stats(self, **more: int) -> Stats:
        """All numbers, with *more* of them."""
        with self._lock:
            return Stats(**self._numbers, **more, problems=dict(self._problems))
