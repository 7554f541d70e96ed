"""The destination of `send`: it is chosen explicitly, printed first, and confirmed if it is not on this machine."""

from __future__ import annotations

import os
import sys
from typing import Literal
from urllib.parse import urlsplit

import attrs
import click

from tiktok_events._api.encoding import PATH
from tiktok_events._api.retry import RetryPolicy
from tiktok_events._api.transport import DEFAULT_BASE_URL, MANAGER_PORT, endpoint, is_loopback
from tiktok_events._events.source import EventSource
from tiktok_events._spec.fields import Kind
from tiktok_events.cli.console import clean, stderr
from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager.environment import EXAMPLE_PIXEL_CODE, EXAMPLE_TOKEN

To = Literal["local", "tiktok"]

# Test values. The local Events Manager accepts any value of the right form.
LOCAL_DEFAULTS = {
    "TIKTOK_PIXEL_CODE": EXAMPLE_PIXEL_CODE,
    "TIKTOK_APP_ID": "7000000000000000001",
    "TIKTOK_OFFLINE_EVENT_SET_ID": "7000000000000000002",
    "TIKTOK_CRM_EVENT_SET_ID": "7000000000000000003",
    "TIKTOK_ACCESS_TOKEN": EXAMPLE_TOKEN,
}


@attrs.frozen
class Destination:
    """An Events API: its base URL, and whether it is on this machine."""

    base_url: str

    @property
    def local(self) -> bool:
        """Whether it is on this machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def retry(self) -> RetryPolicy:
        """The retry policy: short for this machine, where a server that does not run will not start by itself."""
        return RetryPolicy(attempts=4, max_wait=1.0, max_total=5.0) if self.local else RetryPolicy()

    def __str__(self) -> str:
        return f"{self.base_url} ({'this machine' if self.local else 'TikTok' if self._is_tiktok else 'another host'})"

    @property
    def _is_tiktok(self) -> bool:
        return urlsplit(self.base_url).hostname == urlsplit(DEFAULT_BASE_URL).hostname


def choose_destination(to: To | None, port: int | None) -> Destination:
    """Return the destination that *to* and *port* give, else the one of `TIKTOK_API_URL`.

    Raises:
        click.UsageError: If none is given, or its URL is invalid.
    """
    if port is not None and to == "tiktok":
        raise click.UsageError("--port is for --to local only.")
    if to == "tiktok":
        return Destination(DEFAULT_BASE_URL)
    if to == "local" or port is not None:
        return Destination(f"http://127.0.0.1:{port or MANAGER_PORT}/open_api/v1.3")
    url = os.environ.get("TIKTOK_API_URL")
    if not url:
        raise click.UsageError(
            "No destination given. Use --to local (the Events Manager that `tiktok-events manager` starts on this "
            "machine), --to tiktok (TikTok's Events API), or set TIKTOK_API_URL."
        )
    try:
        return Destination(endpoint(None).removesuffix(f"/{PATH}"))
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None


def source_from_environment(kind: Kind, *, allow_test_values: bool) -> EventSource:
    """Read the event source of *kind* from the environment. With *allow_test_values*, they replace missing variables.

    Raises:
        click.UsageError: If a variable is missing or invalid. The message names the variable, never its value.
    """
    settings = {name: value for name, value in os.environ.items() if name.startswith("TIKTOK_") and value}
    try:
        return EventSource.from_env(kind, env=LOCAL_DEFAULTS | settings if allow_test_values else settings)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None


def print_destination(target: Destination, source: EventSource) -> None:
    """Print the destination and the event source."""
    console = stderr()
    console.print(f"To      {clean(target)}")
    console.print(f"Source  {source.event_source} {clean(source.event_source_id)}")
    if source.test_event_code:
        console.print("Test    TIKTOK_TEST_EVENT_CODE is set: all events go to the Test Events tab")


def needs_confirmation(target: Destination, *, yes: bool, is_stdin: bool) -> bool:
    """Return whether the user has to confirm that events leave this machine.

    Raises:
        click.UsageError: If confirmation is needed, but standard input is no terminal or holds the events.
    """
    if target.local or yes:
        return False
    if is_stdin or not sys.stdin.isatty():
        raise click.UsageError("Standard input is not a terminal, so sending to TikTok cannot be confirmed. Use --yes.")
    return True


def confirm(source: EventSource, valid: int, total: int) -> None:
    """Ask whether to send the *valid* events of *total* lines to *source*.

    Raises:
        click.Abort: If the answer is no.
    """
    kinds = {"web": "pixel", "app": "app", "offline": "offline event set", "crm": "CRM event set"}
    source_id = clean(source.event_source_id)
    short_id = source_id if len(source_id) <= 9 else f"{source_id[:4]}\u2026{source_id[-3:]}"
    invalid = total - valid
    note = f" ({invalid:,} line{'' if invalid == 1 else 's'} would be rejected)" if invalid else ""
    scope = "test events of the" if source.test_event_code else "live"
    question = f"Send {valid:,} of {total:,} events to the {scope} {kinds[source.event_source]} {short_id}?{note}"
    click.confirm(question, abort=True, err=True)
