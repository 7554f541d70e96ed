"""Suspected doubles: conversions that are counted twice, because their copies are not deduplicated (pure functions)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tiktok_events.events_manager.diagnostics.finding import Finding, Row, event_names, finding
from tiktok_events.events_manager.diagnostics.same_conversion import (
    BETWEEN_CHANNELS,
    WITHIN_CHANNEL,
    canonical_name,
    current_name,
    is_conversion,
    plain_id,
    same_conversion,
    same_id,
    what_differs,
)

COPY_WAIT = 0.5
"""Seconds that an event waits for its own copy before it is compared with others."""

_ONCE = frozenset({
    "purchase",
    "lead",
    "completeregistration",
    "subscribe",
    "starttrial",
    "submitapplication",
    "applicationapproval",
    "schedule",
})
"""Canonical names of events that one person does not repeat within seconds."""

_MOST_COMPARED = 200
_TITLES = {
    "ids-differ": "{name}: one conversion has two event ids, so TikTok counts it twice",
    "names-differ": "{names} are two names of one conversion, so TikTok counts it twice",
    "case-differs": "{name}: name or event_id of its copies differ in case or blanks, so TikTok counts it twice",
    "pixels-differ": "{name}: browser and server report to different pixels, so nothing is deduplicated",
    "event-id-missing": "{name}: a copy has no event_id, so TikTok cannot deduplicate it",
}
DOUBLES = frozenset({*_TITLES, "double-after-window"})
"""The ids of the findings about conversions that are counted twice."""

_FIXES = {
    "ids-differ": (
        'Give both copies one event_id: call track("{name}", key=order.number) in the view, and render the pixel call '
        "that it returns. Without this package: pass the same event_id to ttq.track and to the server."
    ),
    "names-differ": 'Use one name for both copies: track("{name}", ...) and ttq.track("{name}", ...).',
    "case-differs": 'Write both alike in browser and server: the name "{name}", and the same event_id as text.',
    "pixels-differ": (
        "Use one pixel code for both: set TIKTOK_PIXEL_CODE. The page loads {pixels} with ttq.load(code), and the server "
        "must send the same code as event_source_id."
    ),
    "event-id-missing": 'Pass the id: ttq.track("{name}", {{...}}, {{event_id: id}}), and event_id on the server.',
}


def suspected_doubles(rows: Sequence[Row], *, now: float) -> Iterator[Finding]:
    """The findings about conversions that are counted twice. *rows* are in the order of arrival."""
    found: dict[tuple[str, str], dict[int, Row]] = defaultdict(dict)
    by_name: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_kept and row.event and is_conversion(row.event) and now - row.received_at >= COPY_WAIT:
            by_name[canonical_name(row.event)].append(row)
    for name, kept in by_name.items():
        for one, other in _pairs(name, kept):
            found[what_differs(one, other), name] |= {one.id: one, other.id: other}
    for (kind, name), shown in found.items():
        yield _described(kind, list(shown.values()), by_name[name])


def counted_again(rows: Sequence[Row]) -> Iterator[Finding]:
    """Events that are counted twice with one id, because the second copy arrived after 48 hours."""
    kept: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row.is_kept and row.event_id and is_conversion(row.event):
            kept[row.event_source_id, row.event, row.event_id].append(row)
    late = [row for copies in kept.values() if len(copies) > 1 for row in copies[1:]]
    if late:
        yield finding(
            "double-after-window",
            "error",
            f"{event_names(late)}: a copy arrived more than 48 hours after the first, so TikTok counts it again",
            "Deliver within 48 hours: keep a worker running (`tiktok-events worker`), and pass key=... so that the "
            "outbox does not queue a repeated webhook again.",
            late,
        )


def values_differ(rows: Sequence[Row]) -> Iterator[Finding]:
    """Merged copies whose value or currency is not that of the event they are merged into."""
    by_id = {row.id: row for row in rows}
    pairs = [(row, by_id[row.first]) for row in rows if row.outcome == "merged" and row.first in by_id]
    shown = {kept.id: kept for copy, kept in pairs if _differs(copy, kept)}
    if shown:
        good = max((kept.id for copy, kept in pairs if not _differs(copy, kept)), default=0)
        yield finding(
            "values-differ",
            "warning",
            f"{event_names(shown.values())}: browser and server report different values, and TikTok keeps the first",
            "Compute value and currency once, on the server, and render the pixel call that track() returns.",
            shown.values(),
            resolved=good > max(shown),
        )


def _pairs(name: str, kept: list[Row]) -> Iterator[tuple[Row, Row]]:
    """Each event with an earlier one that looks like a copy of it, an event at most once."""
    used: set[int] = set()
    by_mark: dict[str, list[Row]] = defaultdict(list)
    for at, row in enumerate(kept):
        marks = [f"{kind} {mark}" for kind, mark in (("id", plain_id(row.event_id)), ("order", row.order)) if mark]
        earlier = [one for mark in marks for one in by_mark[mark]]
        for mark in marks:
            by_mark[mark].append(row)
        window = kept[max(0, at - _MOST_COMPARED) : at]
        near = (one for one in reversed(window) if row.received_at - one.received_at <= BETWEEN_CHANNELS)
        for one in [*reversed(earlier), *near]:
            if one.id not in used and _is_double(name, one, row):
                used |= {one.id, row.id}
                yield one, row
                break


def _is_double(name: str, one: Row, row: Row) -> bool:
    if one.event_id and one.event_id == row.event_id and one.event == row.event:
        # One id on two pixels is a double only if each pixel got half; otherwise both pixels are fed on purpose.
        return one.event_source_id != row.event_source_id and not one.channels & row.channels
    is_marked = same_id(one, row) or (one.order is not None and one.order == row.order)
    if one.event_source_id != row.event_source_id and one.channels & row.channels:
        return False
    if one.channels == row.channels and not is_marked:
        is_once = name in _ONCE and row.received_at - one.received_at <= WITHIN_CHANNEL
        return is_once and same_conversion(one, row)
    return same_conversion(one, row)


def _described(kind: str, shown: list[Row], kept: list[Row]) -> Finding:
    words = {
        "name": current_name(shown),
        "names": " and ".join(sorted({row.event for row in shown})),
        "pixels": ", ".join(sorted({row.event_source_id for row in shown if row.channel == "browser"})) or "missing",
    }
    last = max(row.id for row in shown)
    resolved = any(row.id > last and len(row.channels) > 1 for row in kept)
    return finding(kind, "error", _TITLES[kind].format(**words), _FIXES[kind].format(**words), shown, resolved=resolved)


def _differs(copy: Row, kept: Row) -> bool:
    values = copy.value, kept.value
    if copy.value is not None and kept.value is not None and abs(copy.value - kept.value) > 0.005:
        return True
    return None not in values and bool(copy.currency and kept.currency and copy.currency != kept.currency)
