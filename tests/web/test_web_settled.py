"""The short ways through a request: each must tell what the long one tells."""

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
def test_a_settled_answer_is_one_that_gets_nothing(
    cookie: str, query: str, referer: str, answer: bool | None, status: int
) -> None:
    """Whatever the three headers say: what is taken as settled unread would get nothing when read."""
    tracker = a_tracker(a_site(consent=lambda request: answer), query=query, cookie=cookie, referer=referer)
    settled = needs_no_headers(tracker)

    assert not settled or with_our_headers(tracker, status, HTML) is HTML
    assert add_headers(tracker, status, HTML) == with_our_headers(tracker, status, HTML)


@pytest.mark.parametrize("before", ["", "a=b; ", "a=b; c=d; "])
@pytest.mark.parametrize("after", ["", "; a=b"])
def test_a_visitor_who_comes_back_needs_no_headers(before: str, after: str) -> None:
    """As browsers send cookies, wherever among them ours stands; that is the case that must cost nothing."""
    assert needs_no_headers(a_tracker(cookie=before + VISITOR_COOKIE + after))
    assert needs_no_headers(a_tracker(a_site(consent=None), cookie=before + VISITOR_COOKIE + after))
    assert not needs_no_headers(a_tracker(cookie=before + OLD + after))


@pytest.mark.parametrize(
    "settings", [{"page_views": True}, {"consent": lambda request: None}, {"consent": None, "gpc": "deny"}]
)
def test_a_site_that_has_more_to_say_is_not_settled(settings: dict[str, Any]) -> None:
    """A page view to send, or a visitor who has not agreed."""
    assert not needs_no_headers(a_tracker(a_site(**settings), cookie=VISITOR_COOKIE, sec_gpc="1"))


def test_whoever_tracked_or_was_refused_is_not_settled() -> None:
    """A call to carry over, cookies to expire."""
    tracked, refused = a_tracker(cookie=VISITOR_COOKIE), a_tracker(cookie=VISITOR_COOKIE)
    tracked.track("Lead")
    refused.revoke_consent()

    assert not needs_no_headers(tracked)
    assert not needs_no_headers(refused)


def test_consent_is_not_asked_where_nothing_depends_on_it() -> None:
    """A rule may look into a database: an answer of data to who has no cookie of ours leaves it alone."""
    asked: list[object] = []
    site = a_site(consent=lambda request: asked.append(request) or True)
    add_headers(a_tracker(site, sec_fetch_dest="empty"), 200, [(b"content-type", b"application/json")])

    assert asked == []


@given(COOKIES, st.sampled_from(["_tte_id", "ttclid", "a", "", "="]))
def test_one_cookie_is_read_as_all_are(header: str, name: str) -> None:
    """The values of a name are those that taking the whole header apart gives."""
    request = a_request(cookie=header)

    assert request.cookie_values(name) == request.all_cookies.get(name, ())


@given(COOKIES)
def test_a_visitor_is_the_first_well_formed_cookie(header: str) -> None:
    """The pattern that looks at the whole header finds what the values say."""
    request = a_request(cookie=header)
    values = request.all_cookies.get("_tte_id", ())
    found = next(filter(None, (re.fullmatch(r"1\.([0-9]{13})\.([0-9a-f]{32})", value) for value in values)), None)
    visitor = CookiePolicy().read_visitor(request.header("cookie"))

    assert (visitor and (str(visitor.written_ms), visitor.visitor_id)) == (found and found.groups())


async def _no_receive() -> Any:
    raise AssertionError


def through_asgi(site: Any, cookie: str) -> tuple[Any, Any, list[Any]]:
    """The message an app sends, the `send` it is given, and what the server gets."""
    message = {"type": "http.response.start", "status": 200, "headers": list(HTML)}
    sent: list[Any] = []
    given: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        given.append(send)
        await send(message)

    async def server(one: Any) -> None:
        sent.append(one)

    headers = [(name.encode(), value.encode()) for name, value in {**BROWSER, "cookie": cookie}.items()]
    scope = {"type": "http", "method": "GET", "scheme": "https", "path": "/buy", "headers": headers}
    asyncio.run(ASGIMiddleware(app, site)(scope, _no_receive, server))
    return message, given[0] is server, sent


def test_a_settled_message_is_passed_on_itself() -> None:
    """No copy where nothing is added; one where there is, for the app's own is the app's."""
    settled, _, sent = through_asgi(a_site(), VISITOR_COOKIE)
    other, _, amended_ = through_asgi(a_site(), "a=b")

    assert sent[0] is settled
    assert amended_[0] is not other
    assert other["headers"] == HTML


def test_a_site_that_is_off_stands_in_nobodys_way() -> None:
    """The app has the server's own `send` and `start_response`, and a tracker that does nothing."""
    site = a_site(enabled=False)
    _, is_servers, sent = through_asgi(site, VISITOR_COOKIE)

    def app(environ: Any, start_response: Any) -> Any:
        return environ["tiktok_events.tracker"].enabled, start_response

    assert (is_servers, len(sent)) == (True, 1)
    assert WSGIMiddleware(app, site)({}, _no_receive) == (False, _no_receive)


def test_a_request_is_readable_after_the_servers_own_is_gone() -> None:
    """A task that outlives its request still reads who asked: what is kept is a copy, and holds no tracker."""
    scope: Any = {"type": "http", "path": "/a b", "query_string": b"q=1", "client": (markers.IP, 1), "headers": []}
    environ: Any = {"PATH_INFO": "/a b", "QUERY_STRING": "q=1", "REMOTE_ADDR": markers.IP}
    requests = [WebRequest.from_scope(scope), WebRequest.from_environ(environ)]
    scope.clear()
    environ.clear()

    assert [(one.path, one.query, one.peer) for one in requests] == [("/a%20b", "q=1", markers.IP)] * 2


def test_bots_are_told_once_a_request() -> None:
    """For the event and for the cookie alike."""
    tracker = a_tracker(user_agent="Googlebot/2.1", cookie="a=b")

    assert tracker.is_bot_or_prefetch
    assert tracker.track("ViewContent").reason == "bot"
    assert add_headers(tracker, 200, HTML) == HTML
    assert tracker.consent is Consent.GRANTED
