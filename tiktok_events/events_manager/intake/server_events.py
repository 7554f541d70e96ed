"""Read the events in the body of a `POST event/track/`, each with its problems (pure functions)."""

from __future__ import annotations

import re

import attrs

from tiktok_events._checks.body import BodyReport
from tiktok_events._spec.problem import Problem
from tiktok_events.events_manager.intake.item import as_object, printable, received_event
from tiktok_events.events_manager.store.received_event import ReceivedEvent

_ITEM = re.compile(r"data\[([0-9]+)\]\.?")
_MAX_REQUEST_PROBLEMS = 10


def server_events(report: BodyReport) -> list[ReceivedEvent]:
    """Return the events of a request. A body without a list of events is one event without a name."""
    data = report.body.get("data")
    by_item, common = _problems_by_item(report.problems)
    if not isinstance(data, list) or any(problem.rule in ("no-events", "too-many-events") for problem in common):
        return [_unreadable_request(report)]
    return [
        received_event("server", as_object(item), report.body, [*by_item.get(index, []), *common])
        for index, item in enumerate(data)
    ]


def _problems_by_item(problems: list[Problem]) -> tuple[dict[int, list[Problem]], list[Problem]]:
    """Split *problems* into those of each item, with paths that start at the item, and those of the whole request."""
    by_item: dict[int, list[Problem]] = {}
    common: list[Problem] = []
    for problem in problems:
        item = _ITEM.match(problem.field)
        if item is None:
            common.append(problem)
        else:
            own = attrs.evolve(problem, field=problem.field[item.end() :])
            by_item.setdefault(int(item.group(1)), []).append(own)
    return by_item, common


def _unreadable_request(report: BodyReport) -> ReceivedEvent:
    return ReceivedEvent(
        channel="server",
        event_source_id=printable(report.body.get("event_source_id")) or "",
        problems=tuple(report.problems[:_MAX_REQUEST_PROBLEMS]),
    )
