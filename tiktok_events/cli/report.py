"""`tiktok-events report`: the figures and findings of an Events Manager, for people, documents and CI."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from tiktok_events._api.transport import MANAGER_PORT, is_loopback
from tiktok_events.cli.console import clean
from tiktok_events.cli.manager import require_manager

HELP = """Print the figures and findings of a local Events Manager that is running, or of the file of `manager --db`.

\b
Examples:
  tiktok-events report
  tiktok-events report --format md > tracking.md
  tiktok-events report --db events.sqlite3 --format json

\b
Exit code: 0 no open finding of severity "error", 1 at least one,
2 no Events Manager found.
"""
_TIMEOUT = 10.0
_SIGNS = {"error": "error  ", "warning": "warning", "hint": "hint   "}
_FIGURES = {
    "conversions": "conversions",
    "browser_only": "only the browser reported",
    "both": "both reported",
    "server_only": "only the server reported",
    "merged": "copies merged",
    "dropped": "copies dropped",
    "page_views": "page views",
    "rejected": "rejected",
}


@click.command(help=HELP, short_help="Print the figures and findings of a local Events Manager.")
@click.option(
    "--url", default=f"http://127.0.0.1:{MANAGER_PORT}", show_default=True, help="Address of the Events Manager."
)
@click.option(
    "--db",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Read the file of `manager --db` instead of --url.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "md", "html"]),
    default="text",
    show_default=True,
    help="Output for people, for programs or for documents.",
)
def report(url: str, db: Path | None, format_: str) -> None:
    """Print the figures and findings of an Events Manager."""
    found = _from_file(db) if db is not None else _from_address(url)
    click.echo({"text": _text, "json": _json, "md": _markdown, "html": _html}[format_](found))
    if any(one["severity"] == "error" for one in _open(found)):
        sys.exit(1)


def _from_file(path: Path) -> dict[str, Any]:
    require_manager()
    import time

    from tiktok_events.errors import ConfigurationError
    from tiktok_events.events_manager.store.event_store import EventStore

    try:
        store = EventStore(path)
    except ConfigurationError as error:
        raise click.UsageError(clean(error, 1000)) from None
    try:
        return {"summary": store.summary(), "findings": [one.as_json() for one in store.findings(time.time())]}
    finally:
        store.close()


def _from_address(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme != "http" or not is_loopback(parts.hostname or ""):
        raise click.UsageError(
            f"--url must be an http address on this machine, such as http://127.0.0.1:{MANAGER_PORT}."
        )
    address = f"http://{parts.netloc}"
    return {"summary": _get(f"{address}/api/summary"), "findings": _get(f"{address}/api/diagnostics")["findings"]}


def _get(address: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=_TIMEOUT) as answer:
            return json.load(answer)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise click.UsageError(
            f"No Events Manager answers at {clean(address)} ({clean(reason)}). Start one with `tiktok-events manager`."
        ) from None


def _open(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in found["findings"] if one["state"] == "open"]


def _verdict(found: Mapping[str, Any]) -> str:
    mistakes = [one for one in _open(found) if one["severity"] != "hint"]
    received = found["summary"]["received"]
    if not received:
        return "No event yet."
    if not mistakes:
        return f"No mistake found in {received:,} {'event' if received == 1 else 'events'}."
    return f"{len(mistakes)} {'thing' if len(mistakes) == 1 else 'things'} to fix."


def _json(found: Mapping[str, Any]) -> str:
    return json.dumps(found, indent=2)


def _text(found: Mapping[str, Any]) -> str:
    lines = [_verdict(found), ""]
    lines += [f"{found['summary'][name]:>9,}  {words}" for name, words in _FIGURES.items()]
    for one in _open(found):
        lines += ["", f"{_SIGNS[one['severity']]}  {clean(one['title'])} ({one['id']}, {one['count']:,} events)"]
        lines += [f"         {clean(one['fix'], 400)}"]
    return "\n".join(lines)


def _markdown(found: Mapping[str, Any]) -> str:
    lines = ["# Tracking report", "", _verdict(found), "", "| figure | number |", "| --- | ---: |"]
    lines += [f"| {words} | {found['summary'][name]:,} |" for name, words in _FIGURES.items()]
    if findings := _open(found):
        lines += [
            "",
            "| severity | finding | what is wrong | what to do | events |",
            "| --- | --- | --- | --- | ---: |",
        ]
        for one in findings:
            cells = (one["severity"], f"`{one['id']}`", one["title"], one["fix"], f"{one['count']:,}")
            lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return escape(clean(text, 400), quote=False).replace("|", "\\|")


def _html(found: Mapping[str, Any]) -> str:
    figures = [
        f"<tr><th scope=row>{words}</th><td>{found['summary'][name]:,}</td></tr>" for name, words in _FIGURES.items()
    ]
    findings = [
        f"<tr><td>{one['severity']}</td><td><code>{escape(one['id'])}</code></td><td>{escape(clean(one['title']))}</td>"
        f"<td>{escape(clean(one['fix'], 400))}</td><td>{one['count']:,}</td></tr>"
        for one in _open(found)
    ]
    head = "<tr><th>severity</th><th>finding</th><th>what is wrong</th><th>what to do</th><th>events</th></tr>"
    table = f"<table>{head}{''.join(findings)}</table>" if findings else ""
    return (
        '<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>Tracking report</title>\n'
        f"<h1>Tracking report</h1>\n<p>{escape(_verdict(found))}</p>\n<table>{''.join(figures)}</table>\n{table}</html>"
    )
