"""Hostile requests through both middlewares: an answer is added to and never changed, whatever came."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import Message
from http.cookiejar import CookieJar
from types import SimpleNamespace
from typing import Any
from urllib.request import Request

import markers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_web_cookies import INJECTIONS
from web_requests import BROWSER, NOW_MS, VISITOR_COOKIE, a_site, sent_by

import tiktok_events as tt
from tiktok_events.testing import SOURCE
from tiktok_events.web import ASGIMiddleware, ConsentCookie, Site, Tracker, WSGIMiddleware, tracker_from

Headers = list[tuple[bytes, bytes]]
View = Callable[[Tracker], object]
OURS = {b"_tte_id", b"ttclid", b"_tte_next"}
HTML: Headers = [(b"content-type", b"text/html; charset=utf-8")]


class Answer:
    """What a server was given to send."""

    def __init__(self, status: int, headers: Headers, rest: list[Any]) -> None:
        self.status = status
        self.headers = headers
        self.rest = rest

    @property
    def cookies(self) -> list[bytes]:
        return [value for name, value in self.headers if name.lower() == b"set-cookie"]


def over_asgi(site: Site, view: View, request: Headers, query: bytes, method: str, path: str, told: Answer) -> Answer:
    """What the server gets of an ASGI app's answer *told*, *path* being text as a server has decoded it."""
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        view(tracker_from(scope))
        await send({"type": "http.response.start", "status": told.status, "headers": told.headers})
        for message in told.rest:
            await send(message)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": request}
    scope |= {"scheme": "https", "client": (markers.IP, 1)}
    asyncio.run(ASGIMiddleware(app, site)(scope, None, send))  # type: ignore[arg-type]
    assert {**sent[0], "headers": None} == {"type": "http.response.start", "status": told.status, "headers": None}
    return Answer(sent[0]["status"], sent[0]["headers"], sent[1:])


def over_wsgi(site: Site, view: View, request: Headers, query: bytes, method: str, path: str, told: Answer) -> Answer:
    """The same of a WSGI app."""
    started: list[Any] = []

    def app(environ: Any, start_response: Any) -> Any:
        view(tracker_from(environ))
        start_response(
            f"{told.status} .", [(name.decode("latin-1"), one.decode("latin-1")) for name, one in told.headers]
        )
        return told.rest

    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "wsgi.url_scheme": "https",
        "PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "REMOTE_ADDR": markers.IP,
    }
    for name, value in request:
        key = f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
        joint = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = joint.join(filter(None, (environ.get(key), value.decode("latin-1"))))
    body = WSGIMiddleware(app, site)(environ, lambda *args: started.append(args))
    assert body is told.rest
    ((status, headers),) = started
    return Answer(
        int(status[:3]), [(name.encode("latin-1"), one.encode("latin-1")) for name, one in headers], told.rest
    )


@pytest.fixture(params=[over_asgi, over_wsgi], ids=["asgi", "wsgi"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Answer]:
    """Ask a view through either middleware."""

    def asked(
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

    return asked


def directives(headers: Headers) -> list[str]:
    """What Cache-Control says, over all its headers."""
    told = [value.decode("latin-1") for name, value in headers if name.lower() == b"cache-control"]
    return [one.strip() for value in told for one in value.split(",") if one.strip()]


def without_cache_control(headers: Headers) -> Headers:
    return [one for one in headers if one[0].lower() != b"cache-control"]


def check_only_added(given: Headers, finished: Headers) -> None:
    """Of *given* nothing is lost or moved but how far it may be cached, and what is added is ours and well-formed."""
    kept, now = without_cache_control(given), without_cache_control(finished)
    added = now[len(kept) :]
    names = {value.partition(b"=")[0].strip() for name, value in kept if name.lower() == b"set-cookie"}
    written = [value.partition(b"=")[0] for name, value in added if name == b"set-cookie"]

    assert now[: len(kept)] == kept
    assert {name for name, _ in added} <= {b"set-cookie", b"tiktok-events"}
    assert set(written) <= OURS - names
    assert all(value.isascii() and value.decode().isprintable() for _, value in added)
    before, after = directives(given), directives(finished)
    if before != after:
        rest = [one for one in before if one.partition("=")[0].lower() not in {"public", "s-maxage"}]
        assert after == ["private", *rest]
        assert not {"private", "no-store"} & {one.partition("=")[0].lower() for one in before}


@contextmanager
def net() -> Iterator[list[str]]:
    """What is caught below the middleware so that a page goes out: there to be seen, and nothing should be."""
    caught: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.emit = lambda record: caught.append(record.getMessage())  # type: ignore[method-assign]
    handler.addFilter(lambda record: record.funcName == "finish")
    logging.getLogger("tiktok_events").addHandler(handler)
    try:
        yield caught
    finally:
        logging.getLogger("tiktok_events").removeHandler(handler)


COOKIES = [VISITOR_COOKIE, f"ttclid={markers.TTCLID}.{NOW_MS}", "ttclid=", "_tte_next=zzpii", "agreed=yes", "a[b]=c; ="]
SAID = st.one_of(
    st.sampled_from([
        *(b"document", b"empty", b"navigate", b"cross-site", b"1", b"true", b"prefetch", b"XMLHttpRequest"),
        *(b"text/html", b"curl/8", b"shop.example", b"[::1]:80", b"https://shop.example/?ttclid=zzpii", b"https://[a"),
        *(markers.USER_AGENT.encode(), b"de-AT,de;q=0.8", b"9.9.9.9, 10.0.0.1", *(one.encode() for one in COOKIES)),
    ]),
    st.binary(max_size=40),
)
ASKED = (
    "host cookie Cookie referer user-agent accept accept-language sec-fetch-dest sec-fetch-mode sec-fetch-site sec-gpc "
    "sec-purpose hx-request hx-current-url x-forwarded-for x-requested-with turbo-frame"
)
TOLD = "Content-Type content-type Set-Cookie set-cookie Cache-Control cache-control tiktok-events Location ETag vary x"
ANSWERS = st.one_of(
    st.sampled_from([
        *(b"text/html", b"text/html; charset=utf-8", b"application/json", b"public, max-age=60", b"s-maxage=5"),
        *(b"private", b"no-store", b"no-cache, ,must-revalidate", b"_tte_id=own; Path=/", b"ttclid=", b"a=b", b"[]"),
    ]),
    st.binary(max_size=20),
)
RULES: list[Any] = [
    None,
    lambda request: True,
    lambda request: False,
    lambda request: None,
    lambda request: request.headers["zzpii"],
    ConsentCookie("agreed", granted={"yes"}, denied={"no"}),
]
ACTS: list[View] = [
    lambda tracker: tracker.track("Lead"),
    lambda tracker: tracker.track("Purchase", key="zzpii-1", properties={"value": 1}),
    lambda tracker: tracker.track("Search", properties={"query": "</script>\u2028\ud800\r\n"}),
    lambda tracker: tracker.track("Purchase", properties={"value": "zzpii"}),
    lambda tracker: tracker.track("ViewContent").payload,
    lambda tracker: tracker.identify(email="zzpii", phone="zzpii"),
    lambda tracker: tracker.face.pixel(),
    lambda tracker: tracker.face.data(),
    lambda tracker: tracker.face.consent,
    lambda tracker: tracker.snapshot(),
    lambda tracker: tracker.event_id("Lead"),
    lambda tracker: tracker.grant_consent(),
    lambda tracker: tracker.revoke_consent(),
]


@pytest.mark.parametrize("over", [over_asgi, over_wsgi], ids=["asgi", "wsgi"])
@given(
    request=st.lists(st.tuples(st.sampled_from(ASKED.split()).map(str.encode), SAID), max_size=12),
    query=st.one_of(st.just(f"ttclid={markers.TTCLID}".encode()), st.binary(max_size=40)),
    method=st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "BREW"]),
    path=st.text(max_size=20),
    status=st.integers(100, 999),
    answer=st.lists(st.tuples(st.sampled_from(TOLD.split()).map(str.encode), ANSWERS), max_size=6),
    chunks=st.lists(st.binary(max_size=20), max_size=4),
    acts=st.lists(st.sampled_from(ACTS), max_size=4),
    rule=st.sampled_from(RULES),
    unknown=st.sampled_from(["block", "hold"]),
)
def test_nothing_raises_and_an_answer_is_only_added_to(
    over: Any,
    request: Headers,
    query: bytes,
    method: str,
    path: str,
    status: int,
    answer: Headers,
    chunks: list[bytes],
    acts: list[View],
    rule: Any,
    unknown: Any,
) -> None:
    """Any request, any consent, any deeds of the view, any answer: its status, headers and chunks arrive as they were."""
    site = a_site(consent=rule, on_unknown_consent=unknown, trusted_proxies=["10.0.0.0/8"])

    def view(tracker: Tracker) -> None:
        for act in acts:
            act(tracker)

    rest: list[Any] = chunks if over is over_wsgi else [{"type": "http.response.body", "body": one} for one in chunks]
    told = Answer(status, list(answer), rest)
    with net() as caught:
        seen = over(site, view, request, query, method, path, told)

    assert caught == []
    assert told.headers == answer
    assert seen.status == status
    assert len(seen.rest) == len(rest)
    assert all(one is other for one, other in zip(seen.rest, rest, strict=True))
    check_only_added(answer, seen.headers)
    if status == 304 or status < 200:
        assert seen.headers == answer
    for event in sent_by(site):
        assert tt.encode(SOURCE, [event])


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.reference("8.5.2b", "8.5.2c")
def test_a_cookie_jar_keeps_nothing_that_was_injected(ask: Any, text: str) -> None:
    """From the query, from cookies and from the page before: a browser ends with our cookies, for this host alone."""
    raw = text.encode()
    cookie = b"; ".join(b"%s=%s" % (name, raw) for name in (b"_tte_id", b"ttclid", b"_ttp", b"_tte_next", b"agreed"))
    referer = b"https://shop.example/?ttclid=" + raw
    answer = ask(
        query=b"ttclid=" + raw.replace(b"&", b"%26"),
        headers={"cookie": cookie, "referer": referer},
    )
    message = Message()
    for one in answer.cookies:
        message["set-cookie"] = one.decode("ascii")
    jar = CookieJar()
    told: Any = SimpleNamespace(info=lambda: message)
    jar.extract_cookies(told, Request("https://shop.example/buy"))

    assert {cookie.name.encode() for cookie in jar} <= OURS
    assert {(cookie.domain, cookie.domain_specified, cookie.path) for cookie in jar} <= {("shop.example", False, "/")}
    assert not any(set("\r\n\0;") & set(one.decode()[: one.index(b"; Path=/")]) for one in answer.cookies)


def test_a_flood_of_headers_costs_no_page(ask: Any) -> None:
    """5,000 cookies, hops, languages and parameters: the page goes out, and ours are found among them."""
    site = a_site(trusted_proxies=["10.0.0.0/8", "9.9.9.0/24"])
    flood = {f"x-flood-{index}": b"z" * 100 for index in range(5_000)}
    answer = ask(
        site,
        query=b"&".join([b"a=1"] * 5_000),
        headers={
            **flood,
            "cookie": b"a=b; " * 5_000 + f"{VISITOR_COOKIE}; ttclid={markers.TTCLID}.{NOW_MS}".encode(),
            "x-forwarded-for": b"8.8.8.8, " + b"10.0.0.1, " * 5_000 + b"10.0.0.2",
            "accept-language": b"de-AT, " * 5_000,
            "referer": b"https://shop.example/?" + b"ttclid=&" * 5_000,
        },
    )
    (event,) = sent_by(site)

    check_only_added(HTML, answer.headers)
    assert event.user is not None
    assert (event.user.ttclid, event.user.ip, event.user.locale) == (markers.TTCLID, "8.8.8.8", "de-AT")


@pytest.mark.parametrize("place", ["query", "cookie", "referer"])
def test_a_click_id_of_10_kb_is_none(ask: Any, place: str) -> None:
    """It is not cut, not kept and not sent; the event is."""
    site = a_site()
    long = b"z" * 10_240
    sent: dict[str, Any] = {
        "query": {"query": b"ttclid=" + long},
        "cookie": {"headers": {"cookie": b"ttclid=" + long}},
        "referer": {"headers": {"referer": b"https://shop.example/?ttclid=" + long}},
    }[place]
    answer = ask(site, **sent)
    (event,) = sent_by(site)

    assert event.user is not None
    assert event.user.ttclid is None
    assert [one.partition(b"=")[0] for one in answer.cookies] == [b"_tte_id", b"_tte_next"]


def test_identifier_cookies_stay_below_2_kb(ask: Any) -> None:
    """With the longest click id there can be, and the longest domain: they join other headers that have a limit."""
    domain = f"{'a' * 60}.{'b' * 60}.example"
    site = a_site(cookie_domains=[domain])
    answer = ask(site, view=lambda tracker: None, query=b"ttclid=" + b"z" * 1_000, headers={"host": domain.encode()})

    assert [one.partition(b"=")[0] for one in answer.cookies] == [b"_tte_id", b"ttclid"]
    assert sum(len(b"set-cookie: " + one) for one in answer.cookies) < 2_048


BAD_UTF_8 = [b"\xff\xfe", b"\xc3(", b"\xed\xa0\x80", b"\xf0\x9f", b"%ff%fe", b"%c3%28", b"%ed%a0%80", b"\x80"]


@pytest.mark.parametrize("text", BAD_UTF_8)
def test_bad_utf_8_is_no_identifier_and_no_error(ask: Any, text: bytes) -> None:
    """In address, cookies and headers: nothing of it is an id, and the event is still text that can be sent."""
    site = a_site()
    headers = dict.fromkeys(("referer", "accept-language", "hx-current-url", "x-forwarded-for"), b"zzpii" + text)
    answer = ask(
        site,
        lambda tracker: (tracker.track("Lead"), tracker.face.pixel()),
        path="/buy/\udcff\ufffd",
        query=b"ttclid=zzpii" + text,
        headers={**headers, "cookie": b"ttclid=zzpii%s; _ttp=zzpii%s; _tte_next=%s; %s=%s" % ((text,) * 5)},
    )
    (event,) = sent_by(site)

    check_only_added(HTML, answer.headers)
    assert event.user is not None
    assert (event.user.ttclid, event.user.ttp, event.user.locale) == (None, None, None)
    assert event.page is not None
    assert event.page.url is not None
    assert event.page.url.isascii()
    assert tt.encode(SOURCE, [event])
