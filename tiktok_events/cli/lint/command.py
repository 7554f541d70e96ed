"""`tiktok-events lint`: check a request body or a file of items against the rule table."""

from __future__ import annotations

import difflib
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tiktok_events._spec.fields import KINDS, Kind
from tiktok_events._spec.problem import Rule
from tiktok_events.cli.console import clean, format_option, show, stdout, styled
from tiktok_events.cli.lint.findings import Checked, Finding, Shape, checked
from tiktok_events.cli.rules import ALL_RULES
from tiktok_events.cli.send.lines import FileUnreadable

HELP = """Check a request before it is sent. FILE ("-" is standard input) holds one request body, a list of items, or JSONL
with one item or one body per line.

Bodies are checked as TikTok receives them, so identifiers must be hashed. For a file with raw identifiers, use
`tiktok-events send FILE --dry-run`.

\b
Examples:
  tiktok-events lint body.json
  tiktok-events lint events.jsonl --source offline --strict
  curl -s localhost:3000/last-body | tiktok-events lint - --format json
  tiktok-events lint --explain not-hashed

\b
Exit code: 0 no errors, 1 errors (with --strict also warnings),
2 the file could not be read.
"""

_CONFIDENCE = {
    "O": "TikTok's own text or code, read directly",
    "O2": "reported, with a date, from TikTok's own pages",
    "A": "several independent senders agree",
    "1": "one unofficial source",
    "X": "sources disagree",
    "U": "unverified",
    "-": "this project's own choice",
}
_EFFECTS = {
    "event": "the event is dropped",
    "field": "the field is left out (send and Client.track refuse the event)",
    "nothing": "the event is sent unchanged",
}
_PLACES = 8


def _explain(context: click.Context, _parameter: click.Parameter, name: str | None) -> None:
    if name is None or context.resilient_parsing:
        return
    rule = ALL_RULES.get(name)
    if rule is None:
        close = difflib.get_close_matches(name, ALL_RULES, 1)
        hint = f"Did you mean '{close[0]}'?" if close else "--rules lists all rules."
        raise click.UsageError(f"Unknown rule '{clean(name)}'. {hint}")
    _print_rule(stdout(), rule)
    context.exit()


def _list_rules(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    table = Table.grid(padding=(0, 2))
    for rule in ALL_RULES.values():
        table.add_row(styled(rule.id, "bold"), _severity(rule.severity), styled(_plain(rule.message)))
    show(stdout(), table)
    context.exit()


@click.command(help=HELP, short_help="Check a request body or a file of items.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--source",
    type=click.Choice(KINDS),
    default="web",
    show_default=True,
    help="Event source of items without a body; a body names its own.",
)
@click.option(
    "--input",
    "shape",
    type=click.Choice(["body", "jsonl"]),
    help="Format of FILE.  [by its suffix and first line]",
)
@format_option
@click.option("--strict", is_flag=True, help="Count warnings as errors.")
@click.option(
    "--explain",
    metavar="RULE",
    callback=_explain,
    is_eager=True,
    expose_value=False,
    help="Explain a rule, with its source.",
)
@click.option("--rules", is_flag=True, callback=_list_rules, is_eager=True, expose_value=False, help="List all rules.")
def lint(file: str, source: Kind, shape: Literal["body", "jsonl"] | None, format_: str, *, strict: bool) -> None:
    """Check a file."""
    try:
        everything = _everything(file, source, shape)
    except FileUnreadable as error:
        raise click.UsageError(str(error)) from None
    findings = [finding for one in everything for finding in one.findings]
    events = sum(one.events for one in everything)
    errors = sum(finding.problem.severity == "error" for finding in findings)
    if format_ == "json":
        click.echo(_as_json(file, events, errors, findings))
    else:
        _tell(stdout(), file, events, findings)
    sys.exit(1 if errors or (strict and findings) else 0)


def _everything(file: str, source: Kind, shape: Literal["body", "jsonl"] | None) -> list[Checked]:
    suffix = Path(file).suffix.lower()
    if suffix in (".csv", ".tsv"):
        raise click.UsageError("lint reads JSON. For CSV: tiktok-events send FILE --dry-run")
    named: Shape | None = {"body": "body", "jsonl": "lines", None: None}[shape]
    if named is None and suffix in (".jsonl", ".ndjson"):
        named = "lines"
    if file == "-":
        return list(checked(sys.stdin.buffer, named, source, time.time()))
    with Path(file).open("rb") as stream:
        return list(checked(stream, named, source, time.time()))


def _as_json(file: str, events: int, errors: int, findings: Iterable[Finding]) -> str:
    problems = [
        {
            "line": finding.line,
            "path": finding.problem.field,
            "rule": finding.problem.rule,
            "severity": finding.problem.severity,
            "message": finding.problem.message,
            "fix": finding.problem.fix,
        }
        for finding in findings
    ]
    report = {
        "version": 1,
        "file": file,
        "events": events,
        "errors": errors,
        "warnings": len(problems) - errors,
        "problems": problems,
    }
    return json.dumps(report, indent=2)


def _tell(console: Console, file: str, events: int, findings: list[Finding]) -> None:
    groups: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in findings:
        one = finding.problem
        groups.setdefault((one.severity, one.rule, one.message, one.fix), []).append(finding)
    for (severity, rule, message, fix), places in sorted(groups.items(), key=lambda group: group[0][0]):
        head = Text.assemble(_severity(severity), "  ", styled(rule, "bold"))
        if len(places) > 1:
            head.append(f"  {len(places):,} times", style="dim")
        console.print(head)
        show(console, Padding(Text.assemble(_places(places), "\n", styled(f"{message}. {fix}", "")), (0, 0, 1, 9)))
    console.print(_verdict(file, events, findings))


def _places(places: list[Finding]) -> Text:
    more = f"  and {len(places) - _PLACES:,} more" if len(places) > _PLACES else ""
    return Text("  ".join(clean(one.place) for one in places[:_PLACES]) + more, style="cyan")


def _severity(severity: str) -> Text:
    return Text(f"{severity:7}", style="bold red" if severity == "error" else "bold yellow")


def _verdict(file: str, events: int, findings: list[Finding]) -> Text:
    errors = sum(finding.problem.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    name = "standard input" if file == "-" else clean(file)
    line = f"{name}: {_many(events, 'event')}, {_many(errors, 'error')}, {_many(warnings, 'warning')}"
    return Text(line, style="bold red" if errors else "bold yellow" if warnings else "bold green")


def _many(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _plain(text: str) -> str:
    return text.replace("{detail}", "…")


def _print_rule(console: Console, rule: Rule) -> None:
    console.print(Text.assemble(_severity(rule.severity), "  ", styled(rule.id, "bold")))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("message", f"… {_plain(rule.message)}")
    table.add_row("fix", _plain(rule.fix))
    table.add_row("effect", _EFFECTS[rule.effect])
    table.add_row("source", rule.source)
    table.add_row("confidence", f"{rule.confidence}: {_CONFIDENCE[rule.confidence]}")
    show(console, table)
