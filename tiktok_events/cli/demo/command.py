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

from tiktok_events.cli import install_hint
from tiktok_events.cli.console import clean, format_option, stderr
from tiktok_events.cli.demo.comparison import compare, print_comparison
from tiktok_events.cli.demo.send_day import progress_bar, send_day
from tiktok_events.cli.demo.shop import open_shop
from tiktok_events.cli.demo.simulated_day import simulated_day
from tiktok_events.cli.manager import port_advice, require_manager
from tiktok_events.errors import ConfigurationError

HELP = """Open an example shop and a local Events Manager. The browser and the server both report each conversion, and the
Events Manager counts it once. Nothing leaves this machine. You need no account and no token.

The shop is a Flask app with a consent banner, products, a cart, a checkout, a payment page, a newsletter and a contact
form. With --day the command opens no shop: it simulates 400 visitors who view, order and subscribe, some of them with
a blocked pixel, and prints a table with the counts of each channel.

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
LANDING_PATH = "/?ttclid=E.C.P.demo-click"
"""The first page, with a click id as after a click on an ad, so that the match keys include one."""

INSTRUCTIONS = """
Accept the consent banner, then look at a product, buy it, subscribe, and use the contact form.
The browser and the server both report each of these. The Events Manager merges both copies into one conversion.
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
    require_manager()
    simulate = day or once or visitors is not None or seed is not None
    if not simulate and (missing := install_hint("flask")):
        stderr().print(f"{missing}\nThe example shop needs it. A simulated day follows instead.")
        simulate = True
    try:
        if simulate:
            _simulate_day(port, visitors or 400, 1 if seed is None else seed, format_, once=once)
        else:
            _run_shop(port, shop_port, format_, browser=browser)
    except ConfigurationError as error:
        raise click.UsageError(port_advice(error, "--port") or clean(error, 1000)) from None


def _run_shop(port: int, shop_port: int, format_: str, *, browser: bool) -> None:
    from tiktok_events.events_manager import running
    from tiktok_events.events_manager.environment import local_variables

    with (
        running(port=port, source_id=PIXEL_CODE) as manager,
        _port_advice_for("--shop-port"),
        open_shop(local_variables(manager.url, PIXEL_CODE), shop_port) as shop,
    ):
        landing = shop + LANDING_PATH
        if format_ == "json":
            text = json.dumps({"version": 1, "url": manager.url, "shop": landing})
        else:
            text = f"Shop            {landing}\nEvents Manager  {manager.url}\n{INSTRUCTIONS}\nPress Ctrl-C to stop."
        _wait_for_ctrl_c(text, landing if browser and _has_browser() else None)


def _simulate_day(port: int, visitors: int, seed: int, format_: str, *, once: bool) -> None:
    from tiktok_events.events_manager import running

    with running(port=port) as manager:
        day = simulated_day(visitors, seed=seed, start=int(time.time()) - 20 * 3600)
        with progress_bar(len(day.steps_by_time)) as on_progress:
            send_day(day, manager.url, manager.api_url, on_progress)
        rows = compare(day, manager.summary())
        all_equal = all(row.counted == row.happened for row in rows)
        print_comparison(rows, day, manager.url, format_, all_equal=all_equal)
        if once:
            sys.exit(0 if all_equal else 1)
        _wait_for_ctrl_c(f"\nEvents Manager  {manager.url}\nPress Ctrl-C to stop.")


@contextmanager
def _port_advice_for(option: str) -> Iterator[None]:
    try:
        yield
    except ConfigurationError as error:
        raise click.UsageError(port_advice(error, option) or clean(error, 1000)) from None


def _has_browser() -> bool:
    """Return whether there is a desktop. Without one, `webbrowser` may start a text browser in this terminal."""
    if sys.platform in {"darwin", "win32"}:
        return True
    return any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def _wait_for_ctrl_c(text: str, address: str | None = None) -> None:
    try:
        click.echo(text)
        sys.stdout.flush()
        if address:
            webbrowser.open(address)
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()
