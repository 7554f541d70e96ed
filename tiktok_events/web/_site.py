"""One site's settings, and everything a tracker needs that is not in the request. Frozen and shared."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import attrs

from tiktok_events._events.event import Event
from tiktok_events._ids import UNSET, UnsetType, random_id
from tiktok_events._recording import outlet
from tiktok_events._source import EventSource
from tiktok_events.errors import ConfigurationError
from tiktok_events.web._consent import Answer, ConsentRule, say_once
from tiktok_events.web._cookies import CookiePolicy, cookie_domain, is_cookie_domain
from tiktok_events.web._pixel import checked_pixel_code
from tiktok_events.web._request import WebRequest
from tiktok_events.web._signing import Signer
from tiktok_events.web._visits import Network, is_asset, networks

if TYPE_CHECKING:
    from tiktok_events._outbox.protocol import Outbox
    from tiktok_events.web._tracker import Tracker


class Tracks(Protocol):
    """What a site sends its events to: `BackgroundClient`, `Client`, or anything with its `track`."""

    def track(self, *events: Event) -> Any:
        """Take *events*."""


def _secrets(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        value = os.environ.get("TIKTOK_SECRET_KEY") or ()
    return (value,) if isinstance(value, str) else tuple(value)


def _outbox(given: Outbox | str | None) -> Outbox | None:
    if not isinstance(given, str):
        return given
    from tiktok_events._outbox.by_url import outbox_at

    return outbox_at(given)


def _is_on(word: str) -> bool:
    return word.strip().lower() not in ("0", "false", "no", "off")


def _domains(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(one, str) and is_cookie_domain(one) for one in given):
        raise ConfigurationError('cookie_domains must be a list of registrable domains such as "shop.example"')
    return tuple(given)


@attrs.frozen(eq=False)
class Site:
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

    source: EventSource | None
    client: Tracks | None = None
    outbox: Outbox | None = attrs.field(default=None, converter=_outbox, kw_only=True)
    deliver: bool = attrs.field(default=True, kw_only=True)
    secret_key: tuple[str, ...] = attrs.field(default=None, converter=_secrets, repr=False, kw_only=True)
    cookies: CookiePolicy = attrs.field(factory=CookiePolicy, kw_only=True)
    cookie_domains: tuple[str, ...] = attrs.field(default=(), converter=_domains, kw_only=True)
    trusted_proxies: tuple[Network, ...] = attrs.field(default=(), converter=networks, kw_only=True)
    consent: ConsentRule | None = attrs.field(default=None, kw_only=True)
    on_unknown_consent: Literal["block", "hold"] = attrs.field(
        default="block", validator=attrs.validators.in_(("block", "hold")), kw_only=True
    )
    gpc: Literal["ldu", "deny", "ignore"] = attrs.field(
        default="ldu", validator=attrs.validators.in_(("ldu", "deny", "ignore")), kw_only=True
    )
    currency: str | None = attrs.field(default=None, kw_only=True)
    phone_region: str | None = attrs.field(default=None, kw_only=True)
    url: str | None = attrs.field(default=None, kw_only=True)
    identify: Callable[[Any], Mapping[str, Any] | None] | None = attrs.field(default=None, kw_only=True)
    advanced_matching: bool = attrs.field(default=False, kw_only=True)
    pixels: tuple[str, ...] = attrs.field(default=(), converter=tuple, kw_only=True)
    browser: Literal["pixel", "off"] = attrs.field(
        default="pixel", validator=attrs.validators.in_(("pixel", "off")), kw_only=True
    )
    load_options: Mapping[str, Any] = attrs.field(factory=dict, kw_only=True)
    nonce: Callable[[Any], str | None] | None = attrs.field(default=None, kw_only=True)
    page_views: bool = attrs.field(default=False, kw_only=True)
    exclude: Callable[[WebRequest], bool] | None = attrs.field(default=None, kw_only=True)
    strict: bool | None = attrs.field(default=None, kw_only=True)
    enabled: bool = attrs.field(default=True, kw_only=True)
    clock: Callable[[], float] = attrs.field(default=time.time, kw_only=True)
    dice: Callable[[], str] = attrs.field(default=random_id, kw_only=True)
    _made: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.client is not None and self.outbox is not None:
            raise ConfigurationError("outbox is for the site's own client: give it to yours")
        for code in (*((self.source.event_source_id,) if self.source else ()), *self.pixels):
            checked_pixel_code(code)
        if self.source is not None and self.source.event_source != "web":
            raise ConfigurationError("a site reports to a pixel: EventSource.web(pixel_code, access_token)")
        self._made.update({purpose: Signer(self.secret_key, purpose) for purpose in ("redirect", "snapshot")})

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

    @property
    def off_reason(self) -> str | None:
        """Why a site from the environment is off, to say once at its first request; None when it is on or told to."""
        return self._made.get("off")

    def say_why_off(self) -> None:
        """Log why this site is off, the first time that somebody misses something; nothing if it was told to."""
        if self.off_reason:
            say_once(f"TikTok events are off: {self.off_reason}", logging.WARNING)

    @property
    def takes_all_as_granted(self) -> bool:
        """Whether nobody is asked: there is no consent rule, and no signal of a browser's denies."""
        return self.consent is None and self.gpc != "deny"

    @property
    def redirects(self) -> Signer:
        """What signs the redirect cookie."""
        signer: Signer = self._made["redirect"]
        return signer

    @property
    def snapshots(self) -> Signer:
        """What signs snapshots."""
        signer: Signer = self._made["snapshot"]
        return signer

    def sender(self) -> Tracks:
        """What takes the server events; made with the first one."""
        if self.client is not None:
            return self.client
        if "client" not in self._made:
            # Two threads that come at once make one too many, which nobody starts; a lock would not survive a fork.
            self._made.setdefault("client", self._background())
        client: Tracks = self._made["client"]
        return client

    def resume(self, snapshot: str | Mapping[str, str] | None, *, consent: Answer | UnsetType = UNSET) -> Tracker:
        """A tracker with the context of *snapshot* (or of its `as_metadata()`), for webhooks and tasks.

        *consent* (True, False, None) overrides the one it carries. What cannot be read gives a tracker without context, and a warning.

        Raises:
            InvalidSnapshot: With `strict`, when it was changed or is older than 28 days.
        """
        from tiktok_events.web._resume import resumed  # a tracker has a site: one of the two must wait

        return resumed(self, snapshot, consent=consent)

    def close(self, timeout: float = 10.0) -> None:
        """Deliver what is queued within *timeout* seconds; for a server's shutdown. It may be used again."""
        client: Any = self.client or self._made.get("client")
        if hasattr(client, "flush"):  # a plain Client holds nothing back
            client.close(timeout)

    def excludes(self, request: WebRequest) -> bool:
        """Whether *request* is none of a visitor's: an asset, or what `exclude` says."""
        if self.exclude is None or is_asset(request):
            return is_asset(request)
        try:
            return bool(self.exclude(request))
        except Exception as error:  # noqa: BLE001 - no page fails for its tracking
            say_once(f"exclude raised {type(error).__name__}: taken as excluded", logging.ERROR)
            return True

    def is_strict(self, request: WebRequest) -> bool:
        """Whether a mistake in *request* raises: as `strict` says, else a test that records, else the debug mode."""
        if self.strict is None and outlet.recorder is not None:
            return outlet.recorder.strict
        return request.debug if self.strict is None else self.strict

    def domain_for(self, request: WebRequest) -> str | None:
        """The domain cookies of this request's host are set for; None is this host only."""
        return cookie_domain(request.hostname, self.cookie_domains) if self.cookie_domains else None

    def is_secure(self, request: WebRequest) -> bool:
        """Whether cookies of this request are for https only."""
        return self.cookies.secure == "always" or (self.cookies.secure == "auto" and request.scheme == "https")

    def _background(self) -> Tracks:
        from tiktok_events._background import BackgroundClient
        from tiktok_events._client import Client

        if self.source is None:
            raise ConfigurationError("a site that is off sends nothing")
        # Its trackers have raised already.
        return BackgroundClient(Client(self.source), self.outbox, deliver=self.deliver, strict=False)
