"""What a background client counts, and how it speaks of problems: each rule once."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence

import attrs

from tiktok_events._api import network_guard
from tiktok_events._api.response import EventResult
from tiktok_events._checks.check import drops_event, mistakes
from tiktok_events._events.event import Event
from tiktok_events._spec.problem import Problem
from tiktok_events.errors import EventValidationError

_LOG = logging.getLogger("tiktok_events")


@attrs.frozen
class Stats:
    """What a `BackgroundClient` did in this process: numbers of events, and of problems by rule id.

    `queued` were put, `delivered`, `partial` and `rejected` are TikTok's answers, `retried` counts tries that failed
    and will be repeated, `invalid` had an error that effect the whole event, `dropped` found no room or were held
    back by `before_send`, `spilled` went to the spill; `waiting` are in the outbox, in memory before it or in the
    spill now, those of other processes included.
    """

    queued: int = 0
    delivered: int = 0
    partial: int = 0
    rejected: int = 0
    retried: int = 0
    invalid: int = 0
    dropped: int = 0
    spilled: int = 0
    waiting: int = 0
    problems: Mapping[str, int] = attrs.field(factory=dict)


class StatsCounter:
    """The numbers of one client in one process. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers: Counter[str] = Counter()
        self._problems: Counter[str] = Counter()

    def add(self, what: str, number: int) -> None:
        """Count *number* more of *what*, a field of `Stats`."""
        with self._lock:
            self._numbers[what] += number

    def settled(self, results: Sequence[EventResult]) -> None:
        """Count *results* by their status."""
        for status, number in Counter(result.status for result in results).items():
            self.add(status, number)

    def noted(self, event: Event, found: Sequence[Problem], *, strict: bool) -> bool:
        """Count *found* and say each rule once; whether *event* is wrong as a whole.

        Raises:
            EventValidationError: With *strict*, if any of it is a mistake.
        """
        with self._lock:
            new = {one.rule: one for one in found if one.rule not in self._problems}
            self._problems.update(one.rule for one in found)
        for one in new.values():
            level = logging.WARNING if one.severity == "error" else logging.INFO
            _LOG.log(level, "%s%s", "event dropped: " if drops_event(one) else "", one)
        effect = [one for one in found if drops_event(one)]
        if effect:
            network_guard.dropped(event.event, "invalid", effect)
        if strict and (raised := mistakes(found)):
            raise EventValidationError(raised)
        return bool(effect)

    def stats(self, **more: int) -> Stats:
        """Them all."""
        with self._lock:
            return Stats(**self._numbers, **more, problems=dict(self._problems))
