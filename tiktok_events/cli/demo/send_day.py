"""Send the events of a simulated day over sockets: server events to the Events API, browser events to the pixel's URL."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import click
from rich.progress import BarColumn, Progress, TextColumn

from tiktok_events._api.client import Client
from tiktok_events._delivery.background_client import BackgroundClient
from tiktok_events._events.event import Event
from tiktok_events._events.ids import event_id
from tiktok_events._events.source import EventSource
from tiktok_events.cli.console import stderr
from tiktok_events.cli.demo.simulated_day import SHOPS, SimulatedDay, Step, Visit


def send_day(day: SimulatedDay, url: str, api_url: str, on_progress: Callable[[int], object]) -> None:
    """Send the events of *day*: server events to *api_url*, browser events to the Events Manager at *url*.

    *on_progress* is called with the number of events sent.

    Raises:
        click.ClickException: If an event did not reach the Events Manager.
    """
    sources = {shop: EventSource.web(shop.pixel_code, "local") for shop in SHOPS}
    clients = {shop: BackgroundClient(Client(source, base_url=api_url)) for shop, source in sources.items()}
    parts = urlsplit(url)
    browser = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    try:
        for number, (visit, step) in enumerate(day.steps_by_time, 1):
            clients[visit.shop].track(_server_event(visit, step))
            if step in visit.browser_steps:
                _post_browser_event(browser, url, _browser_event(visit, step))
            on_progress(number)
    finally:
        undelivered = sum(client.close() for client in clients.values())
        browser.close()
    if undelivered:
        raise click.ClickException(f"{undelivered:,} events did not reach the Events Manager")


def _server_event(visit: Visit, step: Step) -> Event:
    user = dict(visit.user)
    if visit.ttp:
        user["ttp"] = visit.ttp
    if step.event in (visit.shop.purchase, "Lead", "Subscribe"):  # the shop knows the e-mail address since this step
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
    """Make the body that the pixel posts for `ttq.track(event, properties, {event_id})`."""
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


def _post_browser_event(connection: http.client.HTTPConnection, url: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json", "Origin": url}
    connection.request("POST", "/api/v2/pixel/act", json.dumps(body), headers)
    response = connection.getresponse()
    response.read()
    if response.status != http.client.OK:
        raise click.ClickException(f"The Events Manager answered {response.status} to a browser event")


@contextmanager
def progress_bar(total: int) -> Iterator[Callable[[int], object]]:
    """Show a progress_bar bar on a terminal. Yields a function that sets the number of events."""
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
