"""`tiktok-events demo`: a shop to click through, or a made-up day, and a local Events Manager that counts both halves."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import webbrowser

import click

from tiktok_events.cli import advice
from tiktok_events.cli.console import clean, format_option, stderr
from tiktok_events.cli.demo.shop import open_shop
from tiktok_events.cli.demo.simulate import compare, play, progress, tell
from tiktok_events.cli.demo.simulated_day import simulated_day
from tiktok_events.cli.manager import need_manager
from tiktok_events.errors import ConfigurationError

HELP = """Open a small shop that reports to a local Events Manager, and watch every click arrive there twice and count
once. Nothing leaves this machine, and no account and no token is needed.

The shop is a Flask app with the whole funnel: a consent banner, products, a cart, a checkout, a payment page, a
newsletter and a contact form. With --day no shop opens: four hundred made-up visitors view, order and subscribe, some of them
with the pixel blocked, and a table shows what each channel counts.

\b
Examples:
  tiktok-events demo
  tiktok-events demo --port 8765 --shop-port 8000
  tiktok-events demo --once
  tiktok-events demo --once --visitors 1000 --format json

\b
Exit code with --once: 0 when what is counted is what happened, else 1.
"""

PIXEL_CODE = "C0EXAMPLE0EXAMPLE000"
LANDING = "/?ttclid=E.C.P.demo-click"
"""The shop is entered as by a click on an ad, so that the click id is among the match keys."""

LOOK = """
Say yes to the shop's banner, then look at a product, buy it, subscribe, write to the shop.
Each of these arrives in the Events Manager from the browser and from the server, as one conversion: "merged".
A Pageview is the pixel's own, and comes alone.
Then say no, at the foot of a page, or block the pixel: the first sends nothing, the second loses nothing.
"""


@click.command(help=HELP, short_help="Open a shop, and watch its events being counted.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where the manager listens.  [any free port]")
@click.option("--shop-port", type=click.IntRange(0, 65535), default=0, help="Where the shop does.  [any free port]")
@click.option("--browser/--no-browser", default=True, help="Open the shop in a browser, if there is one.  [yes]")
@click.option("--day", is_flag=True, help="Play a made-up day in place of the shop.")
@click.option("--once", is_flag=True, help="Play the day, print the table and end.")
@click.option("--visitors", type=click.IntRange(10, 20_000), help="Play a day of this many.  [400]")
@click.option("--seed", type=int, help="Play another day.  [1]")
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
    """Open the shop, or play the day."""
    need_manager()
    plays = day or once or visitors is not None or seed is not None
    if not plays and (missing := advice("flask")):
        stderr().print(f"{missing}\nWithout it there is no shop to click through. Here is a made-up day instead.")
        plays = True
    try:
        if plays:
            _day(port, visitors or 400, 1 if seed is None else seed, format_, once=once)
        else:
            _shop(port, shop_port, format_, browser=browser)
    except ConfigurationError as error:
        raise click.UsageError(clean(error, 1000)) from None


def _shop(port: int, shop_port: int, format_: str, *, browser: bool) -> None:
    from tiktok_events.events_manager import running

    with running(port=port, source_id=PIXEL_CODE) as manager:
        settings = {
            "TIKTOK_API_URL": manager.api_url,
            "TIKTOK_PIXEL_URL": f"{manager.url}/i18n/pixel/events.js",
            "TIKTOK_PIXEL_CODE": PIXEL_CODE,
            "TIKTOK_ACCESS_TOKEN": "local",
        }
        with open_shop(settings, shop_port) as shop:
            landing = shop + LANDING
            if format_ == "json":
                text = json.dumps({"version": 1, "url": manager.url, "shop": landing})
            else:
                text = f"Shop            {landing}\nEvents Manager  {manager.url}\n{LOOK}\nCtrl-C ends it."
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
        _stay(f"\nEvents Manager  {manager.url}\nCtrl-C ends it.")


def _has_browser() -> bool:
    """Whether there is a screen for one: in a terminal alone `webbrowser` would start lynx over our words."""
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
