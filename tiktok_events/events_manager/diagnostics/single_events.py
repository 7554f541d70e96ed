"""Findings that one event shows by itself: the rules that it breaks, test codes, page views, answers (pure functions)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tiktok_events._spec.codes import code_for
from tiktok_events.events_manager.diagnostics.finding import BrokenRule, Finding, Row, Severity, event_names, finding
from tiktok_events.events_manager.diagnostics.same_conversion import is_conversion

_NAMES = {"no-identifier": "no-match-key"}
"""Rules whose finding has a name of its own."""

_FIXES = {
    40001: "Set TIKTOK_PIXEL_CODE to the event source id that this manager was started with.",
    40104: "Set TIKTOK_ACCESS_TOKEN; the client sends it in the header Access-Token.",
    40105: "Set TIKTOK_ACCESS_TOKEN to the token that this manager was started with.",
    40100: "Send the events again later; the clients of tiktok-events do so.",
}

_LOUDER: dict[str, Severity] = {"event-id-missing": "error"}
"""Rules of one event that are an error of the set-up."""


def broken_rules(rows: Sequence[Row]) -> Iterator[Finding]:
    """One finding for each rule that events break."""
    broken: dict[str, list[tuple[Row, BrokenRule]]] = defaultdict(list)
    last: dict[tuple[str, str], int] = {}
    for row in rows:
        last[row.event, row.channel] = row.id
        for rule in {problem.rule: problem for problem in row.problems}.values():
            if rule.rule == "event-id-missing" and not is_conversion(row.event):
                continue  # `page_views` says what to do
            broken[rule.rule].append((row, rule))
    for name, shown in broken.items():
        rule = shown[-1][1]
        events = [row for row, _ in shown]
        latest = {(row.event, row.channel): row.id for row in events}
        yield finding(
            _NAMES.get(name, name),
            _severity(name, shown),
            f"{event_names(events)}: {rule.field} {rule.message}".strip(),
            rule.fix,
            events,
            resolved=all(last[kind] > newest for kind, newest in latest.items()),
        )


def rejected_requests(rows: Sequence[Row]) -> Iterator[Finding]:
    """Requests that were answered with an error that no rule explains, such as a wrong token."""
    rejected: dict[int, list[Row]] = defaultdict(list)
    accepted = max((row.id for row in rows if row.code == 0 and row.channel == "server"), default=0)
    for row in rows:
        if row.code != 0 and not any(problem.severity == "error" for problem in row.problems):
            rejected[row.code].append(row)
    for code, shown in rejected.items():
        yield finding(
            f"code-{code}",
            "error",
            f"Requests were rejected with code {code}: {code_for(code, 200).meaning}",
            _FIXES.get(code, "Read the message of the answer, and correct the request."),
            shown,
            resolved=accepted > max(row.id for row in shown),
        )


def test_events(rows: Sequence[Row]) -> Iterator[Finding]:
    """Events with a test code, which are not counted."""
    shown = [row for row in rows if row.is_test]
    if shown:
        yield finding(
            "test-code",
            "hint",
            f"{event_names(shown)}: test_event_code is set, so these events are not counted",
            "Unset TIKTOK_TEST_EVENT_CODE before you go live.",
            shown,
            resolved=not rows[-1].is_test,
        )


def page_views(rows: Sequence[Row]) -> Iterator[Finding]:
    """Page views that a server reports without an id."""
    shown = [
        row
        for row in rows
        if row.channel == "server" and row.is_kept and not row.event_id and not is_conversion(row.event)
    ]
    if shown:
        yield finding(
            "page-views-counted",
            "warning",
            "The server reports page views without event_id, and the pixel reports them too: both are counted",
            "Leave page views to the pixel, or set Site(page_views=True), which gives both copies one id.",
            shown,
        )


def _severity(name: str, shown: list[tuple[Row, BrokenRule]]) -> Severity:
    severity: Severity = "error" if any(rule.severity == "error" for _, rule in shown) else "warning"
    return _LOUDER.get(name, severity)
