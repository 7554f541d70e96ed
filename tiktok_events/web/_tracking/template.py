"""`TemplateVariable`: the variable `tiktok` of templates. It renders calls and sends nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tiktok_events._api.transport import is_local
from tiktok_events._events.ids import UNSET, Key, UnsetType
from tiktok_events._runtime.log_once import log_once
from tiktok_events.web._page.csp import csp_sources
from tiktok_events.web._page.markup import Markup, nonce_attribute
from tiktok_events.web._page.pixel import (
    SCRIPT_URL,
    Call,
    PageFields,
    payload,
    render_calls,
    render_calls_data,
    render_data,
    render_forget,
    render_forget_data,
    render_pixel,
)
from tiktok_events.web._tracking.page_view import track_page_view
from tiktok_events.web._tracking.tracked import Tracked
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor.consent import Consent, ConsentCookie


class TemplateVariable:
    """The read-only view of a *tracker* for a template: it renders the pixel calls of the request.

    It never sends an event, so a page may be rendered more than once. It never raises for the contents of a request.
    """

    __slots__ = ("_tracker",)

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    @property
    def enabled(self) -> bool:
        """Whether anything is rendered for this visitor."""
        return self._may_render()

    @property
    def consent(self) -> str:
        """The visitor's consent: "granted", "denied" or "unknown"."""
        self._depends_on_visitor()
        return self._tracker.consent.value

    def pixel(self, *, nonce: str | None = None) -> Markup:
        """The base code and all calls so far. A second `pixel()` renders only new calls.

        The default of *nonce* comes from `Site(nonce=...)`, else from the framework (`WebRequest.csp_nonce`).

        Raises:
            ConfigurationError: If *nonce* is not base64 or base64url.
        """
        if not self._may_render():
            return render_forget(nonce if nonce is not None else self._nonce()) if self._has_revoked() else Markup()
        nonce = nonce if nonce is not None else self._nonce()
        if nonce is not None:
            self._tracker.is_visitor_specific = True  # a cache would repeat the nonce
        if self._tracker.is_rendered:
            return render_calls(calls=self._take_calls(), generated_at_ms=self._now_ms(), nonce=nonce)
        return render_pixel(**self._page_fields(), nonce=nonce)

    def data(self) -> Markup:
        """Base code and calls as a JSON data block for the static script; it needs no nonce."""
        if not self._may_render():
            return render_forget_data() if self._has_revoked() else Markup()
        if self._tracker.is_rendered:
            return render_calls_data(calls=self._take_calls(), generated_at_ms=self._now_ms())
        return render_data(**self._page_fields())

    def script(self, tracked: Tracked) -> Markup:
        """The pixel call of one `track` alone, for a page that chooses its place."""
        return tracked.script

    def events(self) -> list[dict[str, Any]]:
        """The calls that are not rendered yet, JSON-ready. They count as rendered then."""
        return [payload(call) for call in self._take_calls()] if self._may_render() else []

    def event_id(self, name: str, key: Key | UnsetType = UNSET) -> str:
        """The id of this request's event of that *name*, or the one its next `track` will take."""
        return self._tracker.event_id(name, key)

    def csp_sources(self, overrides: Mapping[str, Iterable[str]] | None = None) -> dict[str, tuple[str, ...]]:
        """The sources that a Content-Security-Policy has to allow, by directive.

        A directive in *overrides* replaces the default, an empty one removes it: TikTok changes its hosts at times.

        Raises:
            ConfigurationError: If an override is not valid in the header.
        """
        return csp_sources(script_url(), overrides)

    def _may_render(self) -> bool:
        tracker, site = self._tracker, self._tracker.site
        if not tracker.enabled:
            site.log_off_reason()
            return False
        if site.browser == "off" or (site.exclude is not None and site.excludes(tracker.request)):
            return False
        if isinstance(site.consent, ConsentCookie):
            return True  # the page's script reads the cookie, so the page may be cached
        self._depends_on_visitor()
        return self._may_render_calls()

    def _has_revoked(self) -> bool:
        """Whether this request revoked consent, so that its page removes the record of fired calls."""
        tracker = self._tracker
        return tracker.enabled and tracker.site.browser != "off" and tracker.has_revoked_consent

    def _may_render_calls(self) -> bool:
        consent = self._tracker.consent
        held = consent is Consent.UNKNOWN and self._tracker.site.on_unknown_consent == "hold"
        return held or consent is Consent.GRANTED

    def _depends_on_visitor(self) -> None:
        # Without a consent rule, pages differ only by `Sec-GPC` with `gpc="deny"`.
        if self._tracker.site.consent is not None or self._tracker.consent is not Consent.GRANTED:
            self._tracker.is_visitor_specific = True

    def _take_calls(self) -> list[Call]:
        """The calls to render now. They count as rendered."""
        if not self._may_render_calls():
            return []
        tracker = self._tracker
        calls = list(tracker.pending_calls())
        if calls:
            tracker.is_visitor_specific = True
        tracker.calls.clear()
        return calls

    def _page_fields(self) -> PageFields:
        tracker, site = self._tracker, self._tracker.site
        tracker.is_rendered = True
        track_page_view(tracker)
        calls = self._take_calls()
        # Any: a type checker does not match attrs' converted fields with the protocol's.
        rule: Any = site.consent if isinstance(site.consent, ConsentCookie) else None
        return {
            "pixel_code": site.source.event_source_id if site.source else "",
            "pixels": site.pixels,
            "calls": calls,
            "identify": self._identify(),
            "load_options": site.load_options,
            "limited_data_use": rule is None and tracker.is_visitor_specific and tracker.context.limited_data_use,
            "hold_consent": site.on_unknown_consent == "hold"
            and (rule is not None or tracker.consent is Consent.UNKNOWN),
            "page": not site.page_views,
            "generated_at_ms": self._now_ms(),
            "script_url": script_url(),
            "consent_rule": rule,
            # A consent callable sees `Sec-GPC` in the request, so its grant wins.
            "gpc": "ldu" if site.gpc == "deny" and rule is None and site.consent is not None else site.gpc,
        }

    def _identify(self) -> dict[str, str] | None:
        tracker = self._tracker
        if not tracker.site.advanced_matching or tracker.consent is not Consent.GRANTED:
            return None
        tracker.is_visitor_specific = True  # the digests belong to one visitor
        return tracker.digests()

    def _nonce(self) -> str | None:
        site, request = self._tracker.site, self._tracker.request
        try:
            found = request.csp_nonce if site.nonce is None else site.nonce(request.native)
            text = "" if found is None else str(found)  # some are lazy and have no value until they are converted
            nonce_attribute(text or None)
        except Exception as error:
            if site.is_strict(request):
                raise
            log_once(f"the page has no nonce: reading it raised {type(error).__name__}", logging.ERROR)
            return None
        return text or None

    def _now_ms(self) -> int:
        return int(self._tracker.site.clock() * 1000)


def script_url() -> str:
    """The URL of the pixel script: `TIKTOK_PIXEL_URL`, or TikTok's.

    With `TIKTOK_API_URL` on loopback and no `TIKTOK_PIXEL_URL`, it is that of the same local Events Manager, so that
    test traffic does not reach the live pixel.
    """
    if given := os.environ.get("TIKTOK_PIXEL_URL"):
        return given
    api_url = os.environ.get("TIKTOK_API_URL", "")
    if not api_url or not is_local(api_url):
        return SCRIPT_URL
    parts = urlsplit(api_url)
    return f"{parts.scheme}://{parts.netloc}/i18n/pixel/events.js"
