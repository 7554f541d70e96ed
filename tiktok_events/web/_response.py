"""What an answer gets: cookies, the header of an answer without a page, and how far it may be cached."""

from __future__ import annotations

import json
import logging

from tiktok_events.web import _cookies as cookies
from tiktok_events.web import _visits as visits
from tiktok_events.web._consent import Consent
from tiktok_events.web._cookies import SetCookie
from tiktok_events.web._pixel import payload
from tiktok_events.web._redirect import MAX_AGE, redirect_cookie
from tiktok_events.web._tracker import Tracker

_LOG = logging.getLogger("tiktok_events")
_LARGEST_HEADER = 3_000

Headers = list[tuple[bytes, bytes]]


def is_settled(tracker: Tracker) -> bool:
    """Whether an answer of *tracker* goes out as it is: nothing was tracked, and the visitor's cookie is fresh.

    So it is with most, which is why this looks at the text of three headers before anything is taken apart.
    """
    try:
        site = tracker.site
        if tracker.touched or tracker.carried or site.page_views:
            return False
        cookie, query, referrer = tracker.request.reader.traces()
        if "ttclid" in cookie or "ttclid=" in query or "ttclid=" in referrer:
            return False
        if not site.cookies.is_fresh(cookie, site.clock()):
            return False
        return site.takes_all_as_granted or tracker.consent is Consent.GRANTED
    except Exception:  # noqa: BLE001 - `amended` meets it again, and says it
        return False


def finish(tracker: Tracker, status: int, headers: Headers) -> Headers:
    """*headers* with what *tracker* adds; the very same when that is nothing."""
    return headers if is_settled(tracker) else amended(tracker, status, headers)


def amended(tracker: Tracker, status: int, headers: Headers) -> Headers:
    """The same for an answer that is not settled. Whatever goes wrong is logged, and the page goes out as it was."""
    try:
        return _amended(tracker, status, headers)
    except Exception as error:  # noqa: BLE001 - no page fails for its tracking
        _LOG.error("a response went out without cookies: %s", type(error).__name__)  # no values
        return headers


def _amended(tracker: Tracker, status: int, headers: Headers) -> Headers:
    if not tracker.enabled or status == 304 or status < 200:
        return headers
    is_html = status < 300 and _is_html(headers)
    if tracker.site.page_views:
        tracker.answered(is_html=is_html)
    added = tracker.cookies(is_page=is_html or 300 <= status < 400)
    told: Headers = []
    if tracker.touched or tracker.carried:
        added += _carried_over(tracker)
        told = _told(tracker)
    written = _names_written(headers)
    more = [(b"set-cookie", one.header().encode("ascii")) for one in added if one.name not in written]
    if told and b"tiktok-events" not in [name.lower() for name, _ in headers]:
        more += told
    return _private(headers) + more if more or tracker.touched else headers


def _carried_over(tracker: Tracker) -> list[SetCookie]:
    """The redirect cookie, for calls that this answer could not render."""
    if visits.is_fragment(tracker.request) or tracker.consent is Consent.DENIED:
        return []
    name, secure = cookies.REDIRECT_COOKIE, tracker.site.is_secure(tracker.request)
    if tracker.consent is Consent.GRANTED and tracker.calls:
        site = tracker.site
        value = redirect_cookie(site.redirects, tracker.waiting(), now=site.clock())
        return [SetCookie(name, value, MAX_AGE, http_only=True, secure=secure)] if value else []
    if tracker.carried and tracker.request.cookie_values(name):
        return [SetCookie(name, "", 0, http_only=True, secure=secure)]
    return []


def _told(tracker: Tracker) -> Headers:
    """The calls in a header, for the script that asked for a fragment or data; the newest, if they are too many."""
    if not tracker.calls or not visits.is_fragment(tracker.request) or not visits.is_same_site(tracker.request):
        return []
    calls = [payload(call) for call in tracker.calls]
    while calls:
        told = json.dumps(calls, ensure_ascii=True)
        if len(told) <= _LARGEST_HEADER:
            return [(b"tiktok-events", told.encode("ascii"))]
        calls = calls[1:]
    return []


def _names_written(headers: Headers) -> list[str]:
    written = [value for name, value in headers if name.lower() == b"set-cookie"]
    return [value.partition(b"=")[0].strip().decode("latin-1") for value in written]


def _is_html(headers: Headers) -> bool:
    return b"text/html" in [value[:9].lower() for name, value in headers if name.lower() == b"content-type"]


def _private(headers: Headers) -> Headers:
    """*headers* that keep shared caches from giving one visitor's answer to the next; `no-store` would cost bfcache."""
    given = [value for name, value in headers if name.lower() == b"cache-control"]
    if not given:
        return [*headers, (b"cache-control", b"private")]
    directives = [part.strip() for part in b",".join(given).decode("latin-1").split(",") if part.strip()]
    names = {part.partition("=")[0].lower() for part in directives}
    if {"private", "no-store"} & names:
        return headers
    kept = [part for part in directives if part.partition("=")[0].lower() not in ("public", "s-maxage")]
    rest = [one for one in headers if one[0].lower() != b"cache-control"]
    return [*rest, (b"cache-control", ", ".join(["private", *kept]).encode("latin-1"))]
