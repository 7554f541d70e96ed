"""The command group `tiktok-events`."""

from __future__ import annotations

import click

from tiktok_events import __version__
from tiktok_events.cli.demo.command import demo
from tiktok_events.cli.lint.command import lint
from tiktok_events.cli.manager import manager
from tiktok_events.cli.outbox.command import outbox
from tiktok_events.cli.report import report
from tiktok_events.cli.send.command import send
from tiktok_events.cli.worker.command import worker

HELP = """Report conversions to TikTok, try the tracking without a token, and check files and requests.

\b
  tiktok-events demo                        watch the events of a shop
  tiktok-events manager                     start a local Events Manager
  tiktok-events report                      print its figures and findings
  tiktok-events lint body.json              check a request body
  tiktok-events send orders.csv --to local  send the events of a file
  tiktok-events worker                      deliver the events of an outbox
  tiktok-events outbox status               count events and dead letters

Each command has its own --help.
"""


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tiktok-events")
def app() -> None:
    """Run a command of `tiktok-events`."""


for command in (demo, manager, report, lint, send, worker, outbox):
    app.add_command(command)
