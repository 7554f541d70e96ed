"""`check`: apply the rule table to one event."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tiktok_events._checks.semantics import check_semantics, without_follow_on_problems
from tiktok_events._spec.problem import Problem
from tiktok_events._spec.rules import RULES, problem

if TYPE_CHECKING:
    from tiktok_events._events.event import Event
    from tiktok_events._events.source import EventSource


def check(event: Event, source: EventSource, *, now: float | None = None) -> list[Problem]:
    """The problems that *event* has if it is sent to *source* at *now* (Unix seconds; the current time by default).

    Each `Problem` has `rule`, `severity` ("error": TikTok refuses it or it is certainly wrong; "warning"),
    `field`, `message` and `fix`. No problem contains a value. An empty list means that no rule is broken.
    """
    kind = source.event_source
    problems = list(event._problems)
    if kind in ("offline", "crm") and not event._has_event_time:
        problems.append(problem("event-time-missing", "event_time"))
    # The wire dict has no event_id yet if the event has a key; only rules for app events read it.
    check_semantics(event._wire, kind, time.time() if now is None else now, problems)
    return without_follow_on_problems(problems) if problems else problems


def strict_errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those of *problems* that raise in strict mode: errors, and a value without currency, which no report can use."""
    return [found for found in problems if found.severity == "error" or found.rule == "currency-missing"]


def drops_event(found: Problem) -> bool:
    """Whether *found* drops the event. Other errors drop one field, which the constructor has already left out."""
    return found.severity == "error" and RULES[found.rule].effect == "event"
