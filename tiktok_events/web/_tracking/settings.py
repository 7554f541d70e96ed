"""`SiteSettings`: the settings of one site, and what follows from them for a request."""

from __future__ import annotations

import logging
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, Literal, Protocol
from zoneinfo import ZoneInfo

import attrs

from tiktok_events._api import network_guard
from tiktok_events._events.event import Event
from tiktok_events._events.ids import random_id
from tiktok_events._events.source import EventSource
from tiktok_events._runtime.log_once import log_once
from tiktok_events._spec.problem import Problem
from tiktok_events.errors import ConfigurationError
from tiktok_events.web._page.pixel import checked_pixel_code
from tiktok_events.web._request.networks import Network
from tiktok_events.web._request.proxies import Proxies, header_name, trusted_networks
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._request.request_kind import is_asset
from tiktok_events.web._visitor.consent import ConsentRule
from tiktok_events.web._visitor.cookies import CookiePolicy, cookie_domain, is_cookie_domain
from tiktok_events.web._visitor.signing import Signer

if TYPE_CHECKING:
    from tiktok_events._outbox.protocol import Outbox


_PLACEHOLDER_SOURCE = EventSource.web("OFF0000000000000000", "off")


class EventClient(Protocol):
    """A client that a site can use: `BackgroundClient`, `Client`, or any object with such a `track`."""

    def track(self, *events: Event) -> Any:
        """Send or queue *events*."""


def _secret_keys(value: str | Sequence[str] | None) -> tuple[str, ...]:
    if value is None:
        value = os.environ.get("TIKTOK_SECRET_KEY") or ()
    return (value,) if isinstance(value, str) else tuple(value)


def _outbox(value: Outbox | str | None) -> Outbox | None:
    if not isinstance(value, str):
        return value
    from tiktok_events._outbox.url import outbox_at

    return outbox_at(value)


def _time_zone(value: tzinfo | str) -> tzinfo:
    if isinstance(value, tzinfo):
        return value
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, TypeError, OSError):
        raise ConfigurationError('time_zone must be a tzinfo or a name such as "Europe/Berlin"') from None


def _domains(value: Sequence[str]) -> tuple[str, ...]:
    if isinstance(value, str) or not all(isinstance(domain, str) and is_cookie_domain(domain) for domain in value):
        raise ConfigurationError('cookie_domains must be a list of registrable domains such as "shop.example"')
    return tuple(value)


@attrs.frozen(eq=False)
class SiteSettings:
    """The settings of a site. Frozen, and shared by all requests. `Site` documents the fields."""

    source: EventSource | None
    client: EventClient | None = None
    outbox: Outbox | None = attrs.field(default=None, converter=_outbox, kw_only=True)
    deliver: bool = attrs.field(default=True, kw_only=True)
    secret_key: tuple[str, ...] = attrs.field(default=None, converter=_secret_keys, repr=False, kw_only=True)
    cookies: CookiePolicy = attrs.field(factory=CookiePolicy, kw_only=True)
    cookie_domains: tuple[str, ...] = attrs.field(default=(), converter=_domains, kw_only=True)
    trusted_proxies: tuple[Network, ...] = attrs.field(default=(), converter=trusted_networks, kw_only=True)
    client_ip_header: str | None = attrs.field(default=None, converter=header_name, kw_only=True)
    proxies: Proxies | None = attrs.field(
        default=attrs.Factory(lambda site: site.trusted(), takes_self=True), init=False, repr=False
    )
    consent: ConsentRule | None = attrs.field(default=None, kw_only=True)
    on_unknown_consent: Literal["block", "hold"] = attrs.field(
        default="block", validator=attrs.validators.in_(("block", "hold")), kw_only=True
    )
    gpc: Literal["ldu", "deny", "ignore"] = attrs.field(
        default="ldu", validator=attrs.validators.in_(("ldu", "deny", "ignore")), kw_only=True
    )
    currency: str | None = attrs.field(default=None, kw_only=True)
    phone_region: str | None = attrs.field(default=None, kw_only=True)
    time_zone: tzinfo = attrs.field(default=UTC, converter=_time_zone, kw_only=True)
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
    _signers: dict[str, Signer] = attrs.field(factory=dict, init=False, repr=False)
    _state: dict[str, Any] = attrs.field(factory=dict, init=False, repr=False)
    """What changes after construction: "client" is set on first use, "off_reason" by `Site.from_env`."""

    def __attrs_post_init__(self) -> None:
        if self.client is not None and self.outbox is not None:
            raise ConfigurationError("outbox= cannot be used with client=: give the outbox to the client")
        for code in (*((self.source.event_source_id,) if self.source else ()), *self.pixels):
            checked_pixel_code(code)
        if self.source is not None and self.source.event_source != "web":
            raise ConfigurationError("source must be EventSource.web(pixel_code, access_token)")
        self._signers.update(self.signers())

    def signers(self) -> dict[str, Signer]:
        """A signer for each purpose."""
        return {purpose: Signer(self.secret_key, purpose) for purpose in ("redirect", "snapshot")}

    @property
    def off_reason(self) -> str | None:
        """Why a site from the environment is off; None if it is on, or off by `enabled=False`."""
        return self._state.get("off_reason")

    def log_off_reason(self) -> None:
        """Log once why this site is off; not if it is off by `enabled=False`."""
        if self.off_reason:
            log_once(f"TikTok events are off: {self.off_reason}", logging.WARNING)

    def trusted(self) -> Proxies | None:
        """The proxies that `trusted_proxies` and `client_ip_header` describe; None if none is trusted."""
        return Proxies(self.trusted_proxies, self.client_ip_header) if self.trusted_proxies else None

    def count_problem(self, found: Problem) -> None:
        """Count a problem of a request, and log it once."""
        counts: Counter[str] = self._state.setdefault("problem_counts", Counter())
        counts[found.rule] += 1
        log_once(str(found), logging.WARNING)

    @property
    def problem_counts(self) -> Mapping[str, int]:
        """The number of requests of this process that break a rule about proxies, by the id of the rule."""
        return dict(self._state.get("problem_counts", {}))

    @property
    def has_no_consent_rule(self) -> bool:
        """Whether consent is assumed: there is no consent rule, and `Sec-GPC` does not deny."""
        return self.consent is None and self.gpc != "deny"

    @property
    def source_or_placeholder(self) -> EventSource:
        """The source that events are made and checked for; a placeholder while the site is off."""
        return self.source or _PLACEHOLDER_SOURCE

    def with_phone_region(self, user: Mapping[str, Any]) -> Mapping[str, Any]:
        """*user* with this site's `phone_region`, if it has a phone number and no region."""
        return {"phone_region": self.phone_region, **user} if self.phone_region and "phone" in user else user

    def seconds_of_naive(self, moment: datetime) -> int:
        """The Unix seconds of a naive datetime in this site's `time_zone`; the current time if that is earlier."""
        return math.floor(min(moment.replace(tzinfo=self.time_zone).timestamp(), self.clock()))

    @property
    def redirect_signer(self) -> Signer:
        """The signer of the redirect cookie."""
        return self._signers["redirect"]

    @property
    def snapshot_signer(self) -> Signer:
        """The signer of snapshots."""
        return self._signers["snapshot"]

    def event_client(self) -> EventClient:
        """The client for server events: `client`, else a `BackgroundClient` that is made on first use."""
        if self.client is not None:
            return self.client
        if "client" not in self._state:
            # Two threads can each make a client here. One is dropped before it starts. A lock would not survive a fork.
            self._state.setdefault("client", self._background_client())
        client: EventClient = self._state["client"]
        return client

    def excludes(self, request: WebRequest) -> bool:
        """Whether *request* is excluded from tracking: an asset, or by `exclude`."""
        if self.exclude is None or is_asset(request):
            return is_asset(request)
        try:
            return bool(self.exclude(request))
        except Exception as error:  # noqa: BLE001 - tracking must not fail a response
            log_once(f"exclude raised {type(error).__name__}: the request is not tracked", logging.ERROR)
            return True

    def is_strict(self, request: WebRequest) -> bool:
        """Whether a mistake in *request* raises: as `strict` says, else the recording test, else the debug mode."""
        if self.strict is None and network_guard.recorder is not None:
            return network_guard.recorder.strict
        return request.debug if self.strict is None else self.strict

    def cookie_domain_for(self, request: WebRequest) -> str | None:
        """The domain for cookies of this request's host; None for host-only cookies."""
        return cookie_domain(request.hostname, self.cookie_domains) if self.cookie_domains else None

    def is_secure(self, request: WebRequest) -> bool:
        """Whether cookies of this request get the attribute Secure."""
        return self.cookies.secure == "always" or (self.cookies.secure == "auto" and request.scheme == "https")

    def _background_client(self) -> EventClient:
        from tiktok_events._api.client import Client
        from tiktok_events._delivery.background_client import BackgroundClient

        if self.source is None:
            raise ConfigurationError("the site is off, so it has no client")
        # The trackers of this site raise mistakes themselves.
        return BackgroundClient(Client(self.source), self.outbox, deliver=self.deliver, strict=False)
