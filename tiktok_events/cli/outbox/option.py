"""The option `--outbox`, and clients for the event sources of the environment."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from tiktok_events._api.client import Client
from tiktok_events._events.source import EventSource
from tiktok_events._outbox.protocol import Outbox
from tiktok_events._outbox.url import file_of, outbox_at
from tiktok_events._spec.fields import KINDS
from tiktok_events.errors import ConfigurationError

outbox_option: Callable[[Any], Any] = click.option(
    "--outbox",
    "url",
    metavar="URL",
    envvar="TIKTOK_OUTBOX_URL",
    help="URL of the outbox: sqlite:///file.db or redis://host.  [TIKTOK_OUTBOX_URL]",
)


def open_outbox(url: str | None, *, must_exist: bool) -> Outbox:
    """Open the outbox at *url*.

    Raises:
        click.UsageError: If *url* is missing or invalid, if the outbox is in memory, or, with *must_exist*, if its
            file does not exist.
    """
    if not url:
        raise click.UsageError("No outbox given. Use --outbox URL, or set TIKTOK_OUTBOX_URL.")
    try:
        outbox = outbox_at(url)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    if outbox.scope == "process":
        raise click.UsageError("Other processes cannot read an outbox in memory. Use sqlite:/// or redis://")
    file = file_of(url)
    if must_exist and file is not None and not file.exists():
        raise click.UsageError(f"No outbox at {file}. Wrong path, or nothing was queued yet.")
    return outbox


def clients_from_environment() -> list[Client]:
    """Make a client for every event source that the environment configures.

    Raises:
        click.UsageError: If no event source is configured.
    """
    found, first_error = [], ""
    for kind in KINDS:
        try:
            found.append(Client(EventSource.from_env(kind, os.environ)))
        except ConfigurationError as error:
            first_error = first_error or str(error)
    if not found:
        raise click.UsageError(f"A worker needs at least one event source: {first_error}.")
    return found
