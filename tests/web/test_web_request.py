"""`WebRequest`: the same for ASGI and WSGI, and untrusted input."""

from __future__ import annotations

from typing import Any

import markers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_requests import a_request

from tiktok_events.web import WebRequest
from tiktok_events.web._request import request_kind

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile"
WEBVIEWS = [
    f"{IPHONE} musical_ly_31.5.0 JsSdk/2.0 NetType/WIFI Channel/App Store ByteLocale/en Region/US BytedanceWebview/d8a21c6",
    "Mozilla/5.0 (Linux; Android 13; CUBOT X50) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
    f"{IPHONE} TikTok 31.5.0 rv:315010 Cronet",
]
BOTS = [
    "",
    "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Mozilla/5.0 (compatible; TikTokSpider; ttspider-feedback@tiktok.com)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "facebookexternalhit/1.1",
    "WhatsApp/2.23",
    "Slackbot-LinkExpanding 1.0",
    "Mozilla/5.0 HeadlessChrome/120.0",
    "curl/8.5.0",
    "python-httpx/0.28",
    "GPTBot/1.1",
]
NAMES = st.sampled_from(["accept", "x-forwarded-for", "sec-gpc", "referer", "hx-request", "x-tte"])
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30)


@given(
    method=st.sampled_from(["GET", "POST", "HEAD", "get"]),
    scheme=st.sampled_from(["http", "https"]),
    mount=st.sampled_from(["", "/shop"]),
    path=st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda text: f"/{text}"),
    query=st.binary(max_size=40),
    headers=st.dictionaries(NAMES, VALUES, max_size=5),
    cookies=VALUES,
    host=st.one_of(st.sampled_from(["shop.example", "Shop.Example:8443", "[::1]:80", ""]), VALUES),
    content=st.sampled_from(["", "text/plain", "zzpii"]),
    peer=st.sampled_from([None, markers.IP, "::1", "zzpii"]),
)
def test_a_scope_and_an_environ_of_one_request_are_equal(
    method: str,
    scheme: str,
    mount: str,
    path: str,
    query: bytes,
    headers: dict[str, str],
    cookies: str,
    host: str,
    content: str,
    peer: str | None,
) -> None:
    """ASGI and WSGI give the same request, whatever is sent."""
    sent = {"host": host, "cookie": cookies, **headers}
    of_body = {"content-type": content} if content else {}
    scope = {
        "type": "http",
        "method": method.upper(),
        "scheme": scheme,
        "root_path": mount,
        "path": mount + path,
        "query_string": query,
        "client": (peer, 1) if peer else None,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in {**sent, **of_body}.items()],
    }
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "wsgi.url_scheme": scheme,
        "SCRIPT_NAME": mount,
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "REMOTE_ADDR": peer or "",
        "CONTENT_TYPE": content,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()},
    }
    asgi, wsgi = WebRequest.from_scope(scope), WebRequest.from_environ(environ)

    assert asgi == wsgi
    assert hash(asgi) == hash(wsgi)
    assert (asgi.url, asgi.hostname, asgi.cookies) == (wsgi.url, wsgi.hostname, wsgi.cookies)
    assert asgi.url is None or asgi.url.isascii()


def test_a_content_type_is_a_header_in_an_environ_too() -> None:
    """CGI has two headers without the prefix HTTP_."""
    request = WebRequest.from_environ({"CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "", "SCRIPT_NAME": "/shop"})

    assert dict(request.headers) == {"content-type": "text/plain"}
    assert (request.path, request.peer) == ("/shop", None)


@pytest.mark.parametrize(
    ("host", "hostname"),
    [
        ("Example.COM:8443", "example.com"),
        ("example.co.uk", "example.co.uk"),
        ("a.b.example.co.uk", "a.b.example.co.uk"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]:80", "::1"),
        ("localhost", "localhost"),
        ("shop.example.", "shop.example"),
        ("", ""),
        ("evil.example/path", ""),
        ("user@shop.example", ""),
        ("shop.example, evil.example", ""),
        ("sh\u00f6p.example", ""),
    ],
)
@pytest.mark.reference("8.5.4a")
def test_hosts(host: str, hostname: str) -> None:
    """Port, capitals, brackets and a trailing dot are removed; an invalid host is empty."""
    assert a_request(host=host).hostname == hostname
    assert (a_request(host=host).url is None) == (not hostname)


@pytest.mark.reference("8.5.4b")
def test_two_host_headers_are_none() -> None:
    """It is unknown which of the two a proxy has checked."""
    request = WebRequest(headers=[(b"host", b"shop.example"), (b"Host", b"evil.example")])

    assert (request.host, request.url) == ("", None)


@pytest.mark.reference("8.5.5a", "8.5.5b", "8.5.5c")
def test_cookies_of_two_headers_with_a_malformed_pair() -> None:
    """HTTP/2 splits cookies. A malformed pair loses no other cookie, and the first of two values wins."""
    raw = [(b"cookie", b'broken; ="x; a[b]=c; _ttp=one'), (b"cookie", b'_ttp=two; ttclid=E.C.P; quoted="q"')]
    request = WebRequest(headers=raw)

    assert request.cookies["_ttp"] == "one"
    assert request.all_cookies["_ttp"] == ("one", "two")
    assert (request.cookies["ttclid"], request.cookies["quoted"]) == ("E.C.P", "q")


def test_a_flood_of_headers_is_read() -> None:
    """The time for 10,000 headers, cookies and parameters grows in proportion only."""
    headers = [(b"x-flood", b"1")] * 2_000 + [(b"cookie", b"a=b; " * 10_000), (b"cookie", b"_ttp=zzpii-kept")]
    request = WebRequest(query="&".join(["a=1"] * 10_000), headers=headers)

    assert request.cookies["_ttp"] == "zzpii-kept"
    assert len(request.all_cookies["a"]) == 10_000


def test_invalid_bytes_in_a_url_are_quoted() -> None:
    """Invalid UTF-8 and lone surrogates in path and query become ASCII."""
    request = WebRequest.from_scope({
        "path": "/\ud800\udcff",
        "query_string": b"q=\xff\xc3(&b=c%20d",
        "headers": [(b"host", b"shop.example")],
    })

    assert request.url == "http://shop.example/%ED%A0%80%ED%B3%BF?q=%FF%C3(&b=c%20d"


def test_the_repr_holds_no_value() -> None:
    """The repr has the method and the number of headers only."""
    assert repr(a_request(query=f"e={markers.EMAIL}")) == "WebRequest(GET, 6 headers)"
    assert a_request() != "a request"


@pytest.mark.parametrize("agent", BOTS)
@pytest.mark.reference("8.5.6e")
def test_bots(agent: str) -> None:
    """Crawlers, link previews, headless browsers, libraries, and an empty user agent."""
    assert request_kind.is_bot(a_request(user_agent=agent))


@pytest.mark.parametrize("agent", [*WEBVIEWS, markers.USER_AGENT])
@pytest.mark.reference("8.5.6f")
def test_tiktoks_own_browser_is_no_bot(agent: str) -> None:
    """Ads are clicked in TikTok's in-app browser; CUBOT is a brand of phones."""
    assert not request_kind.is_bot(a_request(user_agent=agent))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sec_purpose", "prefetch"),
        ("sec_purpose", "prefetch;prerender"),
        ("sec_purpose", "prefetch;anonymous-client-ip"),
        ("purpose", "prefetch"),
        ("x_purpose", "preview"),
        ("x_moz", "prefetch"),
    ],
)
@pytest.mark.reference("8.5.6a")
def test_prefetches(name: str, value: str) -> None:
    """Each browser has its own header for a prefetch."""
    assert request_kind.is_prefetch(a_request(**{name: value}))
    assert not request_kind.is_prefetch(a_request())


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, True),
        ({"sec_fetch_dest": "iframe"}, True),
        ({"sec_fetch_dest": "image"}, False),
        ({"sec_fetch_dest": "", "sec_fetch_mode": "navigate"}, True),
        ({"sec_fetch_dest": "", "sec_fetch_mode": "cors"}, False),
        ({"sec_fetch_dest": "", "sec_fetch_mode": ""}, True),
        ({"sec_fetch_dest": "", "sec_fetch_mode": "", "hx_request": "true"}, False),
        ({"sec_fetch_dest": "", "sec_fetch_mode": "", "accept": "*/*"}, False),
    ],
)
def test_navigations(headers: dict[str, str], expected: bool) -> None:
    """The most reliable header decides: Sec-Fetch-Dest, Sec-Fetch-Mode, Accept."""
    assert request_kind.is_navigation(a_request(**headers)) is expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, False),
        ({"hx_request": "true"}, True),
        ({"hx_request": "true", "hx_boosted": "true"}, False),
        ({"x_requested_with": "XMLHttpRequest"}, True),
        ({"turbo_frame": "cart"}, True),
        ({"sec_fetch_dest": "empty"}, True),
        ({"sec_fetch_dest": ""}, False),
    ],
)
def test_fragments(headers: dict[str, str], expected: bool) -> None:
    """htmx, Turbo, XMLHttpRequest and fetch request parts of a page."""
    assert request_kind.is_fragment(a_request(**headers)) is expected


@pytest.mark.parametrize("agent", ["Stripe/1.0 (+https://stripe.com/docs/webhooks)", "Mollie.com/1.0", "curl/8", ""])
def test_webhooks_are_not_from_a_browser(agent: str) -> None:
    """A server sends no language, no cookies, no referrer, and another user agent."""
    bare = {"sec_fetch_dest": "", "sec_fetch_mode": "", "accept_language": "", "accept": ""}

    assert not request_kind.is_from_browser(a_request("POST", user_agent=agent, **bare))
    assert request_kind.is_from_browser(a_request("POST", user_agent=agent, **{**bare, "cookie": "a=b"}))
    assert request_kind.is_from_browser(a_request(**bare))
