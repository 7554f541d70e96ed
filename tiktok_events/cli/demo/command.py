"""`tiktok-events demo`: an example shop or a simulated day, and a local Events Manager that counts both channels."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager

import click

from tiktok_events.cli import advice
from tiktok_events.cli.console import clean, format_option, stderr
from tiktok_events.cli.demo.shop import open_shop
from tiktok_events.cli.demo.simulate import compare, play, progress, tell
from tiktok_events.cli.demo.simulated_day import simulated_day
from tiktok_events.cli.manager import local_variables, need_manager, port_advice
from tiktok_events.errors import ConfigurationError

HELP = """Open an example shop that reports to a local Events Manager, and watch each conversion arrive from browser and
server and be counted once. Nothing leaves this machine. You need no account and no token.

The shop is a Flask app with the whole funnel: a consent banner, products, a cart, a checkout, a payment page, a
newsletter and a contact form. With --day no shop opens: 400 simulated visitors view, order and subscribe, some of
them with the pixel blocked, and a table shows what each channel counts.

\b
Examples:
  tiktok-events demo
  tiktok-events demo --port 8765 --shop-port 8000
  tiktok-events demo --once
  tiktok-events demo --once --visitors 1000 --format json

\b
Exit code with --once: 0 if counted and simulated conversions are equal,
else 1.
"""

PIXEL_CODE = "C0EXAMPLE0EXAMPLE000"
LANDING = "/?ttclid=E.C.P.demo-click"
"""The first page has a click id, as after a click on an ad, so that the match keys include one."""

LOOK = """
Accept the consent banner, then look at a product, buy it, subscribe, and use the contact form.
Each of these arrives in the Events Manager from the browser and from the server, as one conversion: "merged".
Page views come from the pixel only.
Then withdraw consent at the foot of a page: all events stop. Or block the pixel: the server's copy still arrives.
"""


@click.command(help=HELP, short_help="Open an example shop, and watch its events in a local Events Manager.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port of the Events Manager.  [any free port]")
@click.option("--shop-port", type=click.IntRange(0, 65535), default=0, help="Port of the shop.  [any free port]")
@click.option("--browser/--no-browser", default=True, help="Open the shop in a browser.  [yes, on a desktop]")
@click.option("--day", is_flag=True, help="Simulate a day of visitors instead of opening a shop.")
@click.option("--once", is_flag=True, help="Simulate the day, print the table and exit.")
@click.option("--visitors", type=click.IntRange(10, 20_000), help="Number of simulated visitors.  [400]")
@click.option("--seed", type=int, help="Random seed of the simulated day.  [1]")
@format_option
def demo(
    port: int,
    shop_port: int,
    visitors: int | None,
    seed: int | None,
    format_: str,
    *,
    browser: bool,
    day: bool,
    once: bool,
) -> None:
    """Open the shop, or simulate the day."""
    need_manager()
    plays = day or once or visitors is not None or seed is not None
    if not plays and (missing := advice("flask")):
        stderr().print(f"{missing}\nThe example shop needs it. Here is a simulated day instead.")
        plays = True
    try:
        if plays:
            _day(port, visitors or 400, 1 if seed is None else seed, format_, once=once)
        else:
            _shop(port, shop_port, format_, browser=browser)
    except ConfigurationError as error:
        raise click.UsageError(port_advice(error, "--port") or clean(error, 1000)) from None


def _shop(port: int, shop_port: int, format_: str, *, browser: bool) -> None:
    from tiktok_events.events_manager import running

    with (
        running(port=port, source_id=PIXEL_CODE) as manager,
        _port_option("--shop-port"),
        open_shop(local_variables(manager.url, PIXEL_CODE), shop_port) as shop,
    ):
        landing = shop + LANDING
        if format_ == "json":
            text = json.dumps({"version": 1, "url": manager.url, "shop": landing})
        else:
            text = f"Shop            {landing}\nEvents Manager  {manager.url}\n{LOOK}\nPress Ctrl-C to stop."
        _stay(text, landing if browser and _has_browser() else None)


def _day(port: int, visitors: int, seed: int, format_: str, *, once: bool) -> None:
    from tiktok_events.events_manager import running

    with running(port=port) as manager:
        day = simulated_day(visitors, seed=seed, start=int(time.time()) - 20 * 3600)
        with progress(len(day.in_order)) as moved:
            play(day, manager.url, manager.api_url, moved)
        rows = compare(day, manager.summary())
        good = all(row.counted == row.happened for row in rows)
        tell(rows, day, manager.url, format_, good=good)
        if once:
            sys.exit(0 if good else 1)
        _stay(f"\nEvents Manager  {manager.url}\nPress Ctrl-C to stop.")


@contextmanager
def _port_option(option: str) -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise click.UsageError(port_advice(error, option) or clean(error, 1000)) from None


def _has_browser() -> bool:
    """Whether there is a desktop: without one, `webbrowser` may start a text browser in this terminal."""
    if sys.platform in {"darwin", "win32"}:
        return True
    return any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def _stay(text: str, address: str | None = None) -> None:
    try:
        click.echo(text)
        sys.stdout.flush()
        if address:
            webbrowser.open(address)
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()
