"""`flask tiktok-events worker`: deliver what the app's processes put into its outbox."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from tiktok_events import Client, web
from tiktok_events.cli.worker.deliver import deliver, worker_options

__all__ = ["commands"]


def commands(site: Callable[[], web.Site]) -> AppGroup:
    """The command group of an app whose site *site* gives."""
    group = AppGroup("tiktok-events", help="Deliver to TikTok what the app queues.")

    @group.command(short_help="Deliver what waits in the app's outbox.")
    @worker_options
    def worker(**options: Any) -> None:
        """Deliver what waits in the outbox of TIKTOK_OUTBOX_URL, until SIGTERM or Ctrl-C."""
        found = site()
        if found.source is None:
            raise click.UsageError(f"TikTok events are off: {found.off_reason}")
        sys.exit(deliver(found.outbox, [Client(found.source)], **options))

    return group
