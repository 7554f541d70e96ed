"""The commands of `tiktok-events`."""

from __future__ import annotations

import click

from tiktok_events import __version__
from tiktok_events.cli.demo.command import demo
from tiktok_events.cli.lint.command import lint
from tiktok_events.cli.manager import manager
from tiktok_events.cli.outbox.command import outbox
from tiktok_events.cli.send.command import send
from tiktok_events.cli.worker.command import worker

HELP = """Report conversions to TikTok, try it without a token, check what you send.

\b
  tiktok-events demo                        a shop whose events you watch
  tiktok-events manager                     an Events Manager for your app
  tiktok-events lint body.json              a body, read by TikTok's rules
  tiktok-events send orders.csv --to local  a file, sent here or to TikTok
  tiktok-events worker                      deliver what waits in an outbox
  tiktok-events outbox status               how much waits, and what is dead

Each command has its own --help.
"""


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tiktok-events")
def app() -> None:
    """`tiktok-events`."""


for command in (demo, manager, lint, send, worker, outbox):
    app.add_command(command)
