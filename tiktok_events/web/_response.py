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


def finish(tracker: Tracker, status: int, headers: Headers) -> Headers:
    """*headers* with what *tracker* adds. Whatever goes wrong here is logged, and the page goes out as it was."""
    try:
        return _finished(tracker, status, headers)
    except Exception as error:  # noqa: BLE001 - no page fails for its tracking
        _LOG.error("a response went out without cookies: %s", type(error).__name__)  # no values
        return headers


def _finished(tracker: Tracker, status: int, headers: Headers) -> Headers:
    if not tracker.enabled or status == 304 or status < 200:
        return headers
    given = {name.lower() for name, _ in headers}
    written = _names_written(headers)
    is_html = status < 300 and _is_html(headers)
    is_page = is_html or 300 <= status < 400
    if tracker.site.page_views:
        tracker.answered(is_html=is_html)
    added = [one for one in tracker.cookies(is_page=is_page) if one.name not in written]
    added += _carried_over(tracker, written)
    more: Headers = [(b"set-cookie", one.header().encode("ascii")) for one in added]
    if visits.is_fragment(tracker.request) and visits.is_same_site(tracker.request) and b"tiktok-events" not in given:
        more += _told(tracker)
    if more or tracker.touched:
        headers = _private(headers)
    return headers + more


def _carried_over(tracker: Tracker, written: set[str]) -> list[SetCookie]:
    """The redirect cookie, for calls that this answer could not render."""
    name = cookies.REDIRECT_COOKIE
    if name in written or visits.is_fragment(tracker.request) or tracker.consent is Consent.DENIED:
        return []
    secure = tracker.site.is_secure(tracker.request)
    if tracker.consent is Consent.GRANTED and tracker.calls:
        site = tracker.site
        value = redirect_cookie(site.redirects, tracker.waiting(), now=site.clock())
        return [SetCookie(name, value, MAX_AGE, http_only=True, secure=secure)] if value else []
    if tracker.carried and name in tracker.request.all_cookies:
        return [SetCookie(name, "", 0, http_only=True, secure=secure)]
    return []


def _told(tracker: Tracker) -> Headers:
    """The calls in a header, for the script that asked for a fragment or data; the newest, if they are too many."""
    calls = [payload(call) for call in tracker.calls]
    while calls:
        told = json.dumps(calls, ensure_ascii=True)
        if len(told) <= _LARGEST_HEADER:
            return [(b"tiktok-events", told.encode("ascii"))]
        calls = calls[1:]
    return []


def _names_written(headers: Headers) -> set[str]:
    written = (value for name, value in headers if name.lower() == b"set-cookie")
    return {value.partition(b"=")[0].strip().decode("latin-1") for value in written}


def _is_html(headers: Headers) -> bool:
    return any(name.lower() == b"content-type" and value.lower().startswith(b"text/html") for name, value in headers)


def _private(headers: Headers) -> Headers:
    """*headers* that keep shared caches from giving one visitor's answer to the next; `no-store` would cost bfcache."""
    directives: list[str] = []
    rest: Headers = []
    for name, value in headers:
        if name.lower() == b"cache-control":
            directives += [part.strip() for part in value.decode("latin-1").split(",") if part.strip()]
        else:
            rest.append((name, value))
    names = {part.partition("=")[0].lower() for part in directives}
    if {"private", "no-store"} & names:
        return headers
    kept = [part for part in directives if part.partition("=")[0].lower() not in ("public", "s-maxage")]
    return [*rest, (b"cache-control", ", ".join(["private", *kept]).encode("latin-1"))]
