"""Headers of a response: cookies, `TikTok-Events` for scripts, and `Cache-Control`."""

from __future__ import annotations

import json
import logging

from tiktok_events._events.normalize.click_ids import has_click_id
from tiktok_events.web._page.pixel import payload
from tiktok_events.web._page.redirect import MAX_AGE, redirect_cookie_value
from tiktok_events.web._request import request_kind
from tiktok_events.web._tracking.page_view import send_page_view
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor import cookies
from tiktok_events.web._visitor.consent import Consent
from tiktok_events.web._visitor.cookies import SetCookie

_LOG = logging.getLogger("tiktok_events")
_MAX_HEADER_LENGTH = 3_000

Headers = list[tuple[bytes, bytes]]


def needs_no_headers(tracker: Tracker) -> bool:
    """Whether the response needs no header of ours: nothing was tracked, and the visitor's cookie needs no refresh.

    True for most responses. It only searches the text of three headers, so that those responses parse nothing.
    """
    try:
        site = tracker.site
        if tracker.is_visitor_specific or tracker.has_read_redirect or site.page_views:
            return False
        cookie, query, referer = tracker.request.reader.cookie_query_referer()
        if "ttclid" in cookie or has_click_id(query) or has_click_id(referer):
            return False
        if not site.cookies.is_fresh(cookie, site.clock()):
            return False
        return site.has_no_consent_rule or tracker.consent is Consent.GRANTED
    except Exception:  # noqa: BLE001 - `with_our_headers` gets the same error and logs it
        return False


def add_headers(tracker: Tracker, status: int, headers: Headers) -> Headers:
    """The *headers* of a response and those that *tracker* adds; the same list if it adds none."""
    return headers if needs_no_headers(tracker) else with_our_headers(tracker, status, headers)


def with_our_headers(tracker: Tracker, status: int, headers: Headers) -> Headers:
    """`add_headers` without the check of `needs_no_headers`. An error is logged, and *headers* stay unchanged."""
    try:
        return _with_added_headers(tracker, status, headers)
    except Exception as error:  # noqa: BLE001 - tracking must not fail a response
        _LOG.error(
            "a response was sent without the cookies of tiktok-events: adding them raised %s", type(error).__name__
        )  # its message may hold values
        return headers


def _with_added_headers(tracker: Tracker, status: int, headers: Headers) -> Headers:
    if not tracker.enabled or status == 304 or status < 200:
        return headers
    is_html = status < 300 and _is_html(headers)
    if is_html and tracker.site.page_views:
        send_page_view(tracker)
    set_cookies = tracker.cookies(is_page=is_html or 300 <= status < 400)
    events_header: Headers = []
    if tracker.is_visitor_specific or tracker.has_read_redirect:
        set_cookies += _redirect_cookie(tracker)
        events_header = _events_header(tracker)
    app_cookies = _cookie_names(headers)
    added = [
        (b"set-cookie", cookie.header().encode("ascii")) for cookie in set_cookies if cookie.name not in app_cookies
    ]
    if events_header and b"tiktok-events" not in [name.lower() for name, _ in headers]:
        added += events_header
    return _private(headers) + added if added or tracker.is_visitor_specific else headers


def _redirect_cookie(tracker: Tracker) -> list[SetCookie]:
    """The redirect cookie with the calls that were not rendered, or its deletion after a page has rendered them."""
    if request_kind.is_fragment(tracker.request) or tracker.consent is Consent.DENIED:
        return []
    name, secure = cookies.REDIRECT_COOKIE, tracker.site.is_secure(tracker.request)
    if tracker.consent is Consent.GRANTED and tracker.calls:
        site = tracker.site
        value = redirect_cookie_value(site.redirect_signer, tracker.pending_calls(), now=site.clock())
        return [SetCookie(name, value, MAX_AGE, http_only=True, secure=secure)] if value else []
    if tracker.has_read_redirect and tracker.request.cookie_values(name):
        return [SetCookie(name, "", 0, http_only=True, secure=secure)]
    return []


def _events_header(tracker: Tracker) -> Headers:
    """The header `TikTok-Events`, for a script that requested a fragment or data. Too many calls drop the oldest."""
    if (
        not tracker.calls
        or not request_kind.is_fragment(tracker.request)
        or not request_kind.is_same_site(tracker.request)
    ):
        return []
    calls = [payload(call) for call in tracker.calls]
    while calls:
        header = json.dumps(calls, ensure_ascii=True)
        if len(header) <= _MAX_HEADER_LENGTH:
            return [(b"tiktok-events", header.encode("ascii"))]
        calls = calls[1:]
    return []


def _cookie_names(headers: Headers) -> list[str]:
    """The names of the cookies that the app itself sets."""
    values = [value for name, value in headers if name.lower() == b"set-cookie"]
    return [value.partition(b"=")[0].strip().decode("latin-1") for value in values]


def _is_html(headers: Headers) -> bool:
    return b"text/html" in [value[:9].lower() for name, value in headers if name.lower() == b"content-type"]


def _private(headers: Headers) -> Headers:
    """*headers* with `Cache-Control: private`, so that no shared cache stores the response.

    Not `no-store`, because that disables the browser's back/forward cache.
    """
    values = [value for name, value in headers if name.lower() == b"cache-control"]
    if not values:
        return [*headers, (b"cache-control", b"private")]
    directives = [part.strip() for part in b",".join(values).decode("latin-1").split(",") if part.strip()]
    names = {part.partition("=")[0].lower() for part in directives}
    if {"private", "no-store"} & names:
        return headers
    remaining = [part for part in directives if part.partition("=")[0].lower() not in ("public", "s-maxage")]
    others = [(name, value) for name, value in headers if name.lower() != b"cache-control"]
    return [*others, (b"cache-control", ", ".join(["private", *remaining]).encode("latin-1"))]
