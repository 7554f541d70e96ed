"""The browser's half of `track`: the pixel call for an event, and the calls that a redirect left for this page."""

from __future__ import annotations

from tiktok_events._events.event import Event
from tiktok_events.web._page.pixel import Call, call_for
from tiktok_events.web._page.redirect import calls_from_redirect, merged
from tiktok_events.web._tracking.visitor_state import VisitorState
from tiktok_events.web._visitor.consent import Consent
from tiktok_events.web._visitor.cookies import REDIRECT_COOKIE

_LONGEST_AGE = 24 * 3600
"""Seconds after which an event gets no pixel call: the pixel reports the time of the page view, not of the event."""


def browser_call(
    event: Event, event_id: str, visitor: VisitorState, *, repeated_after: float | None = None
) -> Call | None:
    """The pixel call for *event*; None if the site has no pixel, consent is missing, or the event is too old.

    *repeated_after* is the age of an event that was queued before, in seconds.
    """
    site = visitor.site
    age = max(site.clock() - (event.event_time or 0), repeated_after or 0)
    if site.browser == "off" or age > _LONGEST_AGE:
        return None
    if visitor.consent is Consent.UNKNOWN and site.on_unknown_consent != "hold":
        return None
    return call_for(event, event_id, keyed=event.key is not None)


def with_redirected_calls(calls: list[Call], visitor: VisitorState) -> list[Call]:
    """The calls in the redirect cookie of the previous response, then *calls*; each name and id once."""
    site, values = visitor.site, visitor.request.cookie_values(REDIRECT_COOKIE)
    return merged(calls_from_redirect(site.redirect_signer, values, now=site.clock()), calls)
