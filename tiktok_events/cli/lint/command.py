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
from tiktok_events.cli.file_rules import ALL_RULES
from tiktok_events.cli.lint.findings import CheckResult, Finding, Shape, check_stream
from tiktok_events.cli.send.line import FileUnreadable

HELP = """Check a request before it is sent. FILE ("-" is standard input) holds one request body, a list of
its `data` items, or JSONL with one item or one body per line.

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
    "O2": "a third party quotes TikTok's own page, with a date",
    "A": "several independent integrations agree",
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
_MAX_LOCATIONS = 8


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


def _list_rules(context: click.Context, _parameter: click.Parameter, requested: bool) -> None:
    if not requested or context.resilient_parsing:
        return
    table = Table.grid(padding=(0, 2))
    for rule in ALL_RULES.values():
        table.add_row(styled(rule.id, "bold"), _severity(rule.severity), styled(_without_detail(rule.message)))
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
        results = _check_file(file, source, shape)
    except FileUnreadable as error:
        raise click.UsageError(str(error)) from None
    findings = [finding for result in results for finding in result.findings]
    events = sum(result.events for result in results)
    errors = sum(finding.problem.severity == "error" for finding in findings)
    if format_ == "json":
        click.echo(_as_json(file, events, errors, findings))
    else:
        _print_findings(stdout(), file, events, findings)
    sys.exit(1 if errors or (strict and findings) else 0)


def _check_file(file: str, source: Kind, shape: Literal["body", "jsonl"] | None) -> list[CheckResult]:
    suffix = Path(file).suffix.lower()
    if suffix in (".csv", ".tsv"):
        raise click.UsageError("lint reads JSON. For CSV: tiktok-events send FILE --dry-run")
    stream_shape: Shape | None = {"body": "body", "jsonl": "lines", None: None}[shape]
    if stream_shape is None and suffix in (".jsonl", ".ndjson"):
        stream_shape = "lines"
    if file == "-":
        return list(check_stream(sys.stdin.buffer, stream_shape, source, time.time()))
    with Path(file).open("rb") as stream:
        return list(check_stream(stream, stream_shape, source, time.time()))


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


def _print_findings(console: Console, file: str, events: int, findings: list[Finding]) -> None:
    groups: dict[tuple[str, str, str, str], list[Finding]] = {}
    for finding in findings:
        found = finding.problem
        groups.setdefault((found.severity, found.rule, found.message, found.fix), []).append(finding)
    for (severity, rule, message, fix), group_findings in sorted(groups.items(), key=lambda group: group[0][0]):
        head = Text.assemble(_severity(severity), "  ", styled(rule, "bold"))
        if len(group_findings) > 1:
            head.append(f"  {len(group_findings):,} times", style="dim")
        console.print(head)
        show(
            console,
            Padding(Text.assemble(_locations(group_findings), "\n", styled(f"{message}. {fix}", "")), (0, 0, 1, 9)),
        )
    console.print(_summary_line(file, events, findings))


def _locations(group_findings: list[Finding]) -> Text:
    more = f"  and {len(group_findings) - _MAX_LOCATIONS:,} more" if len(group_findings) > _MAX_LOCATIONS else ""
    return Text("  ".join(clean(finding.location) for finding in group_findings[:_MAX_LOCATIONS]) + more, style="cyan")


def _severity(severity: str) -> Text:
    return Text(f"{severity:7}", style="bold red" if severity == "error" else "bold yellow")


def _summary_line(file: str, events: int, findings: list[Finding]) -> Text:
    errors = sum(finding.problem.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    name = "standard input" if file == "-" else clean(file)
    line = f"{name}: {_counted(events, 'event')}, {_counted(errors, 'error')}, {_counted(warnings, 'warning')}"
    return Text(line, style="bold red" if errors else "bold yellow" if warnings else "bold green")


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _without_detail(text: str) -> str:
    return text.replace("{detail}", "…")


def _print_rule(console: Console, rule: Rule) -> None:
    console.print(Text.assemble(_severity(rule.severity), "  ", styled(rule.id, "bold")))
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    table.add_row("message", f"… {_without_detail(rule.message)}")
    table.add_row("fix", _without_detail(rule.fix))
    table.add_row("effect", _EFFECTS[rule.effect])
    table.add_row("source", rule.source)
    table.add_row("confidence", f"{rule.confidence}: {_CONFIDENCE[rule.confidence]}")
    show(console, table)
