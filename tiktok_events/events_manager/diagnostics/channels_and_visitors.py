"""Findings that several events show together: silent channels, lost click ids, shared identifiers (pure functions)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from tiktok_events._spec.names import VALUE_NAMES
from tiktok_events.events_manager.diagnostics.finding import Finding, Row, event_names, finding
from tiktok_events.events_manager.diagnostics.same_conversion import BETWEEN_CHANNELS, is_conversion

_ENOUGH = 3
"""Conversions before a channel is called silent."""
_MANY_VISITORS = 4
"""Visitors that one identifier must have before it is called shared."""
_SKEW = 300.0
_ATTRIBUTED_DAYS = 28


def silent_channels(rows: Sequence[Row]) -> Iterator[Finding]:
    """A channel that reports nothing, while the other one does."""
    counted = [row for row in rows if row.is_kept and row.event_source in ("web", "") and is_conversion(row.event)]
    reported = {channel for row in rows if is_conversion(row.event) for channel in row.channels}
    for channel, other, name, fix in (
        (
            "browser",
            "server",
            "pixel-silent",
            "Set TIKTOK_PIXEL_URL, and render {{ tiktok.pixel() }} in the page's head. Ignore this if the site has no pixel.",
        ),
        (
            "server",
            "browser",
            "server-silent",
            "Call track() in the view that completes the conversion; the server also reports the events that browsers block.",
        ),
    ):
        if other in reported and channel not in reported and len(counted) >= _ENOUGH:
            yield finding(
                name, "hint", f"Only the {other} reports conversions: the {channel} reports none", fix, counted
            )


def click_id_lost(rows: Sequence[Row]) -> Iterator[Finding]:
    """Conversions without a click id, of visitors who had one before."""
    clicked: dict[str, float] = {}
    shown, good = [], 0
    for row in rows:
        ttp = _digest_of(row, "ttp")
        if ttp is None or not row.is_kept:
            continue
        if "ttclid" in row.identifiers:
            clicked[ttp] = row.received_at
            good = row.id
        elif is_conversion(row.event) and row.received_at - clicked.get(ttp, -1e12) < _ATTRIBUTED_DAYS * 86_400:
            shown.append(row)
    if shown:
        yield finding(
            "click-id-lost",
            "warning",
            f"{event_names(shown)}: the visitor arrived with a click id, and the conversion has none",
            "Let the middleware keep ttclid in its cookie (consent must be known on the landing page), and resume the "
            "visitor in webhooks: site.resume(order.tiktok_snapshot).",
            shown,
            resolved=good > shown[-1].id,
        )


def shared_identifiers(rows: Sequence[Row]) -> Iterator[Finding]:
    """An e-mail address, phone number or external id that several visitors have."""
    visitors: dict[str, set[str]] = defaultdict(set)
    shown: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        ttp = _digest_of(row, "ttp")
        if ttp is None or not row.is_kept:
            continue
        for digest in row.visitor:
            if digest.startswith(("email:", "phone:", "external_id:")):
                visitors[digest].add(ttp)
                shown[digest].append(row)
    by_field: dict[str, list[Row]] = defaultdict(list)
    for digest, ttps in visitors.items():
        if len(ttps) >= _MANY_VISITORS:
            by_field[digest.partition(":")[0]] += shown[digest]
    if by_field:
        events = [row for rows_of_field in by_field.values() for row in rows_of_field]
        yield finding(
            "shared-identifier",
            "warning",
            f"{', '.join(sorted(by_field))}: several visitors have the same value, so TikTok matches them to one person",
            "Pass each customer's own value, and no value for guests. Do not pass the shop's address or a placeholder.",
            {row.id: row for row in events}.values(),
        )


def mixed_currencies(rows: Sequence[Row]) -> Iterator[Finding]:
    """Events of one name with several currencies."""
    currencies: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if row.is_kept and row.currency and row.value:
            currencies[row.event][row.currency] = row
    shown = [row for by_currency in currencies.values() if len(by_currency) > 1 for row in by_currency.values()]
    if shown:
        yield finding(
            "currency-mixed",
            "hint",
            f"{event_names(shown)}: events have several currencies; TikTok converts them to the currency of the ad account",
            "Check that value and currency belong together in each event.",
            shown,
        )


def clock_skew(rows: Sequence[Row]) -> Iterator[Finding]:
    """Server events whose time is far from that of the browser's copy, which came at the same time."""
    by_id = {row.id: row for row in rows}
    shown = []
    for copy in rows:
        kept = by_id.get(copy.first or 0)
        if copy.outcome != "merged" or kept is None or abs(copy.received_at - kept.received_at) > BETWEEN_CHANNELS:
            continue
        server, browser = (copy, kept) if copy.channel == "server" else (kept, copy)
        if server.event_time is not None and abs(server.event_time - browser.received_at) > _SKEW:
            shown.append(kept)
    if shown:
        yield finding(
            "clock-skew",
            "warning",
            f"{event_names(shown)}: the server's event_time is minutes or hours away from the browser's copy",
            "Pass an aware datetime (datetime.now(UTC)) or Unix seconds, and synchronize the server's clock (NTP).",
            shown,
            resolved=max(row.id for row in rows if row.outcome == "kept") > max(row.id for row in shown),
        )


def purchase_without_checkout(rows: Sequence[Row]) -> Iterator[Finding]:
    """Purchases where nobody was seen to begin a checkout."""
    bought = [row for row in rows if row.is_kept and row.event in VALUE_NAMES and row.event_source == "web"]
    began = any(row.event in ("InitiateCheckout", "StartCheckout", "AddPaymentInfo") for row in rows)
    if len(bought) >= _ENOUGH and not began:
        yield finding(
            "purchase-without-checkout",
            "hint",
            "Purchases are reported, but no InitiateCheckout. TikTok also learns from the steps before a purchase",
            'Call track("InitiateCheckout", ...) where the checkout begins.',
            bought,
        )


def _digest_of(row: Row, name: str) -> str | None:
    return next((digest for digest in row.visitor if digest.startswith(f"{name}:")), None)
