"""Hostile identifiers through both middlewares: injected, too long or not text. None is stored, and the event is sent."""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message
from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Any
from urllib.request import Request

import markers
import pytest
from hostile_requests import HTML, OURS, Answer, View, check_only_added, over_asgi, over_wsgi
from test_web_cookies import INJECTIONS
from web_requests import BROWSER, NOW_MS, VISITOR_COOKIE, a_site, sent_by

import tiktok_events as tt
from tiktok_events.testing import SOURCE
from tiktok_events.web import Site, TemplateVariable


@pytest.fixture(params=[over_asgi, over_wsgi], ids=["asgi", "wsgi"])
def send(request: pytest.FixtureRequest) -> Callable[..., Answer]:
    """Send a request to a view through the ASGI or the WSGI middleware."""

    def send_request(
        site: Site | None = None,
        view: View = lambda tracker: tracker.track("Lead"),
        *,
        headers: dict[str, bytes] | None = None,
        query: bytes = b"",
        method: str = "GET",
        path: str = "/buy",
    ) -> Answer:
        sent = {name: value.encode("latin-1") for name, value in BROWSER.items()} | (headers or {})
        raw = [(name.encode(), value) for name, value in sent.items()]
        answer: Answer = request.param(site or a_site(), view, raw, query, method, path, Answer(200, HTML, []))
        return answer

    return send_request


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.reference("8.5.2b", "8.5.2c")
def test_a_cookie_jar_keeps_nothing_that_was_injected(send: Any, text: str) -> None:
    """From query, cookies and Referer: a browser has only our cookies, for this host."""
    raw = text.encode()
    cookie = b"; ".join(b"%s=%s" % (name, raw) for name in (b"_tte_id", b"ttclid", b"_ttp", b"_tte_next", b"agreed"))
    referer = b"https://shop.example/?ttclid=" + raw
    answer = send(
        query=b"ttclid=" + raw.replace(b"&", b"%26"),
        headers={"cookie": cookie, "referer": referer},
    )
    message = Message()
    for cookie_text in answer.cookies:
        message["set-cookie"] = cookie_text.decode("ascii")
    jar = CookieJar()
    response: Any = SimpleNamespace(info=lambda: message)
    jar.extract_cookies(response, Request("https://shop.example/buy"))

    assert {cookie.name.encode() for cookie in jar} <= OURS
    assert {(cookie.domain, cookie.domain_specified, cookie.path) for cookie in jar} <= {("shop.example", False, "/")}
    assert not any(set("\r\n\0;") & set(one.decode()[: one.index(b"; Path=/")]) for one in answer.cookies)


def test_a_flood_of_headers_is_handled(send: Any) -> None:
    """5,000 cookies, hops, languages and parameters: the response is sent, and our values are found among them."""
    site = a_site(trusted_proxies=["10.0.0.0/8", "9.9.9.0/24"])
    flood = {f"x-flood-{index}": b"z" * 100 for index in range(5_000)}
    answer = send(
        site,
        query=b"&".join([b"a=1"] * 5_000),
        headers={
            **flood,
            "cookie": b"a=b; " * 5_000 + f"{VISITOR_COOKIE}; ttclid={markers.TTCLID}.{NOW_MS}".encode(),
            "x-forwarded-for": b"8.8.4.4, " * 5_000 + b"8.8.8.8, " + b"10.0.0.1, " * 100 + b"10.0.0.2",
            "accept-language": b"de-AT, " * 5_000,
            "referer": b"https://shop.example/?" + b"ttclid=&" * 5_000,
        },
    )
    (event,) = sent_by(site)

    check_only_added(HTML, answer.headers)
    assert event.user is not None
    assert (event.user.ttclid, event.user.ip, event.user.locale) == (markers.TTCLID, "8.8.8.8", "de-AT")


@pytest.mark.parametrize("place", ["query", "cookie", "referer"])
def test_a_click_id_of_10_kb_is_ignored(send: Any, place: str) -> None:
    """It is not cut, stored or sent; the event is sent."""
    site = a_site()
    long = b"z" * 10_240
    sent: dict[str, Any] = {
        "query": {"query": b"ttclid=" + long},
        "cookie": {"headers": {"cookie": b"ttclid=" + long}},
        "referer": {"headers": {"referer": b"https://shop.example/?ttclid=" + long}},
    }[place]
    answer = send(site, **sent)
    (event,) = sent_by(site)

    assert event.user is not None
    assert event.user.ttclid is None
    assert [one.partition(b"=")[0] for one in answer.cookies] == [b"_tte_id", b"_tte_next"]


def test_identifier_cookies_stay_below_2_kb(send: Any) -> None:
    """With the longest click id and domain: all headers of a response share a limit."""
    domain = f"{'a' * 60}.{'b' * 60}.example"
    site = a_site(cookie_domains=[domain])
    answer = send(site, view=lambda tracker: None, query=b"ttclid=" + b"z" * 1_000, headers={"host": domain.encode()})

    assert [one.partition(b"=")[0] for one in answer.cookies] == [b"_tte_id", b"ttclid"]
    assert sum(len(b"set-cookie: " + one) for one in answer.cookies) < 2_048


BAD_UTF_8 = [b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xf0\x9f", b"%ff%fe", b"%c3%28", b"%ed%a0%80", b"\x80"]


@pytest.mark.parametrize("text", BAD_UTF_8)
def test_bad_utf_8_is_no_identifier_and_no_error(send: Any, text: bytes) -> None:
    """In URL, cookies and headers: it is in no id, and the event can still be encoded."""
    site = a_site()
    headers = dict.fromkeys(("referer", "accept-language", "hx-current-url", "x-forwarded-for"), b"zzpii" + text)
    answer = send(
        site,
        lambda tracker: (tracker.track("Lead"), TemplateVariable(tracker).pixel()),
        path="/buy/\udcff\ufffd",
        query=b"ttclid=zzpii" + text,
        headers={**headers, "cookie": b"ttclid=zzpii%s; _ttp=zzpii%s; _tte_next=%s; %s=%s" % ((text,) * 5)},
    )
    (event,) = sent_by(site)

    check_only_added(HTML, answer.headers)
    assert event.user is not None
    assert (event.user.ttclid, event.user.ttp, event.user.locale) == ("zzpii", None, None)
    assert event.page is not None
    assert event.page.url is not None
    assert event.page.url.isascii()
    assert tt.encode(SOURCE, [event])
