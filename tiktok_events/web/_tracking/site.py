"""`Site`: one website that reports to one pixel. It makes trackers for later requests, and closes its client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

import attrs

from tiktok_events._events.ids import UNSET, UnsetType
from tiktok_events._events.source import EventSource
from tiktok_events.errors import ConfigurationError
from tiktok_events.web._tracking.resume import resumed
from tiktok_events.web._tracking.settings import SiteSettings
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor.consent import Answer


def _is_on(word: str) -> bool:
    return word.strip().lower() not in ("0", "false", "no", "off")


@attrs.frozen(eq=False)
class Site(SiteSettings):
    """One website that reports to one pixel. Frozen; every request's tracker shares it.

    `client` takes the server events: by default a `BackgroundClient` over *outbox*
    (or the one at its URL) that starts with the first one, and with `deliver=False` leaves it to a worker elsewhere. `secret_key`
    (16 characters or more; several: the first signs, all verify; `TIKTOK_SECRET_KEY` by default) signs the redirect
    cookie and snapshots, which are off without it. `cookie_domains` are the registrable domains cookies may be set
    for; `trusted_proxies` the networks whose X-Forwarded-For counts. `consent` answers True, False or None for the
    framework's request; None in its place means the site asks elsewhere. `gpc` "ldu" turns `Sec-GPC: 1` into limited
    data use, "deny" into a denial, "ignore" into nothing. `currency` and `phone_region` fill what an event leaves
    out. `url` is the page of events that have none, such as renewals. `exclude` is a callable on the `WebRequest`
    for paths without visitors. `strict` raises where a shop would log; None does where the framework runs in its
    debug mode, and as `testing.capture` says while a test records. `enabled=False` turns everything off.

    Raises:
        ConfigurationError: If a setting cannot be.
    """

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None, **settings: Any) -> Self:
        """The site the environment describes (`EventSource.from_env`); off, not wrong, when a variable is missing.

        `TIKTOK_OUTBOX_URL` is the outbox of its client, and with `TIKTOK_DELIVER=0` a worker elsewhere delivers.
        `TIKTOK_ENABLED=0` turns it off without a word. *env* is read in place of the process's environment.

        Raises:
            ConfigurationError: If `TIKTOK_OUTBOX_URL` or a setting cannot be.
        """
        variables = os.environ if env is None else env
        enabled = _is_on(variables.get("TIKTOK_ENABLED", "1"))
        settings = {"enabled": enabled, "secret_key": variables.get("TIKTOK_SECRET_KEY"), **settings}
        if "client" not in settings:
            settings.setdefault("outbox", variables.get("TIKTOK_OUTBOX_URL") or None)
            settings.setdefault("deliver", _is_on(variables.get("TIKTOK_DELIVER", "1")))
        try:
            source = EventSource.from_env("web", variables)
        except ConfigurationError as error:
            made = cls(None, **{**settings, "enabled": False})
            made._made["off"] = None if not enabled else str(error)
            return made
        return cls(source, **settings)

    def resume(self, snapshot: str | Mapping[str, str] | None, *, consent: Answer | UnsetType = UNSET) -> Tracker:
        """A tracker with the context of *snapshot* (or of its `as_metadata()`), for webhooks and tasks.

        *consent* (True, False, None) overrides the one it carries. What cannot be read gives a tracker without context, and a warning.

        Raises:
            InvalidSnapshot: With `strict`, when it was changed or is older than 28 days.
        """
        return resumed(self, snapshot, consent=consent)

    def close(self, timeout: float = 10.0) -> None:
        """Deliver what is queued within *timeout* seconds; for a server's shutdown. It may be used again."""
        client: Any = self.client or self._made.get("client")
        if hasattr(client, "flush"):  # a plain Client holds nothing back
            client.close(timeout)
