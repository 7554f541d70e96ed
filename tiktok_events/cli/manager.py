"""`tiktok-events manager`: the local Events Manager."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from tiktok_events.cli import advice
from tiktok_events.cli.console import clean, stderr
from tiktok_events.errors import ConfigurationError

HELP = """Start an Events Manager on this machine: it answers as TikTok's Events API does, takes the pixel's events
too, checks both by TikTok's rules, deduplicates them, and shows it all on a page. Nothing leaves this machine.

\b
Examples:
  tiktok-events manager
  tiktok-events manager --db events.sqlite3 --pixel-code C1A2B3C4D5E6F7G8H9I0
  TIKTOK_ACCESS_TOKEN=anything tiktok-events manager --check-token --faults
"""


@click.command(help=HELP, short_help="Start the local Events Manager.")
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True, help="Where it listens.")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Address it listens on; another one shows it to the network."
)
@click.option(
    "--allow-host", metavar="NAME", multiple=True, help="Host name it answers to besides loopback ones. Repeatable."
)
@click.option("--check-token", is_flag=True, help="Refuse other tokens than TIKTOK_ACCESS_TOKEN.")
@click.option("--pixel-code", metavar="CODE", help="Refuse events for other event sources than this one.")
@click.option(
    "--db", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Keep events in FILE.  [in memory]"
)
@click.option("--faults", is_flag=True, help="Let its page switch on errors, throttling and slowness.")
def manager(
    port: int,
    host: str,
    allow_host: tuple[str, ...],
    pixel_code: str | None,
    db: Path | None,
    *,
    check_token: bool,
    faults: bool,
) -> None:
    """Start the local Events Manager."""
    need_manager()
    token = os.environ.get("TIKTOK_ACCESS_TOKEN") if check_token else None
    if check_token and not token:
        raise click.UsageError("--check-token needs TIKTOK_ACCESS_TOKEN in the environment")
    from tiktok_events.events_manager import serve

    options = {"token": token, "source_id": pixel_code, "db": db, "faults": faults}
    try:
        serve(host=host, port=port, on_start=_started, allowed_hosts=allow_host, **options)
    except ConfigurationError as error:
        raise click.UsageError(clean(error, 1000)) from None


def _started(address: str) -> None:
    click.echo(f"Events Manager  {address}")
    click.echo(f"Set             TIKTOK_API_URL={address}/open_api/v1.3")
    click.echo("Ctrl-C ends it.")
    sys.stdout.flush()


def need_manager() -> None:
    """End with advice when the extra `manager` is not installed."""
    missing = advice("manager")
    if missing:
        stderr().print(missing)
        sys.exit(2)
