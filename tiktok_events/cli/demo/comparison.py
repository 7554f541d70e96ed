"""Compare the events of a simulated day with the counts of the Events Manager, and print the comparison."""

from __future__ import annotations

import json
from typing import Any

import attrs
import click
from rich.table import Table
from rich.text import Text

from tiktok_events.cli.console import show, stdout
from tiktok_events.cli.demo.simulated_day import SimulatedDay

EVENT_ORDER = ("ViewContent", "AddToCart", "InitiateCheckout", "CompletePayment", "Purchase", "Lead", "Subscribe")


@attrs.frozen
class Row:
    """One row of the table: how often an event happened, and how often each channel counted it."""

    event: str
    happened: int
    browser: int
    server: int
    counted: int

    @property
    def without_id(self) -> int:
        """The count of both channels without a shared event id."""
        return self.browser + self.server


def compare(day: SimulatedDay, summary: dict[str, Any]) -> list[Row]:
    """Compare the events of *day* with the counts in *summary* of the Events Manager."""
    by_event = {row["event"]: row for row in summary["events"]}
    expected = day.expected
    rows = []
    for event in (*EVENT_ORDER, *sorted(by_event.keys() - set(EVENT_ORDER))):
        counts = by_event.get(event, {})
        numbers = (int(counts.get(key, 0)) for key in ("browser_alone", "server_alone", "conversions"))
        rows.append(Row(event, expected.get(event, 0), *numbers))
    return rows


def print_comparison(rows: list[Row], day: SimulatedDay, url: str, format_: str, *, all_equal: bool) -> None:
    """Print *rows* as a table, or as JSON if *format_* is "json"."""
    if format_ == "json":
        events = [{**attrs.asdict(row), "without_id": row.without_id} for row in rows]
        report = {"version": 1, "url": url, "visitors": len(day.visits), "ok": all_equal, "events": events}
        click.echo(json.dumps(report, indent=2))
        return
    console = stdout()
    console.print(
        Text(
            f"\nA simulated day in two shops: {len(day.visits):,} visitors, {day.blocked_share:.0%} of them block the pixel.\n"
        )
    )
    show(console, _table(rows))
    console.print()
    if all_equal:
        console.print(
            Text(
                "Each event is counted as often as it happened: its two copies were merged.",
                style="bold green",
            )
        )
    else:
        console.print(
            Text(
                "The counts differ from what happened. This is a bug of tiktok-events: please report it.",
                style="bold red",
            )
        )
    lost = 1 - sum(row.browser for row in rows) / sum(row.happened for row in rows)
    console.print(Text(f"The browser alone misses {lost:.0%}. Without a shared event_id, both copies are counted."))
    console.print(Text("The server alone counts correctly. The pixel adds match keys that only a browser has."))


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_footer=True, header_style="bold")
    total = Row("", *(sum(numbers) for numbers in zip(*(attrs.astuple(row)[1:] for row in rows), strict=True)))
    columns = (
        ("Happened", total.happened, ""),
        ("Browser\nalone", total.browser, "yellow"),
        ("Server\nalone", total.server, ""),
        ("Both, no\nshared id", total.without_id, "red"),
        ("Both, same id:\ncounted", total.counted, "bold green"),
    )
    table.add_column("Event", "Total", no_wrap=True, vertical="bottom", footer_style="bold")
    for title, footer, style in columns:
        table.add_column(title, f"{footer:,}", justify="right", style=style, footer_style=f"bold {style}".strip())
    for row in rows:
        numbers = (row.happened, row.browser, row.server, row.without_id)
        mark = "✓" if row.counted == row.happened else "✗"
        table.add_row(row.event, *(f"{number:,}" for number in numbers), f"{row.counted:,} {mark}")
    return table
