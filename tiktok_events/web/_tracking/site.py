"""`Site`: one website that reports to one pixel. It makes trackers for later requests, and closes its client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Self

import attrs

from tiktok_events._events.ids import UNSET, UnsetType
from tiktok_events._events.source import EventSource
from tiktok_events.errors import ConfigurationError
from tiktok_events.web._tracking.resume import resume_tracker
from tiktok_events.web._tracking.settings import SiteSettings
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor.consent import ConsentValue


def _is_on(value: str) -> bool:
    return value.strip().lower() not in ("0", "false", "no", "off")


@attrs.frozen(eq=False)
class Site(SiteSettings):
    """One website that reports to one pixel. Frozen; the trackers of all requests share it.

    A pickle leaves out `secret_key`, the access token of `source`, and the default client.

    Callables get the framework's own request, except `exclude`, which gets a `WebRequest`.

    - `source` (`EventSource`, required): `EventSource.web(pixel_code, access_token)`; None turns the site off.
    - `client` (default a `BackgroundClient` that starts with the first event): an object with `track(*events)`.
    - `outbox` (`Outbox` or URL, default in memory): where the default client stores events until they are delivered.
    - `deliver` (bool, default True): False only stores events in the outbox; a worker delivers them.
    - `secret_key` (str or several, 16 characters or more, default `TIKTOK_SECRET_KEY`): signs the redirect cookie and
      snapshots, which are off without it. The first key signs, all verify.
    - `cookies` (`CookiePolicy`): names and ages (days) of the identifier cookies.
    - `cookie_domains` (list of str, default none): registrable domains that cookies may be set for.
    - `trusted_proxies` (list of addresses, networks, "private" and "cloudflare", default none): peers whose
      X-Forwarded-For, -Proto and -Host, or Forwarded, decide address, scheme and host.
    - `client_ip_header` (str, default None): the header in which a trusted proxy sends the visitor's address alone, such
      as "CF-Connecting-IP".
    - `consent` (callable or `ConsentCookie`, default None): returns True, False or None (unknown). Without it, consent
      is assumed: the site asks for it elsewhere.
    - `on_unknown_consent` (str, default "block"): "hold" renders calls that wait for `ttq.grantConsent()`. The server
      sends nothing in either case.
    - `gpc` (str, default "ldu"): the effect of `Sec-GPC: 1`. "ldu" limits data use, "deny" denies consent unless it is
      granted, "ignore" has no effect.
    - `currency` (ISO 4217 code, default None): for events with a value and no currency.
    - `phone_region` (ISO 3166 alpha-2 code, default None): for phone numbers without a country code.
    - `time_zone` (tzinfo or IANA name, default UTC): for a naive `event_time`, unless mistakes raise (`strict`).
    - `url` (str, default None): the page of events that have none, such as renewals.
    - `identify` (callable, default None): returns a mapping of `User` fields for the visitor who is logged in, or None.
    - `advanced_matching` (bool, default False): renders digests of the visitor's identifiers for the pixel.
    - `pixels` (list of pixel codes, default none): further pixels that get each call of the page.
    - `browser` (str, default "pixel"): "off" renders nothing, so that only the server reports.
    - `load_options` (mapping, default empty): options of `ttq.load`.
    - `nonce` (callable, default None): returns the nonce of the inline script. Without it, `WebRequest.csp_nonce`.
    - `page_views` (bool, default False): reports `Pageview` from server and browser with one id.
    - `exclude` (callable, default None): returns True for a request without a visitor: no cookies, nothing rendered.
    - `strict` (bool, default None): True raises for mistakes that are logged otherwise. None is True in the framework's
      debug mode, and follows `testing.capture` while a test records.
    - `enabled` (bool, default True): False turns everything off.
    - `clock` (callable, default `time.time`): returns the time in Unix seconds.
    - `new_id` (callable, default random): returns the 32 hex digits of a new visitor's id.

    Raises:
        ConfigurationError: If a setting is invalid.
    """

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None, **settings: Any) -> Self:
        """The site that the environment describes (`EventSource.from_env`). It is off if a variable is missing.

        `TIKTOK_OUTBOX_URL` is the outbox of its client; with `TIKTOK_DELIVER=0` a worker elsewhere delivers.
        `TIKTOK_ENABLED=0` turns it off and logs nothing. *env* is read in place of the process's environment.

        Raises:
            ConfigurationError: If `TIKTOK_OUTBOX_URL` or a setting is invalid.
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
            site = cls(None, **{**settings, "enabled": False})
            site._state["off_reason"] = None if not enabled else str(error)
            return site
        return cls(source, **settings)

    def resume(self, snapshot: str | Mapping[str, str] | None, *, consent: ConsentValue | UnsetType = UNSET) -> Tracker:
        """A tracker with the context of *snapshot* (or of its `as_metadata()`), for webhooks and tasks.

        *consent* (True, False, None) overrides that of the snapshot. A snapshot that cannot be read gives a tracker
        without context, and a warning.

        Raises:
            InvalidSnapshot: With `strict`, when it was changed or is older than 28 days.
        """
        return resume_tracker(self, snapshot, consent=consent)

    def __getstate__(self) -> dict[str, Any]:
        state = {name: getattr(self, name) for name in attrs.fields_dict(type(self))}
        return state | {"secret_key": (), "_signers": {}, "_state": {}}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            object.__setattr__(self, name, value)
        self._signers.update(self.signers())

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def close(self, timeout: float = 10.0) -> None:
        """Deliver queued events within *timeout* seconds, at a server's shutdown. The site may be used again."""
        client: Any = self.client or self._state.get("client")
        if hasattr(client, "flush"):  # a plain Client has no queue
            client.close(timeout)
