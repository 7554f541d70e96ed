"""Headers of a response: cookies, calls in the redirect cookie or in `TikTok-Events`, and Cache-Control."""

from __future__ import annotations

import json
from typing import Any

import markers
import pytest
from web_requests import CLICKED, NOW, SECRET, VISITOR_COOKIE, a_site, a_tracker, cookies_of, sent_by

from tiktok_events.web import CookiePolicy, Site, TemplateVariable, Tracker
from tiktok_events.web._middleware.response import add_headers

HTML = [(b"content-type", b"text/html")]
JSON = [(b"content-type", b"application/json")]
ORDER: Any = {
    "value": 12.5,
    "currency": "EUR",
    "description": "zzpii",
    "contents": [{"content_id": "sku-1", "content_name": "Zzpii", "price": 12.5, "quantity": 1}],
}


def cookie_after(site: Site, tracker: Tracker, status: int = 302) -> str:
    """The redirect cookie that the response of *tracker* sets, as the next request sends it."""
    return cookies_of(add_headers(tracker, status, [])).get("_tte_next", "").partition(";")[0]


@pytest.mark.parametrize(
    ("request_", "status", "headers", "written"),
    [
        ({}, 200, HTML, True),
        ({}, 302, [], True),
        ({}, 200, JSON, False),
        ({}, 404, HTML, False),
        pytest.param({}, 304, HTML, False, marks=pytest.mark.reference("8.5.6c")),
        ({}, 103, HTML, False),
        pytest.param({"method": "HEAD"}, 200, HTML, False, marks=pytest.mark.reference("8.5.6b")),
        ({"method": "OPTIONS"}, 200, HTML, False),
        ({"method": "POST"}, 200, HTML, False),
        pytest.param({"path": "/logo.png"}, 200, HTML, False, marks=pytest.mark.reference("8.5.6d")),
        pytest.param({"sec_purpose": "prefetch"}, 200, HTML, False, marks=pytest.mark.reference("8.5.6a")),
        pytest.param({"user_agent": "Googlebot/2.1 bot"}, 200, HTML, False, marks=pytest.mark.reference("8.5.6e")),
        ({"sec_fetch_dest": "empty"}, 200, HTML, False),
        ({"sec_fetch_dest": "image"}, 200, HTML, False),
    ],
)
def test_identifier_cookies_are_for_navigations(
    request_: dict[str, str], status: int, headers: list[tuple[bytes, bytes]], written: bool
) -> None:
    """A visitor's GET of a document, answered by a page or a redirect."""
    tracker = a_tracker(query=CLICKED, **request_)

    assert sorted(cookies_of(add_headers(tracker, status, list(headers)))) == (["_tte_id", "ttclid"] if written else [])


def test_cookies_may_be_written_on_any_response_of_the_same_site() -> None:
    """`write_on="any"` is for pages that Python does not serve."""
    site = a_site(cookies=CookiePolicy(write_on="any"))
    own = a_tracker(site, sec_fetch_dest="empty", sec_fetch_site="same-site")
    foreign = a_tracker(site, sec_fetch_dest="empty", sec_fetch_site="cross-site")

    assert list(cookies_of(add_headers(own, 200, list(JSON)))) == ["_tte_id"]
    assert cookies_of(add_headers(foreign, 200, list(JSON))) == {}


@pytest.mark.reference("8.5.6i")
def test_a_cookie_the_app_sets_wins() -> None:
    """An app that sets a cookie of that name has a reason."""
    app = [*HTML, (b"Set-Cookie", b"_tte_id=own; Path=/"), (b"set-cookie", b"_tte_next=own")]
    tracker = a_tracker(query=CLICKED)
    tracker.track("Lead")
    headers = add_headers(tracker, 200, list(app))
    written = [value.partition(b"=")[0] for name, value in headers if name.lower() == b"set-cookie"]

    assert headers[:3] == app
    assert written == [b"_tte_id", b"_tte_next", b"ttclid"]


@pytest.mark.parametrize(
    ("cache_control", "expected"),
    [
        ([], ["private"]),
        (["public, max-age=60"], ["private, max-age=60"]),
        (["s-maxage=600, max-age=60"], ["private, max-age=60"]),
        (["private, max-age=60"], ["private, max-age=60"]),
        (["no-store"], ["no-store"]),
        (["Public", "max-age=60, S-MaxAge=5"], ["private, max-age=60"]),
        (["no-cache, , must-revalidate"], ["private, no-cache, must-revalidate"]),
    ],
)
@pytest.mark.reference("8.5.9")
def test_cache_control(cache_control: list[str], expected: list[str]) -> None:
    """A response that depends on the visitor is private; `no-store` is never added, because it disables bfcache."""
    headers = [*HTML, *((b"Cache-Control", one.encode()) for one in cache_control)]
    new_headers = add_headers(a_tracker(), 200, headers)
    untouched = add_headers(a_tracker(cookie=VISITOR_COOKIE), 200, list(headers))

    assert [value.decode() for name, value in new_headers if name.lower() == b"cache-control"] == expected
    assert untouched == headers


@pytest.mark.reference("8.5.6c")
def test_a_304_stays_unchanged() -> None:
    """Its headers would replace those of the cached page."""
    tracker = a_tracker(query=CLICKED)
    tracker.track("ViewContent")

    assert add_headers(tracker, 304, [(b"etag", b"x")]) == [(b"etag", b"x")]


def test_a_redirect_passes_calls_on_once() -> None:
    """3.8: POST, redirect, thank-you page: the same name and id, and the properties for deduplication."""
    site = a_site()
    posted = a_tracker(site, method="POST", cookie=VISITOR_COOKIE)
    tracked = posted.track("Purchase", key="zzpii-1", properties=ORDER)
    written = cookies_of(add_headers(posted, 303, []))["_tte_next"]
    next_page = a_tracker(site, cookie=f"{VISITOR_COOKIE}; {written.partition(';')[0]}")
    (call,) = TemplateVariable(next_page).events()
    after = cookies_of(add_headers(next_page, 200, list(HTML)))

    assert "; HttpOnly" in written
    assert "; Max-Age=300;" in written
    assert (call["event"], call["event_id"]) == ("Purchase", tracked.event_id)
    assert call["params"] == {
        "value": 12.5,
        "currency": "EUR",
        "contents": [{"content_id": "sku-1", "price": 12.5, "quantity": 1}],
    }
    assert "; Max-Age=0;" in after["_tte_next"]
    assert (b"cache-control", b"private") in add_headers(next_page, 200, list(HTML))


def test_the_page_itself_may_track_the_same_order() -> None:
    """3.8: once per name and id, together with the calls of its own request."""
    site = a_site()
    posted = a_tracker(site, method="POST")
    posted.track("Purchase", key=1)
    next_page = a_tracker(site, cookie=cookie_after(site, posted))
    next_page.track("Purchase", key=1, server=False)
    next_page.track("Lead")
    snippet = TemplateVariable(next_page).pixel()

    assert snippet.count('"event":"Purchase"') == snippet.count('"event":"Lead"') == 1
    assert len(sent_by(site)) == 2


def test_a_second_redirect_keeps_the_calls_of_the_first() -> None:
    """Login, cart, checkout: calls that no page has rendered are passed on."""
    site = a_site()
    first = a_tracker(site, method="POST")
    first.track("CompleteRegistration")
    second = a_tracker(site, cookie=cookie_after(site, first))
    second.track("AddToCart")
    third = a_tracker(site, cookie=cookie_after(site, second))

    assert [one["event"] for one in TemplateVariable(third).events()] == ["CompleteRegistration", "AddToCart"]


def test_a_page_without_the_snippet_leaves_the_cookie() -> None:
    """It stays for 300 seconds, for a page that renders the pixel."""
    site = a_site()
    first = a_tracker(site, method="POST")
    first.track("Lead")
    other = a_tracker(site, cookie=f"{VISITOR_COOKIE}; {cookie_after(site, first)}")

    assert add_headers(other, 200, list(HTML)) == HTML


@pytest.mark.parametrize("tampering", ["", "cut", "flip", "old", "foreign", "snapshot", "shape"])
def test_an_invalid_redirect_cookie_is_ignored_quietly(tampering: str, caplog: pytest.LogCaptureFixture) -> None:
    """3.8: empty, cut, changed, old, or signed with another secret: not rendered, not logged, expired."""
    site = a_site()
    first = a_tracker(site, method="POST")
    first.track("Lead")
    value = cookie_after(site, first).partition("=")[2]
    value = {
        "": "",
        "cut": value[:20],
        "flip": value[:-2] + ("A" if value[-2] != "A" else "B") + value[-1],
        "snapshot": site.snapshot_signer.sign([["Lead", "1", {}, False]], now=NOW),
        "shape": site.redirect_signer.sign({"zzpii": 1}, now=NOW),
    }.get(tampering, value)
    age = 301 if tampering == "old" else 0
    secret = "another secret of tests" if tampering == "foreign" else SECRET
    reader = a_site(clock=lambda: NOW + age, secret_key=secret)
    tracker = a_tracker(reader, cookie=f"{VISITOR_COOKIE}; _tte_next={value}")
    caplog.clear()

    assert TemplateVariable(tracker).events() == []
    assert "; Max-Age=0;" in cookies_of(add_headers(tracker, 200, list(HTML)))["_tte_next"]
    assert caplog.records == []


def test_a_redirect_cookie_keeps_below_its_limit() -> None:
    """3.8: at most 3,000 bytes: first items are dropped, then the oldest calls."""
    site = a_site()
    many = [{"content_id": f"{index * 7919:x}" * 3, "price": index / 7, "quantity": index} for index in range(400)]
    tracker = a_tracker(site, method="POST")
    tracker.track("Purchase", key=1, properties={"value": 1, "currency": "EUR", "contents": many})
    cookie = cookie_after(site, tracker)
    for index in range(200):
        tracker.track("AddToCart", key=index)
    crowded = cookie_after(site, tracker)
    names = [one["event_id"] for one in TemplateVariable(a_tracker(site, cookie=crowded)).events()]

    assert len(cookie) < len(crowded) <= 3_010
    assert "contents" not in TemplateVariable(a_tracker(site, cookie=cookie)).events()[0]["params"]
    assert names[-1] == tracker.event_id("AddToCart", key=199)
    assert 10 < len(names) < 200


def test_a_call_too_long_for_a_cookie_is_dropped() -> None:
    """No header of that size, and no error."""
    import random

    long_name = "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", k=9_000))
    tracker = a_tracker(method="POST")
    tracker.track(long_name)

    assert cookies_of(add_headers(tracker, 302, [])) == {}


def test_without_a_secret_there_is_no_redirect_cookie(caplog: pytest.LogCaptureFixture) -> None:
    """3.10: off, with one warning."""
    site = a_site(secret_key=None)
    for _ in range(2):
        tracker = a_tracker(site, method="POST")
        tracker.track("Lead")

        assert cookies_of(add_headers(tracker, 302, [])) == {}
    assert TemplateVariable(a_tracker(site, cookie="_tte_next=x")).events() == []


def test_a_call_in_a_json_body_is_not_in_the_redirect_cookie() -> None:
    """3.7: a call whose `payload` was read counts as rendered."""
    tracker = a_tracker(method="POST")
    tracked = tracker.track("AddToCart", properties=ORDER)

    assert json.dumps(tracked.payload)
    assert cookies_of(add_headers(tracker, 200, list(JSON))) == {}


FETCH = {"method": "POST", "sec_fetch_dest": "empty", "sec_fetch_mode": "cors"}


def test_a_fetch_gets_its_calls_in_a_header() -> None:
    """3.7: ASCII JSON for the static script, and no cookie, for any text."""
    tracker = a_tracker(**FETCH)
    tracked = tracker.track("Search", properties={"query": "sch\u00f6n \u2028 \r\n"})
    headers = add_headers(tracker, 200, list(JSON))
    (header,) = [value for name, value in headers if name == b"tiktok-events"]

    assert json.loads(header)[0]["event_id"] == tracked.event_id
    assert header.isascii()
    assert b"\n" not in header
    assert cookies_of(headers) == {}
    assert add_headers(tracker, 200, list(JSON)) == headers


def test_a_header_is_the_apps_if_it_set_one() -> None:
    """And a cross-site fetch gets none."""
    own = [*JSON, (b"TikTok-Events", b"[]")]
    tracker = a_tracker(**FETCH)
    tracker.track("Lead")
    foreign = a_tracker(**FETCH, sec_fetch_site="cross-site")
    foreign.track("Lead")

    assert add_headers(tracker, 200, list(own))[:2] == own
    assert not any(name == b"tiktok-events" for name, _ in add_headers(tracker, 200, list(own)))
    assert not any(name == b"tiktok-events" for name, _ in add_headers(foreign, 200, list(JSON)))


def test_a_header_holds_3_kb_at_most() -> None:
    """3.7: if there are too many calls, the newest ones."""
    tracker = a_tracker(**FETCH)
    for index in range(100):
        last = tracker.track("AddToCart", key=index, properties=ORDER)
    header = dict(add_headers(tracker, 200, list(JSON)))[b"tiktok-events"]
    alone = a_tracker(**FETCH)
    alone.track("Search", properties={"query": "z" * 3_000})

    assert len(header) <= 3_000
    assert json.loads(header)[-1]["event_id"] == last.event_id
    assert b"tiktok-events" not in dict(add_headers(alone, 200, list(JSON)))


def test_an_internal_error_leaves_the_response_unchanged(caplog: pytest.LogCaptureFixture) -> None:
    """One line in the log, without values."""

    def broken() -> float:
        raise OSError(markers.EMAIL)

    tracker = a_tracker(a_site(clock=broken))

    assert add_headers(tracker, 200, list(HTML)) == HTML
    assert [record.getMessage() for record in caplog.records] == [
        "a response was sent without the cookies of tiktok-events: adding them raised OSError"
    ]
