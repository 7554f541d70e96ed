"""`tiktok-events worker`: deliver the events of an outbox."""

from __future__ import annotations

import sys
from typing import Any

import click

from tiktok_events.cli.outbox.option import clients_from_environment, open_outbox, outbox_option
from tiktok_events.cli.worker.run_worker import run_worker, worker_options

HELP = """Deliver the events that web processes put into an outbox, until SIGTERM or Ctrl-C.

The worker reads its event sources from the environment: TIKTOK_PIXEL_CODE, TIKTOK_OFFLINE_EVENT_SET_ID,
TIKTOK_CRM_EVENT_SET_ID or TIKTOK_APP_ID, with TIKTOK_ACCESS_TOKEN or TIKTOK_<KIND>_ACCESS_TOKEN, where <KIND> is WEB,
OFFLINE, CRM or APP. Events of other sources stay in the outbox. Any number of workers, on any number of machines, may
share a Redis outbox.

\b
Examples:
  tiktok-events worker --outbox sqlite:////var/lib/shop/tiktok.db
  TIKTOK_OUTBOX_URL=redis://queue.internal:6379/0 tiktok-events worker --in-flight 8
  tiktok-events worker --outbox sqlite:///tiktok.db --once        # from cron

\b
After SIGTERM it delivers due events for up to --drain seconds, then exits.
The other events stay in the outbox.
Exit code: 0; with --once, 1 if some events could not be delivered.
"""


@click.command(help=HELP, short_help="Deliver the events of an outbox.")
@outbox_option
@worker_options
def worker(url: str | None, **options: Any) -> None:
    """Run the worker."""
    sys.exit(run_worker(open_outbox(url, must_exist=False), clients_from_environment(), **options))
