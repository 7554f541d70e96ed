"""`tiktok-events send`: send the valid events of a file, and explain the invalid lines."""

from __future__ import annotations

import codecs
import errno
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import attrs
import click

from tiktok_events._api.client import Client
from tiktok_events._api.transport import MANAGER_PORT
from tiktok_events._events.source import EventSource
from tiktok_events._spec.fields import KINDS, Kind
from tiktok_events.cli.console import clean, stdout
from tiktok_events.cli.send.columns import parse_csv
from tiktok_events.cli.send.decoding import read_lines
from tiktok_events.cli.send.destination import (
    Destination,
    To,
    choose_destination,
    confirm,
    needs_confirmation,
    print_destination,
    source_from_environment,
)
from tiktok_events.cli.send.event_from_line import Defaults
from tiktok_events.cli.send.line import FileUnreadable, Format, Line
from tiktok_events.cli.send.lines import parse_jsonl
from tiktok_events.cli.send.rejected_file import RejectedFile, rejected_path
from tiktok_events.cli.send.sender import Interrupt, Sender, exit_code, progress_bar, run
from tiktok_events.cli.send.summary import Summary, print_summary

_SUFFIXES: dict[str, Format] = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}

HELP = """Send the events of FILE ("-" is standard input), one per line.

JSONL has one item of TikTok's `data` list per line. CSV has the same fields as columns: full names such as
`user.email`, or short names such as `email`, `value`, `url`. Raw identifiers are normalised and hashed before sending.

Every line is checked. Valid lines are sent; refused and unsent lines are written to FILE.rejected.jsonl, each with its
reason. Running the command again is safe: a line without `event_id` or `key` gets an id derived from its content, so a
second run within 48 hours counts no event twice.

\b
Examples:
  tiktok-events send orders.csv --dry-run
  tiktok-events send orders.csv --to local --event Purchase
  tiktok-events send export.csv --to tiktok --timezone Europe/Berlin \\
      --map 'Created at=event_time' --map 'Order=key' --ignore-unknown
  zcat till.jsonl.gz | tiktok-events send - --format jsonl \\
      --source offline --to tiktok --yes

\b
Exit code: 0 all lines delivered, 1 some lines refused or not sent,
2 wrong usage or unreadable file (nothing is sent), 130 Ctrl-C.
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
    date_format: str | None
    encoding: str | None
    decimal_comma: bool
    map: dict[str, str]
    ignore_unknown: bool


def _parse_timezone(_context: click.Context, _parameter: click.Parameter, name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        raise click.BadParameter(
            f"Unknown time zone '{clean(name)}'. Use an IANA name, such as Europe/Berlin or UTC."
        ) from None


def _parse_date_format(_context: click.Context, _parameter: click.Parameter, form: str | None) -> str | None:
    example = datetime(2026, 11, 20, 13, 45)  # noqa: DTZ001 - a format may have no zone
    try:
        is_complete = form is None or datetime.strptime(example.strftime(form), form).date() == example.date()  # noqa: DTZ007
    except ValueError:
        is_complete = False
    if not is_complete:
        raise click.BadParameter(
            f"'{clean(form or '')}' is not a format with day, month and year, such as %d.%m.%Y %H:%M."
        )
    return form


def _parse_encoding(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    try:
        if name is not None:
            "1".encode(name)
            codecs.getincrementaldecoder(name)
    except (LookupError, ValueError):
        raise click.BadParameter(
            f"Unknown encoding '{clean(str(name))}'. Use a name such as cp1252, cp1250 or utf-16."
        ) from None
    return name


def _parse_map(_context: click.Context, _parameter: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    split = [pair.rpartition("=") for pair in pairs]
    if any(not sign or not column for column, sign, _ in split):
        raise click.BadParameter("Use COLUMN=FIELD, or COLUMN= to ignore the column.")
    return {column.strip(): field.strip() for column, _, field in split}


@click.command(help=HELP, short_help="Send the events of a JSONL or CSV file, or of standard input.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--to",
    type=click.Choice(["local", "tiktok"]),
    help="Send to the Events Manager on this machine, or to TikTok.  [TIKTOK_API_URL]",
)
@click.option("--port", type=click.IntRange(1, 65535), help=f"Port of the local Events Manager.  [{MANAGER_PORT}]")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation before sending to TikTok.")
@click.option("--dry-run", is_flag=True, help="Check every line, send nothing.")
@click.option(
    "--source",
    type=click.Choice(KINDS),
    default="web",
    show_default=True,
    help="Kind of event source; its id and token come from the environment.",
)
@click.option(
    "--format",
    type=click.Choice(["jsonl", "csv"]),
    help="Format of FILE; required for standard input and unknown suffixes.",
)
@click.option("--event", metavar="NAME", help="Event name for lines without one.")
@click.option("--currency", metavar="CODE", help="Currency for lines without one.")
@click.option("--phone-region", metavar="CC", help="Country of phone numbers without a calling code, such as DE.")
@click.option(
    "--timezone",
    metavar="ZONE",
    callback=_parse_timezone,
    help="Time zone of times without an offset, such as Europe/Berlin.",
)
@click.option(
    "--date-format",
    metavar="FORMAT",
    callback=_parse_date_format,
    help="Format of times in strptime codes, such as '%d.%m.%Y %H:%M'. Not needed for ISO 8601.",
)
@click.option("--decimal-comma", is_flag=True, help="Read 1.234,56 in a CSV file as 1234.56.")
@click.option(
    "--encoding",
    metavar="NAME",
    callback=_parse_encoding,
    help="Encoding of FILE, such as cp1252.  [UTF-8, or UTF-16 with a byte order mark]",
)
@click.option(
    "--map",
    metavar="COLUMN=FIELD",
    multiple=True,
    callback=_parse_map,
    help="Read a CSV column as FIELD; COLUMN= ignores it. Repeatable.",
)
@click.option("--ignore-unknown", is_flag=True, help="Ignore CSV columns that match no field.")
@click.option("--rejected", metavar="PATH", help="File for refused and unsent lines.  [FILE.rejected.jsonl]")
def send(**options_given: object) -> None:
    """Send the events of a file."""
    options = Options(**options_given)  # type: ignore[arg-type]
    try:
        code = _send(options)
    except FileUnreadable as error:
        raise click.UsageError(str(error)) from None
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise  # the reader of the report has closed the pipe
        if error.filename is None:
            raise click.ClickException(
                f"Stopped: {error.strerror}. Run the command again: no event is counted twice."
            ) from None
        raise click.UsageError(f"{clean(error.filename)}: {error.strerror}") from None
    sys.exit(code)


def _send(options: Options) -> int:
    format_ = options.format or _SUFFIXES.get(Path(options.file).suffix.lower())
    if format_ is None:
        raise click.UsageError("The format of this file is unknown. Use --format jsonl or --format csv.")
    destination = None if options.dry_run else choose_destination(options.to, options.port)
    source = source_from_environment(options.source, allow_test_values=destination is None or destination.local)
    with ExitStack() as stack:
        stream, size = _open(options.file, stack)
        lines = _parse(stream, format_, options)
        if destination is not None:
            print_destination(destination, source)
            if needs_confirmation(destination, yes=options.yes, is_stdin=options.file == "-"):
                summary = _check_file(options, format_, source)
                confirm(source, summary.delivered, summary.total)
        sender = Sender(
            source,
            _client(destination, source, stack),
            _defaults(options),
            _rejected_file(options, destination, stack),
            stack.enter_context(Interrupt()),
        )
        with progress_bar(size, stream.tell) as progress:
            run(sender, lines, progress, is_stdin=options.file == "-")
        rejected_file = sender.rejected.path if sender.rejected else None
    print_summary(stdout(), sender.summary, rejected_file, dry_run=options.dry_run)
    return exit_code(sender)


def _check_file(options: Options, format_: Format, source: EventSource) -> Summary:
    """Check the file without sending anything, and count its lines."""
    with ExitStack() as stack:
        stream, _ = _open(options.file, stack)
        checker = Sender(source, None, _defaults(options), None, stack.enter_context(Interrupt()))
        run(checker, _parse(stream, format_, options), lambda _: None, is_stdin=False)
        return checker.summary


def _open(file: str, stack: ExitStack) -> tuple[BinaryIO, int | None]:
    if file == "-":
        return sys.stdin.buffer, None
    path = Path(file)
    return stack.enter_context(path.open("rb")), path.stat().st_size


def _parse(stream: BinaryIO, format_: Format, options: Options) -> Iterator[Line]:
    if format_ == "csv":
        return parse_csv(
            read_lines(stream, options.encoding),
            options.map,
            ignore_unknown=options.ignore_unknown,
            decimal_comma=options.decimal_comma,
        )
    if options.map or options.ignore_unknown or options.decimal_comma:
        raise click.UsageError("--map, --ignore-unknown and --decimal-comma are for CSV only.")
    return parse_jsonl(read_lines(stream, options.encoding))


def _client(destination: Destination | None, source: EventSource, stack: ExitStack) -> Client | None:
    if destination is None:
        return None
    return stack.enter_context(Client(source, base_url=destination.base_url, retry=destination.retry))


def _defaults(options: Options) -> Defaults:
    return Defaults(
        event=options.event,
        currency=options.currency,
        phone_region=options.phone_region,
        timezone=options.timezone,
        date_format=options.date_format,
    )


def _rejected_file(options: Options, destination: Destination | None, stack: ExitStack) -> RejectedFile | None:
    if destination is None and options.rejected is None:
        return None  # a dry run writes no file
    return stack.enter_context(RejectedFile(rejected_path(options.file, options.rejected)))
