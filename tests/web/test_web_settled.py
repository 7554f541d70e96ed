"""Fast paths of a request: each gives the result of the complete path."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import markers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from web_requests import BROWSER, CLICKED, DAY, NOW_MS, VISITOR, VISITOR_COOKIE, a_request, a_site, a_tracker

from tiktok_events.web import ASGIMiddleware, Consent, CookiePolicy, WebRequest, WSGIMiddleware
from tiktok_events.web._middleware.response import add_headers, needs_no_headers, with_our_headers

HTML = [(b"content-type", b"text/html")]
OLD = f"_tte_id=1.{NOW_MS - 31 * DAY * 1000:013d}.{VISITOR}"
PIECES = st.sampled_from([
    *(VISITOR_COOKIE, OLD, f'_tte_id="{VISITOR_COOKIE[8:]}"', f"x{VISITOR_COOKIE}", f"a {VISITOR_COOKIE}"),
    *(f"{VISITOR_COOKIE}0", "_tte_id=", "_tte_id", f"_tte_id = {VISITOR_COOKIE[8:]} ", "ttclid=zzpii-bare"),
    *(f"ttclid=zzpii-kept.{NOW_MS - 1}", f"ttclid=zzpii-over.{NOW_MS - 29 * DAY * 1000}", "a=b", "_tte_next=zzpii"),
    *("ttclid", '"', "=", "\x85_tte_id=1", "a=_tte_id=1"),
])
COOKIES = st.lists(st.tuples(PIECES, st.sampled_from(["; ", ";", " ; ", ";;"])), max_size=5).map(
    lambda pairs: "".join(piece + between for piece, between in pairs)
)


@example(cookie=f"x{VISITOR_COOKIE}", query="", referer="", answer=True, status=200)
@example(cookie=f"a=b; x{VISITOR_COOKIE}", query="", referer="", answer=True, status=200)
@example(cookie=f"a=b c; d {VISITOR_COOKIE}", query="", referer="", answer=True, status=200)
@given(
    cookie=COOKIES,
    query=st.sampled_from(["", CLICKED, "a=1", "xttclid=zzpii"]),
    referer=st.sampled_from(["", f"https://shop.example/?{CLICKED}", "https://search.example/"]),
    answer=st.sampled_from([True, False, None]),
    status=st.sampled_from([200, 302, 404]),
)
def test_needs_no_headers_agrees_with_with_our_headers(
    cookie: str, query: str, referer: str, answer: bool | None, status: int
) -> None:
    """For any values of the three headers: a response that needs no headers would get none."""
    tracker = a_tracker(a_site(consent=lambda request: answer), query=query, cookie=cookie, referer=referer)
    unchanged = needs_no_headers(tracker)

    assert not unchanged or with_our_headers(tracker, status, HTML) is HTML
    assert add_headers(tracker, status, HTML) == with_our_headers(tracker, status, HTML)


@pytest.mark.parametrize("before", ["", "a=b; ", "a=b; c=d; "])
@pytest.mark.parametrize("after", ["", "; a=b"])
def test_a_returning_visitor_needs_no_headers(before: str, after: str) -> None:
    """Wherever our cookie stands among others; this is the case that must be fast."""
    assert needs_no_headers(a_tracker(cookie=before + VISITOR_COOKIE + after))
    assert needs_no_headers(a_tracker(a_site(consent=None), cookie=before + VISITOR_COOKIE + after))
    assert not needs_no_headers(a_tracker(cookie=before + OLD + after))


@pytest.mark.parametrize(
    "settings", [{"page_views": True}, {"consent": lambda request: None}, {"consent": None, "gpc": "deny"}]
)
def test_page_views_and_unknown_consent_need_headers(settings: dict[str, Any]) -> None:
    """A page view to send, or a visitor without consent."""
    assert not needs_no_headers(a_tracker(a_site(**settings), cookie=VISITOR_COOKIE, sec_gpc="1"))


def test_tracked_calls_and_denied_consent_need_headers() -> None:
    """Calls for the redirect cookie, cookies to expire."""
    tracked, refused = a_tracker(cookie=VISITOR_COOKIE), a_tracker(cookie=VISITOR_COOKIE)
    tracked.track("Lead")
    refused.revoke_consent()

    assert not needs_no_headers(tracked)
    assert not needs_no_headers(refused)


def test_the_consent_rule_is_not_called_without_need() -> None:
    """A rule may query a database. A JSON response to a visitor without our cookies does not need it."""
    calls: list[object] = []
    site = a_site(consent=lambda request: calls.append(request) or True)
    add_headers(a_tracker(site, sec_fetch_dest="empty"), 200, [(b"content-type", b"application/json")])

    assert calls == []


@given(COOKIES, st.sampled_from(["_tte_id", "ttclid", "a", "", "="]))
def test_cookie_values_equals_all_cookies(header: str, name: str) -> None:
    """Reading one name gives the same values as parsing the whole header."""
    request = a_request(cookie=header)

    assert request.cookie_values(name) == request.all_cookies.get(name, ())


@given(COOKIES)
def test_a_visitor_is_the_first_well_formed_cookie(header: str) -> None:
    """The pattern on the whole header finds the same cookie as the parsed values."""
    request = a_request(cookie=header)
    values = request.all_cookies.get("_tte_id", ())
    found = next(filter(None, (re.fullmatch(r"1\.([0-9]{13})\.([0-9a-f]{32})", value) for value in values)), None)
    visitor = CookiePolicy().read_visitor(request.header("cookie"))

    assert (visitor and (str(visitor.written_ms), visitor.visitor_id)) == (found and found.groups())


async def _no_receive() -> Any:
    raise AssertionError


def through_asgi(site: Any, cookie: str) -> tuple[Any, Any, list[Any]]:
    """The message that the app sends, the `send` it gets, and the messages that the server gets."""
    message = {"type": "http.response.start", "status": 200, "headers": list(HTML)}
    sent: list[Any] = []
    sends: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        sends.append(send)
        await send(message)

    async def server(message: Any) -> None:
        sent.append(message)

    headers = [(name.encode(), value.encode()) for name, value in {**BROWSER, "cookie": cookie}.items()]
    scope = {"type": "http", "method": "GET", "scheme": "https", "path": "/buy", "headers": headers}
    asyncio.run(ASGIMiddleware(app, site)(scope, _no_receive, server))
    return message, sends[0] is server, sent


def test_an_unchanged_message_is_not_copied() -> None:
    """A message that gets headers is copied, because the original belongs to the app."""
    unchanged, _, sent = through_asgi(a_site(), VISITOR_COOKIE)
    other, _, amended_ = through_asgi(a_site(), "a=b")

    assert sent[0] is unchanged
    assert amended_[0] is not other
    assert other["headers"] == HTML


def test_a_site_that_is_off_wraps_nothing() -> None:
    """The app gets the server's own `send` and `start_response`, and a tracker that does nothing."""
    site = a_site(enabled=False)
    _, is_servers, sent = through_asgi(site, VISITOR_COOKIE)

    def app(environ: Any, start_response: Any) -> Any:
        return environ["tiktok_events.tracker"].enabled, start_response

    assert (is_servers, len(sent)) == (True, 1)
    assert WSGIMiddleware(app, site)({}, _no_receive) == (False, _no_receive)


def test_a_request_is_readable_after_the_scope_is_removed() -> None:
    """A background task still reads its request: the reader has a copy, without the tracker."""
    scope: Any = {"type": "http", "path": "/a b", "query_string": b"q=1", "client": (markers.IP, 1), "headers": []}
    environ: Any = {"PATH_INFO": "/a b", "QUERY_STRING": "q=1", "REMOTE_ADDR": markers.IP}
    requests = [WebRequest.from_scope(scope), WebRequest.from_environ(environ)]
    scope.clear()
    environ.clear()

    assert [(one.path, one.query, one.peer) for one in requests] == [("/a%20b", "q=1", markers.IP)] * 2


def test_bots_are_detected_once_per_request() -> None:
    """For the event and for the cookie."""
    tracker = a_tracker(user_agent="Googlebot/2.1", cookie="a=b")

    assert tracker.is_bot_or_prefetch
    assert tracker.track("ViewContent").reason == "bot"
    assert add_headers(tracker, 200, HTML) == HTML
    assert tracker.consent is Consent.GRANTED
