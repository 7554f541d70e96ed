"""The option `--outbox`, and the clients for the event sources of the environment."""

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
    help="sqlite:///file.db or redis://host; TIKTOK_OUTBOX_URL by default.",
)


def opened(url: str | None, *, must_exist: bool) -> Outbox:
    """The outbox at *url*.

    Raises:
        click.UsageError: If there is none, or no other process can put into it.
    """
    if not url:
        raise click.UsageError("No outbox given. Use --outbox URL, or set TIKTOK_OUTBOX_URL.")
    try:
        outbox = outbox_at(url)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    if outbox.reach == "process":
        raise click.UsageError("An outbox in memory belongs to one process. Use sqlite:/// or redis://")
    file = file_of(url)
    if must_exist and file is not None and not file.exists():
        raise click.UsageError(f"No outbox at {file}. Wrong path, or nothing was queued yet.")
    return outbox


def clients() -> list[Client]:
    """A client for every event source that the environment describes.

    Raises:
        click.UsageError: If there is none, or one cannot be used.
    """
    found, missing = [], ""
    for kind in KINDS:
        try:
            found.append(Client(EventSource.from_env(kind, os.environ)))
        except ConfigurationError as error:
            missing = missing or str(error)
    if not found:
        raise click.UsageError(f"{missing}: a worker needs at least one event source")
    return found
