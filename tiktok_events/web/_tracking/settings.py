"""The settings of one site, and the questions a request asks of them. Frozen, and shared by all requests."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs

from tiktok_events._api import network_guard
from tiktok_events._events.event import Event
from tiktok_events._events.ids import random_id
from tiktok_events._events.source import EventSource
from tiktok_events._runtime.log_once import log_once
from tiktok_events.errors import ConfigurationError
from tiktok_events.web._page.pixel import checked_pixel_code
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._request.request_kind import Network, is_asset, networks
from tiktok_events.web._visitor.consent import ConsentRule
from tiktok_events.web._visitor.cookies import CookiePolicy, cookie_domain, is_cookie_domain
from tiktok_events.web._visitor.signing import Signer

if TYPE_CHECKING:
    from tiktok_events._outbox.protocol import Outbox


_OFF = EventSource.web("OFF0000000000000000", "off")


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
    from tiktok_events._outbox.url import outbox_at

    return outbox_at(given)


def _domains(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str) or not all(isinstance(one, str) and is_cookie_domain(one) for one in given):
        raise ConfigurationError('cookie_domains must be a list of registrable domains such as "shop.example"')
    return tuple(given)


@attrs.frozen(eq=False)
class SiteSettings:
    """What `Site` is told, and what follows from it for a request. `Site` documents every field."""

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
    new_id: Callable[[], str] = attrs.field(default=random_id, kw_only=True)
    _made: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.client is not None and self.outbox is not None:
            raise ConfigurationError("outbox is for the site's own client: give it to yours")
        for code in (*((self.source.event_source_id,) if self.source else ()), *self.pixels):
            checked_pixel_code(code)
        if self.source is not None and self.source.event_source != "web":
            raise ConfigurationError("a site reports to a pixel: EventSource.web(pixel_code, access_token)")
        self._made.update({purpose: Signer(self.secret_key, purpose) for purpose in ("redirect", "snapshot")})

    @property
    def off_reason(self) -> str | None:
        """Why a site from the environment is off, to say once at its first request; None when it is on or told to."""
        return self._made.get("off")

    def log_why_off(self) -> None:
        """Log why this site is off, the first time that somebody misses something; nothing if it was told to."""
        if self.off_reason:
            log_once(f"TikTok events are off: {self.off_reason}", logging.WARNING)

    @property
    def has_no_consent_rule(self) -> bool:
        """Whether nobody is asked: there is no consent rule, and no signal of a browser's denies."""
        return self.consent is None and self.gpc != "deny"

    @property
    def route_source(self) -> EventSource:
        """The source that events are made and checked for; a placeholder while the site is off."""
        return self.source or _OFF

    def with_phone_region(self, user: Mapping[str, Any]) -> Mapping[str, Any]:
        """*user* with this site's `phone_region`, if it has a phone number and no region."""
        return {"phone_region": self.phone_region, **user} if self.phone_region and "phone" in user else user

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

    def excludes(self, request: WebRequest) -> bool:
        """Whether *request* is none of a visitor's: an asset, or what `exclude` says."""
        if self.exclude is None or is_asset(request):
            return is_asset(request)
        try:
            return bool(self.exclude(request))
        except Exception as error:  # noqa: BLE001 - no page fails for its tracking
            log_once(f"exclude raised {type(error).__name__}: taken as excluded", logging.ERROR)
            return True

    def is_strict(self, request: WebRequest) -> bool:
        """Whether a mistake in *request* raises: as `strict` says, else a test that records, else the debug mode."""
        if self.strict is None and network_guard.recorder is not None:
            return network_guard.recorder.strict
        return request.debug if self.strict is None else self.strict

    def domain_for(self, request: WebRequest) -> str | None:
        """The domain cookies of this request's host are set for; None is this host only."""
        return cookie_domain(request.hostname, self.cookie_domains) if self.cookie_domains else None

    def is_secure(self, request: WebRequest) -> bool:
        """Whether cookies of this request are for https only."""
        return self.cookies.secure == "always" or (self.cookies.secure == "auto" and request.scheme == "https")

    def _background(self) -> Tracks:
        from tiktok_events._api.client import Client
        from tiktok_events._delivery.background_client import BackgroundClient

        if self.source is None:
            raise ConfigurationError("a site that is off sends nothing")
        # Its trackers have raised already.
        return BackgroundClient(Client(self.source), self.outbox, deliver=self.deliver, strict=False)
