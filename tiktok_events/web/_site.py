"""One site's settings, and everything a tracker needs that is not in the request. Frozen and shared."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import attrs

from tiktok_events._events.event import Event
from tiktok_events._ids import random_id
from tiktok_events._source import EventSource
from tiktok_events.errors import ConfigurationError
from tiktok_events.web._consent import Consent, ConsentRule
from tiktok_events.web._cookies import CookiePolicy, cookie_domain
from tiktok_events.web._request import WebRequest
from tiktok_events.web._signing import Signer
from tiktok_events.web._visits import Network, is_asset, networks

if TYPE_CHECKING:
    from tiktok_events.web._tracker import Tracker


class Tracks(Protocol):
    """What a site sends its events to: `BackgroundClient`, `Client`, or anything with its `track`."""

    def track(self, *events: Event) -> Any:
        """Take *events*."""


def _secrets(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        value = os.environ.get("TIKTOK_SECRET_KEY") or ()
    return (value,) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class Site:
    """One website that reports to one pixel. Frozen; every request's tracker shares it.

    `client` takes the server events: by default a `BackgroundClient` that starts with the first one. `secret_key`
    (16 characters or more; several: the first signs, all verify; `TIKTOK_SECRET_KEY` by default) signs the redirect
    cookie and snapshots, which are off without it. `cookie_domains` are the registrable domains cookies may be set
    for; `trusted_proxies` the networks whose X-Forwarded-For counts. `consent` answers True, False or None for the
    framework's request; None in its place means the site asks elsewhere. `gpc` "ldu" turns `Sec-GPC: 1` into limited
    data use, "deny" into a denial, "ignore" into nothing. `currency` and `phone_region` fill what an event leaves
    out. `url` is the page of events that have none, such as renewals. `exclude` is a callable on the `WebRequest`
    for paths without visitors. `strict` raises where a shop would log. `enabled=False` turns everything off.

    Raises:
        ConfigurationError: If a setting cannot be.
    """

    source: EventSource | None = attrs.field(kw_only=False)
    client: Tracks | None = attrs.field(default=None, kw_only=False)
    secret_key: tuple[str, ...] = attrs.field(default=None, converter=_secrets, repr=False)
    cookies: CookiePolicy = attrs.field(factory=CookiePolicy)
    cookie_domains: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    trusted_proxies: tuple[Network, ...] = attrs.field(default=(), converter=networks)
    consent: ConsentRule | None = None
    on_unknown_consent: Literal["block", "hold"] = attrs.field(
        default="block", validator=attrs.validators.in_(("block", "hold"))
    )
    gpc: Literal["ldu", "deny", "ignore"] = attrs.field(
        default="ldu", validator=attrs.validators.in_(("ldu", "deny", "ignore"))
    )
    currency: str | None = None
    phone_region: str | None = None
    url: str | None = None
    identify: Callable[[Any], Mapping[str, Any] | None] | None = None
    advanced_matching: bool = False
    pixels: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    browser: Literal["pixel", "off"] = attrs.field(default="pixel", validator=attrs.validators.in_(("pixel", "off")))
    load_options: Mapping[str, Any] = attrs.field(factory=dict)
    nonce: Callable[[Any], str | None] | None = None
    page_views: bool = False
    exclude: Callable[[WebRequest], bool] | None = None
    strict: bool = False
    enabled: bool = True
    clock: Callable[[], float] = time.time
    dice: Callable[[], str] = random_id
    _made: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False, eq=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False, eq=False)

    @classmethod
    def from_env(cls, **settings: Any) -> Self:
        """The site the environment describes (`EventSource.from_env`); off, not wrong, when a variable is missing.

        `TIKTOK_ENABLED=0` turns it off without a word.
        """
        enabled = os.environ.get("TIKTOK_ENABLED", "1").strip().lower() not in ("0", "false", "no", "off")
        try:
            source = EventSource.from_env("web")
        except ConfigurationError as error:
            made = cls(None, **{**settings, "enabled": False})
            made._made["off"] = None if not enabled else str(error)
            return made
        return cls(source, **{"enabled": enabled, **settings})

    @property
    def off_reason(self) -> str | None:
        """Why a site from the environment is off, to say once at its first request; None when it is on or told to."""
        return self._made.get("off")

    @property
    def redirects(self) -> Signer:
        """What signs the redirect cookie."""
        return self._signer("redirect")

    @property
    def snapshots(self) -> Signer:
        """What signs snapshots."""
        return self._signer("snapshot")

    def sender(self) -> Tracks:
        """What takes the server events; made with the first one."""
        if self.client is not None:
            return self.client
        with self._lock:
            if "client" not in self._made:
                self._made["client"] = self._background()
            client: Tracks = self._made["client"]
            return client

    def resume(self, snapshot: str | Mapping[str, str] | None, *, consent: Consent | None = None) -> Tracker:
        """A tracker with the context of *snapshot* (or of its `as_metadata()`), for webhooks and tasks.

        *consent* overrides the one it carries. What cannot be read gives a tracker without context, and a warning.

        Raises:
            InvalidSnapshot: With `strict`, when it was changed or is older than 28 days.
        """
        from tiktok_events.web._snapshot import resume

        return resume(self, snapshot, consent=consent)

    def close(self, timeout: float = 10.0) -> None:
        """Deliver what is queued within *timeout* seconds; for a server's shutdown. It may be used again."""
        client = self.client or self._made.get("client")
        if client is not None and hasattr(client, "flush"):
            client.close(timeout)

    def excludes(self, request: WebRequest) -> bool:
        """Whether *request* is none of a visitor's: an asset, or what `exclude` says."""
        return is_asset(request) or (self.exclude is not None and bool(self.exclude(request)))

    def domain_for(self, request: WebRequest) -> str | None:
        """The domain cookies of this request's host are set for; None is this host only."""
        return cookie_domain(request.hostname, self.cookie_domains)

    def is_secure(self, request: WebRequest) -> bool:
        """Whether cookies of this request are for https only."""
        return self.cookies.secure == "always" or (self.cookies.secure == "auto" and request.scheme == "https")

    def _signer(self, purpose: str) -> Signer:
        if purpose not in self._made:
            self._made[purpose] = Signer(self.secret_key, purpose)
        signer: Signer = self._made[purpose]
        return signer

    def _background(self) -> Tracks:
        from tiktok_events._background import BackgroundClient
        from tiktok_events._client import Client

        if self.source is None:
            raise ConfigurationError("a site that is off sends nothing")
        return BackgroundClient(Client(self.source))
