"""`check`: apply the rule table to one event."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tiktok_events._checks.item import check_item, without_echoes
from tiktok_events._spec.problem import Problem
from tiktok_events._spec.rules import RULES, problem

if TYPE_CHECKING:
    from tiktok_events._events.event import Event
    from tiktok_events._events.source import EventSource


def check(event: Event, source: EventSource, *, now: float | None = None) -> list[Problem]:
    """The problems that *event* has if it is sent to *source* at *now* (Unix seconds; the present by default).

    Each `Problem` has `rule`, `severity` ("error": TikTok refuses it or it is certainly wrong; "warning"),
    `field`, `message` and `fix`. None holds a value. An empty list means that no rule is broken.
    """
    kind = source.event_source
    found = list(event._problems)
    if kind in ("offline", "crm") and not event._timed:
        found.append(problem("event-time-missing", "event_time"))
    # Before the source is known the wire dict lacks the keyed id, and only rules for app events read the id.
    check_item(event._wire, kind, time.time() if now is None else now, found)
    return without_echoes(found) if found else found


def mistakes(found: Iterable[Problem]) -> list[Problem]:
    """Those of *found* that raise in strict mode: errors, and a value that no report can show."""
    return [one for one in found if one.severity == "error" or one.rule == "currency-missing"]


def drops_event(one: Problem) -> bool:
    """Whether *one* drops the whole event; other errors leave out one field, and have done so already."""
    return one.severity == "error" and RULES[one.rule].effect == "event"
