"""Run the simulated day: report it on both channels over sockets, and compare the Events Manager's counts."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import attrs
import click
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from tiktok_events._api.client import Client
from tiktok_events._delivery.background_client import BackgroundClient
from tiktok_events._events.event import Event
from tiktok_events._events.ids import event_id
from tiktok_events._events.source import EventSource
from tiktok_events.cli.console import show, stderr, stdout
from tiktok_events.cli.demo.simulated_day import SHOPS, Day, Step, Visit

ORDER = ("ViewContent", "AddToCart", "InitiateCheckout", "CompletePayment", "Purchase", "Lead", "Subscribe")


@attrs.frozen
class Row:
    """One row of the table: how often an event happened, and what each channel counts."""

    event: str
    happened: int
    browser: int
    server: int
    counted: int

    @property
    def without_id(self) -> int:
        """What both channels count without a shared event id."""
        return self.browser + self.server


def play(day: Day, url: str, api_url: str, moved: Callable[[int], object]) -> None:
    """Report *day* on both channels: server events to *api_url*, browser events to the manager at *url*."""
    sources = {shop: EventSource.web(shop.pixel_code, "local") for shop in SHOPS}
    clients = {shop: BackgroundClient(Client(source, base_url=api_url)) for shop, source in sources.items()}
    parts = urlsplit(url)
    browser = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        for number, (visit, step) in enumerate(day.in_order, 1):
            clients[visit.shop].track(_server_event(visit, step))
            if step in visit.seen_by_browser:
                _post(browser, url, _browser_event(visit, step))
            moved(number)
    finally:
        left = sum(client.close() for client in clients.values())
        browser.close()
    if left:
        raise click.ClickException(f"{left:,} events did not reach the manager")


def _server_event(visit: Visit, step: Step) -> Event:
    user = dict(visit.user)
    if visit.ttp:
        user["ttp"] = visit.ttp
    if step.event in (visit.shop.purchase, "Lead", "Subscribe"):  # from here on the shop knows the e-mail address
        user["email"] = f"{user['external_id']}@example.com"
    fields = {
        "event": step.event,
        "key": step.key,
        "event_time": step.at,
        "user": user,
        "page": {"url": visit.shop.url + step.path},
        "properties": step.properties,
    }
    return Event.from_mapping(fields)


def _browser_event(visit: Visit, step: Step) -> dict[str, Any]:
    """Make what the pixel posts for `ttq.track(event, properties, {event_id})`."""
    return {
        "event": step.event,
        "event_id": event_id(step.event, step.key),
        "message_id": f"messageId-{step.key}",
        "context": {
            "page": {"url": visit.shop.url + step.path, "referrer": visit.shop.url + "/"},
            "pixel": {"code": visit.shop.pixel_code},
            "user": {"ttp": visit.ttp},
            "ad": {"callback": visit.user.get("ttclid", "")},
            "userAgent": visit.user["user_agent"],
        },
        "properties": dict(step.properties),
    }


def _post(connection: http.client.HTTPConnection, url: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json", "Origin": url}
    connection.request("POST", "/api/v2/pixel/act", json.dumps(body), headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != http.client.OK:
        raise click.ClickException(f"the manager answered {answer.status} to a browser's event")


def compare(day: Day, summary: dict[str, Any]) -> list[Row]:
    """Compare the events of *day* with the counts of the manager's *summary*."""
    by_event = {one["event"]: one for one in summary["events"]}
    expected = day.expected
    rows = []
    for event in (*ORDER, *sorted(by_event.keys() - set(ORDER))):
        one = by_event.get(event, {})
        numbers = (int(one.get(key, 0)) for key in ("browser_alone", "server_alone", "conversions"))
        rows.append(Row(event, expected.get(event, 0), *numbers))
    return rows


def tell(rows: list[Row], day: Day, url: str, format_: str, *, good: bool) -> None:
    """Print *rows*, as a table or as JSON."""
    if format_ == "json":
        events = [{**attrs.asdict(row), "without_id": row.without_id} for row in rows]
        report = {"version": 1, "url": url, "visitors": len(day.visits), "ok": good, "events": events}
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
    if good:
        console.print(
            Text(
                "Counted = happened, for every event: the two copies of each conversion were merged.",
                style="bold green",
            )
        )
    else:
        console.print(Text("Counted differs from what happened. Please report this.", style="bold red"))
    lost = 1 - sum(row.browser for row in rows) / sum(row.happened for row in rows)
    console.print(Text(f"The browser alone misses {lost:.0%}; both without a shared event_id count double."))
    console.print(Text("The server alone counts correctly; the pixel adds match keys that only a browser has."))


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
    for head, sum_, style in columns:
        table.add_column(head, f"{sum_:,}", justify="right", style=style, footer_style=f"bold {style}".strip())
    for row in rows:
        numbers = (row.happened, row.browser, row.server, row.without_id)
        mark = "✓" if row.counted == row.happened else "✗"
        table.add_row(row.event, *(f"{number:,}" for number in numbers), f"{row.counted:,} {mark}")
    return table


@contextmanager
def progress(total: int) -> Iterator[Callable[[int], object]]:
    """Show a progress bar on a terminal. Yields a function that sets the number of events."""
    console = stderr()
    if not console.is_terminal:
        yield lambda _: None
        return
    with Progress(
        TextColumn("Simulating"),
        BarColumn(),
        TextColumn("{task.completed:,} events"),
        console=console,
        transient=True,
    ) as bar:
        task = bar.add_task("", total=total)
        yield lambda steps: bar.update(task, completed=steps)
