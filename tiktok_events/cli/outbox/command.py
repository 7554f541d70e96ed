"""`tiktok-events outbox`: count waiting events, and list, replay or purge dead letters."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click
from rich.table import Table

from tiktok_events._outbox.protocol import DeadLetter, Outbox
from tiktok_events.cli.console import clean, format_option, show, stderr, stdout, styled
from tiktok_events.cli.outbox.option import open_outbox, outbox_option
from tiktok_events.errors import TikTokEventsError

HELP = """Count the events that wait in an outbox, and list, replay or purge its dead letters.

An event becomes a dead letter when TikTok refuses it, or when it keeps failing while
other events are delivered. Fix the cause, then replay.

\b
Examples:
  tiktok-events outbox status --outbox sqlite:///tiktok.db
  tiktok-events outbox dead --outbox redis://queue.internal:6379/0 --format json
  tiktok-events outbox replay --all
  tiktok-events outbox purge 5f2c0d1e
"""


@click.group(help=HELP, short_help="Count an outbox's events; list, replay or purge dead letters.")
def outbox() -> None:
    """Run a command of `tiktok-events outbox`."""


@outbox.command(help="Count waiting and dead letters. Show the age of the oldest waiting event.")
@outbox_option
@format_option
def status(url: str | None, format_: str) -> None:
    """Print the counts."""
    with _open(url) as opened:
        age = opened.age()
        letters = opened.dead(limit=100_000)
        numbers = {
            "waiting": opened.depth(),
            "oldest_seconds": None if age is None else round(age),
            "dead": len(letters),
        }
    if format_ == "json":
        click.echo(json.dumps(numbers))
        return
    click.echo(f"Waiting  {numbers['waiting']:,}")
    click.echo(f"Oldest   {'-' if age is None else _ago(age)}")
    click.echo(f"Dead     {numbers['dead']:,}")


@outbox.command(help="List dead letters with id, source and reason, the newest last. Their data is not shown.")
@outbox_option
@format_option
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Maximum number of dead letters. The newest are listed.",
)
def dead(url: str | None, format_: str, limit: int) -> None:
    """Print the dead letters."""
    with _open(url) as opened:
        letters = opened.dead(limit=limit)
    if format_ == "json":
        for letter in letters:
            click.echo(json.dumps(_row(letter)))
        return
    if not letters:
        click.echo("No dead letters.")
        return
    table = Table("Since", "Source", "Event id", "Reason", box=None, pad_edge=False)
    for letter in letters:
        row = _row(letter)
        source = f"{row['event_source']} {row['event_source_id']}"
        table.add_row(*(styled(text) for text in (row["since"], source, row["event_id"], row["reason"])))
    show(stdout(), table)


@outbox.command(help="Move dead letters back to the queue. They keep their ids and times.")
@outbox_option
@click.argument("event_ids", nargs=-1, metavar="[EVENT_ID]...")
@click.option("--all", "all_", is_flag=True, help="Replay all dead letters.")
def replay(url: str | None, event_ids: tuple[str, ...], *, all_: bool) -> None:
    """Move dead letters back to the queue."""
    _change_dead_letters("moved back", event_ids, all_, url, lambda opened, ids: opened.replay(ids))


@outbox.command(help="Delete dead letters for good.")
@outbox_option
@click.argument("event_ids", nargs=-1, metavar="[EVENT_ID]...")
@click.option("--all", "all_", is_flag=True, help="Delete all dead letters.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def purge(url: str | None, event_ids: tuple[str, ...], *, all_: bool, yes: bool) -> None:
    """Delete dead letters."""
    if all_ and not event_ids and not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("Standard input is not a terminal, so nothing can be confirmed. Use --yes.")
        with _open(url) as opened:
            number = len(opened.dead(limit=100_000))
        click.confirm(f"Delete {number:,} dead letter{'' if number == 1 else 's'} for good?", abort=True, err=True)
    _change_dead_letters("deleted", event_ids, all_, url, lambda opened, ids: opened.purge(ids))


def _change_dead_letters(
    label: str,
    event_ids: tuple[str, ...],
    all_: bool,
    url: str | None,
    change: Callable[[Outbox, Collection[str] | None], int],
) -> None:
    if bool(event_ids) == all_:
        raise click.UsageError("Give either event ids or --all.")
    with _open(url) as opened:
        number = change(opened, None if all_ else frozenset(event_ids))
    click.echo(f"{number:,} {label}")
    if number < len(event_ids):
        missing = len(set(event_ids)) - number
        stderr().print("1 id is not a dead letter" if missing == 1 else f"{missing:,} ids are not dead letters")
        sys.exit(1)


@contextmanager
def _open(url: str | None) -> Iterator[Outbox]:
    opened = open_outbox(url, must_exist=True)
    try:
        yield opened
    except TikTokEventsError as error:
        stderr().print(clean(error))
        sys.exit(1)
    finally:
        opened.close()


def _row(letter: DeadLetter) -> dict[str, str]:
    return {
        "since": datetime.fromtimestamp(letter.time, UTC).isoformat(timespec="seconds"),
        "event_source": letter.record.event_source,
        "event_source_id": letter.record.event_source_id,
        "event_id": letter.record.event_id,
        "reason": letter.reason,
    }


def _ago(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    number = round(seconds)
    return f"{number} second{'' if number == 1 else 's'} ago"
