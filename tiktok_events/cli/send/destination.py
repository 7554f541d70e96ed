"""Where `send` sends: never a guess, always said first, and TikTok itself only after a yes."""

from __future__ import annotations

import os
import sys
from typing import Literal
from urllib.parse import urlsplit

import attrs
import click

from tiktok_events._api.encoding import PATH
from tiktok_events._api.retry import RetryPolicy
from tiktok_events._api.transport import DEFAULT_BASE_URL, endpoint, is_loopback
from tiktok_events._events.source import EventSource
from tiktok_events._spec.fields import Kind
from tiktok_events.cli.console import clean, stderr
from tiktok_events.errors import ConfigurationError

To = Literal["local", "tiktok"]
LOCAL_PORT = 8765

# Nothing on this machine checks them; they only have to be there, and to look like what they are.
_LOCAL_DEFAULTS = {
    "TIKTOK_PIXEL_CODE": "CLOCALTEST0000000000",
    "TIKTOK_APP_ID": "7000000000000000001",
    "TIKTOK_OFFLINE_EVENT_SET_ID": "7000000000000000002",
    "TIKTOK_CRM_EVENT_SET_ID": "7000000000000000003",
    "TIKTOK_ACCESS_TOKEN": "local",
}


@attrs.frozen
class Destination:
    """An Events API: its base URL, and whether it is on this machine."""

    base_url: str

    @property
    def local(self) -> bool:
        """Whether nothing leaves this machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def retry(self) -> RetryPolicy:
        """How long to keep trying. What does not run on this machine will not start by itself."""
        return RetryPolicy(attempts=4, max_wait=1.0, max_total=5.0) if self.local else RetryPolicy()

    def __str__(self) -> str:
        return f"{self.base_url} ({'this machine' if self.local else 'TikTok' if self._is_tiktok else 'another host'})"

    @property
    def _is_tiktok(self) -> bool:
        return urlsplit(self.base_url).hostname == urlsplit(DEFAULT_BASE_URL).hostname


def destination(to: To | None, port: int | None) -> Destination:
    """Where *to* and *port* say, else where `TIKTOK_API_URL` says.

    Raises:
        click.UsageError: If nothing says where, or it cannot be used.
    """
    if port is not None and to == "tiktok":
        raise click.UsageError("--port belongs to --to local")
    if to == "tiktok":
        return Destination(DEFAULT_BASE_URL)
    if to == "local" or port is not None:
        return Destination(f"http://127.0.0.1:{port or LOCAL_PORT}/open_api/v1.3")
    given = os.environ.get("TIKTOK_API_URL")
    if not given:
        raise click.UsageError(
            "Where to? Give --to local (the Events Manager that `tiktok-events manager` starts on this machine) or "
            "--to tiktok (the real one), or set TIKTOK_API_URL."
        )
    try:
        return Destination(endpoint(given).removesuffix(f"/{PATH}"))
    except ConfigurationError as error:
        raise click.UsageError(f"TIKTOK_API_URL: {error}") from None


def source_of(kind: Kind, *, harmless: bool) -> EventSource:
    """Read the source of *kind* from the environment; if *harmless*, what is missing is made up.

    Raises:
        click.UsageError: If a variable is missing or unusable; it names the variable, never the value.
    """
    given = {name: value for name, value in os.environ.items() if name.startswith("TIKTOK_") and value}
    try:
        return EventSource.from_env(kind, env=_LOCAL_DEFAULTS | given if harmless else given)
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from None


def announce(where: Destination, source: EventSource) -> None:
    """Say where events are about to go."""
    console = stderr()
    console.print(f"To      {clean(where)}")
    console.print(f"Source  {source.event_source} {clean(source.event_source_id)}")
    if source.test_event_code:
        console.print("Test    TIKTOK_TEST_EVENT_CODE is set: everything goes to the Test Events tab")


def confirm(where: Destination, *, yes: bool, stdin_is_data: bool) -> None:
    """Ask before anything leaves this machine.

    Raises:
        click.UsageError: If nobody is there to ask.
        click.Abort: If the answer is no.
    """
    if where.local or yes:
        return
    if stdin_is_data or not sys.stdin.isatty():
        raise click.UsageError("nobody is here to confirm sending to TikTok: give --yes")
    click.confirm("These are real events for real campaigns. Send them?", abort=True, err=True)
