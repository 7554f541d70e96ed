"""`tiktok-events send`: send the valid events of a file, and explain the invalid lines."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import attrs
import click

from tiktok_events._api.client import Client
from tiktok_events._events.source import EventSource
from tiktok_events._spec.fields import KINDS, Kind
from tiktok_events.cli.console import clean, stdout
from tiktok_events.cli.send.columns import records
from tiktok_events.cli.send.destination import (
    LOCAL_PORT,
    Destination,
    To,
    announce,
    confirm,
    destination,
    must_confirm,
    source_of,
)
from tiktok_events.cli.send.event_from_line import Defaults
from tiktok_events.cli.send.lines import FileUnreadable, Format, Line, jsonl, numbered
from tiktok_events.cli.send.rejected_file import RejectedFile, path_for
from tiktok_events.cli.send.sending import Interrupt, Sending, exit_code, progress_over, run
from tiktok_events.cli.send.summary import Tally, tell

_SUFFIXES: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

HELP = """Send the events of FILE ("-" is standard input), one a line.

JSONL holds one item of TikTok's `data` list a line, CSV the same fields as columns (`event_time`, `user.email`,
`properties.value`; or plainly `email`, `value`, `url`). Identifiers may be raw: they are normalised and hashed here.

Every line is checked. One with an error is refused and its neighbours are sent; refused and unsent lines go to
FILE.rejected.jsonl, each with the reason. Running it again is safe: a line without `event_id` or `key` gets an id
made from what it says, so that a second run within 48 hours counts nothing twice.

\b
Examples:
  tiktok-events send orders.csv --dry-run
  tiktok-events send orders.csv --to local --event Purchase
  tiktok-events send export.csv --to tiktok --timezone Europe/Berlin \\
      --map 'Created at=event_time' --map 'Order=key' --ignore-unknown
  zcat till.jsonl.gz | tiktok-events send - --format jsonl \\
      --source offline --to tiktok --yes

\b
Exit code: 0 all delivered, 1 something refused or not sent,
2 nothing begun, 130 Ctrl-C.
"""


@attrs.frozen(kw_only=True)
class Options:
    """The options of the command line."""

    file: str
    format: Format | None
    source: Kind
    to: To | None
    port: int | None
    yes: bool
    dry_run: bool
    rejected: str | None
    event: str | None
    currency: str | None
    phone_region: str | None
    timezone: ZoneInfo | None
    map: dict[str, str]
    ignore_unknown: bool


def _zone(_context: click.Context, _parameter: click.Parameter, name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise click.BadParameter("is no IANA time zone such as Europe/Berlin or UTC") from None


def _renamed(_context: click.Context, _parameter: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    split = [pair.rpartition("=") for pair in pairs]
    if any(not sign or not column for column, sign, _ in split):
        raise click.BadParameter("is COLUMN=FIELD, or COLUMN= to leave the column out")
    return {column.strip(): field.strip() for column, _, field in split}


@click.command(help=HELP, short_help="Send the events of a JSONL or CSV file, or of standard input.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--to",
    type=click.Choice(["local", "tiktok"]),
    help="The Events Manager on this machine, or TikTok.  [TIKTOK_API_URL]",
)
@click.option("--port", type=click.IntRange(1, 65535), help=f"Port of the local Events Manager.  [{LOCAL_PORT}]")
@click.option("--yes", is_flag=True, help="Do not ask before sending to TikTok.")
@click.option("--dry-run", is_flag=True, help="Check every line, send nothing.")
@click.option(
    "--source",
    type=click.Choice(KINDS),
    default="web",
    show_default=True,
    help="Kind of event source; its id and token come from the environment.",
)
@click.option("--format", type=click.Choice(["jsonl", "csv"]), help="Needed for standard input and unknown suffixes.")
@click.option("--event", metavar="NAME", help="Name of events that give none.")
@click.option("--currency", metavar="CODE", help="Currency of values that give none.")
@click.option("--phone-region", metavar="CC", help="Country of phone numbers without a country code, such as DE.")
@click.option(
    "--timezone", metavar="ZONE", callback=_zone, help="Time zone of times without one, such as Europe/Berlin."
)
@click.option(
    "--map",
    metavar="COLUMN=FIELD",
    multiple=True,
    callback=_renamed,
    help="Read a CSV column as FIELD; COLUMN= leaves it out. Repeatable.",
)
@click.option("--ignore-unknown", is_flag=True, help="Leave out CSV columns that are no field.")
@click.option("--rejected", metavar="PATH", help="Where refused and unsent lines go.  [FILE.rejected.jsonl]")
def send(**given: object) -> None:
    """Send the events of a file."""
    options = Options(**given)  # type: ignore[arg-type]
    try:
        code = _send(options)
    except FileUnreadable as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # the reader of the report has closed the pipe
        if error.filename is None:
            raise click.ClickException(f"stopped: {error.strerror}. Run it again: nothing counts twice.") from None
        raise click.UsageError(f"{clean(error.filename)}: {error.strerror}") from None
    sys.exit(code)


def _send(options: Options) -> int:
    format_ = options.format or _SUFFIXES.get(Path(options.file).suffix.lower())
    if format_ is None:
        raise click.UsageError("The format of this file is unknown. Use --format jsonl or --format csv.")
    where = None if options.dry_run else destination(options.to, options.port)
    source = source_of(options.source, harmless=where is None or where.local)
    with ExitStack() as stack:
        stream, size = _opened(options.file, stack)
        lines = _lines(stream, format_, options)
        if where is not None:
            announce(where, source)
            if must_confirm(where, yes=options.yes, stdin_is_data=options.file == "-"):
                tally = _checked(options, format_, source)
                confirm(source, tally.delivered, tally.total)
        sending = Sending(
            source,
            _client(where, source, stack),
            _defaults(options),
            _rejected_file(options, where, stack),
            stack.enter_context(Interrupt()),
            explain=where.explain if where is not None else str,
        )
        with progress_over(size, stream.tell) as progress:
            run(sending, lines, progress, endless=options.file == "-")
        kept = sending.rejected.path if sending.rejected else None
    tell(stdout(), sending.tally, kept, dry_run=options.dry_run)
    return exit_code(sending)


def _checked(options: Options, format_: Format, source: EventSource) -> Tally:
    """Check the file without sending anything, and count its lines."""
    with ExitStack() as stack:
        stream, _ = _opened(options.file, stack)
        checking = Sending(source, None, _defaults(options), None, stack.enter_context(Interrupt()))
        run(checking, _lines(stream, format_, options), lambda _: None, endless=False)
        return checking.tally


def _opened(file: str, stack: ExitStack) -> tuple[BinaryIO, int | None]:
    if file == "-":
        return sys.stdin.buffer, None
    path = Path(file)
    return stack.enter_context(path.open("rb")), path.stat().st_size


def _lines(stream: BinaryIO, format_: Format, options: Options) -> Iterator[Line]:
    if format_ == "csv":
        return records(numbered(stream), options.map, ignore_unknown=options.ignore_unknown)
    if options.map or options.ignore_unknown:
        raise click.UsageError("--map and --ignore-unknown are for CSV")
    return jsonl(numbered(stream))


def _client(where: Destination | None, source: EventSource, stack: ExitStack) -> Client | None:
    if where is None:
        return None
    return stack.enter_context(Client(source, base_url=where.base_url, retry=where.retry))


def _defaults(options: Options) -> Defaults:
    return Defaults(
        event=options.event,
        currency=options.currency,
        phone_region=options.phone_region,
        timezone=options.timezone,
    )


def _rejected_file(options: Options, where: Destination | None, stack: ExitStack) -> RejectedFile | None:
    if where is None and options.rejected is None:
        return None  # a dry run writes no file
    return stack.enter_context(RejectedFile(path_for(options.file, options.rejected)))
