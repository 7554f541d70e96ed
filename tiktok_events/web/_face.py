"""The template variable `tiktok`: it prints, it does not send."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from tiktok_events._ids import UNSET, Key, UnsetType
from tiktok_events.web._consent import Consent, ConsentCookie, say_once
from tiktok_events.web._csp import csp_sources
from tiktok_events.web._markup import Markup
from tiktok_events.web._pixel import (
    SCRIPT_URL,
    Call,
    payload,
    render_calls,
    render_calls_data,
    render_data,
    render_pixel,
)
from tiktok_events.web._redirect import carried_calls, joined
from tiktok_events.web._tracked import Tracked

if TYPE_CHECKING:
    from tiktok_events.web._tracker import Tracker


class Face:
    """What a template sees of a tracker. `pixel()`, `events()`, `data()` and `csp_sources()` need no arguments.

    Nothing here raises for what a visitor sends, and nothing sends: a page may be rendered twice, or for nobody.
    """

    __slots__ = ("_tracker",)

    def __init__(self, tracker: Tracker) -> None:
        self._tracker = tracker

    @property
    def enabled(self) -> bool:
        """Whether anything is rendered for this visitor."""
        return self._shown()

    @property
    def consent(self) -> str:
        """granted, denied or unknown."""
        self._depends_on_visitor()
        return self._tracker.consent.value

    def pixel(self, *, nonce: str | None = None) -> Markup:
        """Base code and every call so far, once for each; a second `pixel()` prints what is new."""
        tracker = self._tracker
        if not self._shown():
            return Markup()
        nonce = nonce if nonce is not None else self._nonce()
        calls = self._calls()
        if tracker.printed:
            return render_calls(calls=calls, generated_at_ms=self._now_ms(), nonce=nonce)
        tracker.printed = True
        return render_pixel(**self._page(calls), nonce=nonce)

    def data(self) -> Markup:
        """The same as a JSON data block for the static script; it needs no nonce."""
        tracker = self._tracker
        if not self._shown():
            return Markup()
        calls = self._calls()
        if tracker.printed:
            return render_calls_data(calls=calls, generated_at_ms=self._now_ms())
        tracker.printed = True
        return render_data(**self._page(calls))

    def script(self, tracked: Tracked) -> Markup:
        """The pixel call of one `track` alone, for a page that places it by itself."""
        return tracked.script

    def events(self) -> list[dict[str, Any]]:
        """The calls that are not rendered yet, JSON-ready; they count as rendered now."""
        return [payload(call) for call in self._calls()] if self._shown() else []

    def event_id(self, name: str, key: Key | UnsetType = UNSET) -> str:
        """The id of this request's event of that *name*, or the one its next `track` will take."""
        return self._tracker.event_id(name, key)

    def csp_sources(self) -> dict[str, tuple[str, ...]]:
        """What a Content-Security-Policy has to allow, by directive."""
        return csp_sources(script_url())

    def _shown(self) -> bool:
        tracker = self._tracker
        if not tracker.enabled or tracker.site.browser == "off":
            return False
        if isinstance(tracker.site.consent, ConsentCookie):
            return True  # the page's own script asks the cookie, so a cached page stays right
        self._depends_on_visitor()
        consent = tracker.consent
        return consent is Consent.GRANTED or (consent is Consent.UNKNOWN and tracker.site.on_unknown_consent == "hold")

    def _depends_on_visitor(self) -> None:
        if self._tracker.site.consent is not None:
            self._tracker.touched = True

    def _calls(self) -> list[Call]:
        tracker = self._tracker
        if not tracker.carried:
            tracker.carried = True
            tracker.calls[:] = joined(carried_calls(tracker), tracker.calls)
        calls = list(tracker.calls)
        if calls:
            tracker.touched = True
        tracker.calls.clear()
        return calls

    def _page(self, calls: list[Call]) -> Any:
        tracker, site = self._tracker, self._tracker.site
        rule = site.consent if isinstance(site.consent, ConsentCookie) else None
        return {
            "pixel_code": site.source.event_source_id if site.source else "",
            "pixels": site.pixels,
            "calls": calls,
            "identify": self._identify(),
            "load_options": site.load_options,
            "limited_data_use": rule is None and tracker.touched and tracker.context.limited_data_use,
            "hold_consent": site.on_unknown_consent == "hold"
            and (rule is not None or tracker.consent is Consent.UNKNOWN),
            "page": not site.page_views,
            "generated_at_ms": self._now_ms(),
            "script_url": script_url(),
            "consent_rule": rule,
            # A callable has weighed the signal already: its yes wins.
            "gpc": site.gpc if rule is not None or site.gpc != "deny" else "ldu",
        }

    def _identify(self) -> dict[str, str] | None:
        tracker = self._tracker
        if not tracker.site.advanced_matching or tracker.consent is not Consent.GRANTED:
            return None
        tracker.touched = True  # digests are one visitor's
        return tracker.digests()

    def _nonce(self) -> str | None:
        site, request = self._tracker.site, self._tracker.request
        if site.nonce is None:
            return None
        try:
            return site.nonce(request.native if request.native is not None else request)
        except Exception as error:  # noqa: BLE001 - no page fails for its tracking
            say_once(f"the nonce callable raised {type(error).__name__}", logging.ERROR)
            return None

    def _now_ms(self) -> int:
        return int(self._tracker.site.clock() * 1000)


def script_url() -> str:
    """The pixel script's address: TikTok's, or `TIKTOK_PIXEL_URL` for the local Events Manager's stand-in."""
    return os.environ.get("TIKTOK_PIXEL_URL") or SCRIPT_URL
