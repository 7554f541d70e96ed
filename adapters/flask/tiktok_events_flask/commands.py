"""Command `flask tiktok-events worker`: deliver the events in the app's outbox."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from tiktok_events import Client, web
from tiktok_events.cli.worker.run_worker import run_worker, worker_options

__all__ = ["commands"]


def commands(site: Callable[[], web.Site]) -> AppGroup:
    """The command group `tiktok-events`. *site* returns the site of the app."""
    group = AppGroup("tiktok-events", help="Deliver the app's events to TikTok.")

    @group.command(short_help="Deliver the events in the app's outbox.")
    @worker_options
    def worker(**options: Any) -> None:
        """Deliver the events in the outbox of TIKTOK_OUTBOX_URL, until SIGTERM or Ctrl-C."""
        app_site = site()
        if app_site.source is None:
            raise click.UsageError(f"TikTok events are off: {app_site.off_reason or 'TIKTOK_ENABLED=0'}")
        sys.exit(run_worker(app_site.outbox, [Client(app_site.source)], **options))

    return group
