"""`Finding`: one kind of mistake, the events that show it, and the fix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import attrs

Severity = Literal["error", "warning", "hint"]
State = Literal["open", "resolved"]

_MOST_EVENTS = 50
_SEVERITIES: Sequence[Severity] = ("error", "warning", "hint")
DOCS = "https://tiktok-events.readthedocs.io/en/latest/how-to/events-manager.html"


@attrs.frozen
class BrokenRule:
    """A rule that a stored event breaks."""

    rule: str
    severity: Literal["error", "warning"]
    field: str
    message: str
    fix: str


@attrs.frozen(kw_only=True)
class Row:
    """A stored event, as far as findings need it."""

    id: int
    event: str
    event_id: str | None
    event_source: str
    event_source_id: str
    channel: str
    channels: frozenset[str]
    outcome: str
    received_at: float
    event_time: int | None
    value: float | None
    currency: str | None
    page: str | None
    identifiers: frozenset[str]
    visitor: frozenset[str]
    items: str | None
    order: str | None
    is_test: bool
    first: int | None
    code: int = 0
    problems: tuple[BrokenRule, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Whether TikTok would count it."""
        return self.outcome == "kept" and not self.is_test


@attrs.frozen(kw_only=True)
class Finding:
    """One kind of mistake.

    `title` says what is wrong, `fix` what to do. `events` are the ids of the newest events that show it, `count` the
    number of all of them, `first_at` and `last_at` when the first and the last one came (Unix seconds). `state` is
    "resolved" once a later event of the same kind does not show it.
    """

    id: str
    severity: Severity
    title: str
    fix: str
    events: tuple[int, ...]
    count: int
    first_at: float
    last_at: float
    state: State = "open"
    docs: str = DOCS

    def as_json(self) -> dict[str, Any]:
        """The finding as `GET /api/diagnostics` returns it."""
        return {**attrs.asdict(self), "events": list(self.events)}


def finding(
    name: str, severity: Severity, title: str, fix: str, rows: Iterable[Row], *, resolved: bool = False
) -> Finding:
    """Make a finding of *rows*, which are not empty."""
    shown = sorted(rows, key=lambda row: row.id)
    return Finding(
        id=name,
        severity=severity,
        title=title,
        fix=fix,
        events=tuple(row.id for row in shown[-_MOST_EVENTS:]),
        count=len(shown),
        first_at=min(row.received_at for row in shown),
        last_at=max(row.received_at for row in shown),
        state="resolved" if resolved else "open",
    )


def event_names(rows: Iterable[Row]) -> str:
    """The names of *rows* for a title, at most three."""
    names = sorted({row.event or "(no name)" for row in rows})
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort *findings*: open ones first, then errors first, then the newest."""
    return sorted(
        findings, key=lambda one: (one.state != "open", _SEVERITIES.index(one.severity), -one.last_at, one.id)
    )
