"""The option `--outbox`, and the event sources that a worker finds in the environment."""

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
    """The outbox that *url* names.

    Raises:
        click.UsageError: If there is none, or nobody else can have put anything into it.
    """
    if not url:
        raise click.UsageError("which outbox? Give --outbox URL, or set TIKTOK_OUTBOX_URL")
    try:
        outbox = outbox_at(url)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None
    if outbox.reach == "process":
        raise click.UsageError("memory: is gone with its process, so there is nothing in it: sqlite:/// or redis://")
    file = file_of(url)
    if must_exist and file is not None and not file.exists():
        raise click.UsageError("there is no such file: nothing was put into this outbox yet")
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
        raise click.UsageError(f"{missing}: a worker needs the token of at least one event source")
    return found
