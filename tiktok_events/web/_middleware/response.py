"""What an answer gets: cookies, the header of an answer without a page, and how far it may be cached."""

from __future__ import annotations

import json
import logging

from tiktok_events.web._page.pixel import payload
from tiktok_events.web._page.redirect import MAX_AGE, redirect_cookie
from tiktok_events.web._request import request_kind
from tiktok_events.web._tracking.page_view import send_page_view
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor import cookies
from tiktok_events.web._visitor.consent import Consent
from tiktok_events.web._visitor.cookies import SetCookie

_LOG = logging.getLogger("tiktok_events")
_LARGEST_HEADER = 3_000

Headers = list[tuple[bytes, bytes]]


def needs_no_headers(tracker: Tracker) -> bool:
    """Whether an answer of *tracker* goes out as it is: nothing was tracked, and the visitor's cookie is fresh.

    So it is with most, which is why this looks at the text of three headers before anything is taken apart.
    """
    try:
        site = tracker.site
        if tracker.is_visitor_specific or tracker.has_read_redirect or site.page_views:
            return False
        cookie, query, referrer = tracker.request.reader.traces()
        if "ttclid" in cookie or "ttclid=" in query or "ttclid=" in referrer:
            return False
        if not site.cookies.is_fresh(cookie, site.clock()):
            return False
        return site.has_no_consent_rule or tracker.consent is Consent.GRANTED
    except Exception:  # noqa: BLE001 - `with_our_headers` meets it again, and says it
        return False


def add_headers(tracker: Tracker, status: int, headers: Headers) -> Headers:
    """*headers* with what *tracker* adds; the very same when that is nothing."""
    return headers if needs_no_headers(tracker) else with_our_headers(tracker, status, headers)


def with_our_headers(tracker: Tracker, status: int, headers: Headers) -> Headers:
    """The same for an answer that is not settled. Whatever goes wrong is logged, and the page goes out as it was."""
    try:
        return _with_added_headers(tracker, status, headers)
    except Exception as error:  # noqa: BLE001 - no page fails for its tracking
        _LOG.error("a response went out without cookies: %s", type(error).__name__)  # no values
        return headers


def _with_added_headers(tracker: Tracker, status: int, headers: Headers) -> Headers:
    if not tracker.enabled or status == 304 or status < 200:
        return headers
    is_html = status < 300 and _is_html(headers)
    if is_html and tracker.site.page_views:
        send_page_view(tracker)
    added = tracker.cookies(is_page=is_html or 300 <= status < 400)
    header: Headers = []
    if tracker.is_visitor_specific or tracker.has_read_redirect:
        added += _redirect_cookie(tracker)
        header = _events_header(tracker)
    written = _names_written(headers)
    more = [(b"set-cookie", one.header().encode("ascii")) for one in added if one.name not in written]
    if header and b"tiktok-events" not in [name.lower() for name, _ in headers]:
        more += header
    return _private(headers) + more if more or tracker.is_visitor_specific else headers


def _redirect_cookie(tracker: Tracker) -> list[SetCookie]:
    """The redirect cookie, for calls that this answer could not render."""
    if request_kind.is_fragment(tracker.request) or tracker.consent is Consent.DENIED:
        return []
    name, secure = cookies.REDIRECT_COOKIE, tracker.site.is_secure(tracker.request)
    if tracker.consent is Consent.GRANTED and tracker.calls:
        site = tracker.site
        value = redirect_cookie(site.redirects, tracker.pending_calls(), now=site.clock())
        return [SetCookie(name, value, MAX_AGE, http_only=True, secure=secure)] if value else []
    if tracker.has_read_redirect and tracker.request.cookie_values(name):
        return [SetCookie(name, "", 0, http_only=True, secure=secure)]
    return []


def _events_header(tracker: Tracker) -> Headers:
    """The calls in a header, for the script that asked for a fragment or data; the newest, if they are too many."""
    if (
        not tracker.calls
        or not request_kind.is_fragment(tracker.request)
        or not request_kind.is_same_site(tracker.request)
    ):
        return []
    calls = [payload(call) for call in tracker.calls]
    while calls:
        header = json.dumps(calls, ensure_ascii=True)
        if len(header) <= _LARGEST_HEADER:
            return [(b"tiktok-events", header.encode("ascii"))]
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
