"""`tiktok-events manager`: the local Events Manager."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tiktok_events._api.transport import MANAGER_PORT
from tiktok_events.cli import install_hint
from tiktok_events.cli.console import clean, stderr
from tiktok_events.cli.event_lines import EventLines
from tiktok_events.errors import ConfigurationError

if TYPE_CHECKING:
    from tiktok_events.events_manager import RunningManager

HELP = """Start an Events Manager on this machine. It answers like TikTok's Events API, receives the pixel's events too,
checks and deduplicates both, and shows them on a page. Nothing leaves this machine.

\b
Examples:
  tiktok-events manager
  tiktok-events manager --db events.sqlite3 --pixel-code C1A2B3C4D5E6F7G8H9I0
  TIKTOK_ACCESS_TOKEN=anything tiktok-events manager --check-token --faults
"""


@click.command(help=HELP, short_help="Start the local Events Manager.")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=MANAGER_PORT, show_default=True, help="Port to listen on."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. An address other than loopback is open to other machines and needs --allow-host.",
)
@click.option(
    "--allow-host", metavar="NAME", multiple=True, help="Also accept requests for this host name. Repeatable."
)
@click.option("--check-token", is_flag=True, help="Accept only the token in TIKTOK_ACCESS_TOKEN.")
@click.option("--pixel-code", metavar="CODE", help="Accept only events for this event source.")
@click.option(
    "--db", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Store events in FILE.  [in memory]"
)
@click.option("--no-ttp-dedup", is_flag=True, help="Do not deduplicate events without event_id by their _ttp cookie.")
@click.option(
    "--merge-same-channel",
    is_flag=True,
    help="Merge copies from the same channel within 5 minutes, instead of dropping them.",
)
@click.option("--quiet", is_flag=True, help="Do not print events and findings.")
@click.option(
    "--faults", is_flag=True, help="Accept POST /api/faults, so that tests can make answers fail, throttle or wait."
)
def manager(
    port: int,
    host: str,
    allow_host: tuple[str, ...],
    pixel_code: str | None,
    db: Path | None,
    *,
    check_token: bool,
    no_ttp_dedup: bool,
    merge_same_channel: bool,
    quiet: bool,
    faults: bool,
) -> None:
    """Start the local Events Manager."""
    require_manager()
    token = os.environ.get("TIKTOK_ACCESS_TOKEN") if check_token else None
    if check_token and not token:
        raise click.UsageError("--check-token needs TIKTOK_ACCESS_TOKEN in the environment.")
    from tiktok_events.events_manager import serve

    options = {
        "token": token,
        "source_id": pixel_code,
        "db": db,
        "faults": faults,
        "dedup_by_ttp": not no_ttp_dedup,
        "merge_same_channel": merge_same_channel,
    }
    try:
        serve(
            host=host,
            port=port,
            on_start=lambda address: _print_settings(address, pixel_code),
            on_running=None if quiet else _print_events,
            allowed_hosts=allow_host,
            **options,
        )
    except ConfigurationError as error:
        raise click.UsageError(port_advice(error, "--port") or clean(error, 1000)) from None


def _print_events(running: RunningManager) -> None:
    running.listen(EventLines(_print_line, running.url, running.findings).add)


def _print_line(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()


def _print_settings(address: str, pixel_code: str | None) -> None:
    from tiktok_events.events_manager.environment import by_shell, local_variables

    click.echo(f"Events Manager  {address}\n\nTo send here, set in your app:")
    for shell, lines in by_shell(local_variables(address, pixel_code)).items():
        click.echo("\n".join([f"\n  {shell}", *(f"    {line}" for line in lines)]))
    click.echo("\nPress Ctrl-C to stop.")
    sys.stdout.flush()


def port_advice(error: ConfigurationError, option: str) -> str | None:
    """Return what to do about *error* if a port is in use; *option* names the option for another port. Else None."""
    from tiktok_events.events_manager.server import PortInUseError

    return error.advice(option) if isinstance(error, PortInUseError) else None


def require_manager() -> None:
    """Print how to install the extra `manager` and exit with 2 if it is missing."""
    missing = install_hint("manager")
    if missing:
        stderr().print(missing)
        sys.exit(2)
