"""The identifier cookies: what is read and written, and that no value breaks a header."""

from __future__ import annotations

import re
import time
from email.message import Message
from http.cookiejar import Cookie, CookieJar
from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any
from urllib.request import Request

import attrs
import markers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marker_hook import raises
from web_requests import CLICKED, DAY, NOW, NOW_MS, VISITOR, VISITOR_COOKIE, a_site, a_tracker, cookies_of

from tiktok_events.errors import ConfigurationError
from tiktok_events.web import CookiePolicy, WebRequest
from tiktok_events.web._middleware.response import add_headers
from tiktok_events.web._visitor import cookies
from tiktok_events.web._visitor.cookies import SetCookie

POLICY = CookiePolicy()
HTML = [(b"content-type", b"text/html; charset=utf-8")]
INJECTIONS = [
    *("a;b", "a; Domain=evil.example", "a\r\nSet-Cookie: b=c", "a\nb", "a\0b", "a\x7fb", "a b", 'a"b', "a,b", "a\\b"),
    *("zzpii-\u00fc", "\u2028", "a%3Bb", "a%253Bb", "%0d%0aSet-Cookie:b=c", "", "z" * 10_240, "<script>"),
]


@pytest.mark.reference("8.5.2a")
def test_a_first_visit_after_a_click_gets_both_cookies() -> None:
    """Python's cookie parser reads both, with the attributes of the reference."""
    tracker = a_tracker(query=CLICKED)
    written = cookies_of(add_headers(tracker, 200, list(HTML)))
    visitor = SimpleCookie(written["_tte_id"])["_tte_id"]
    click = SimpleCookie(written["ttclid"])["ttclid"]

    assert sorted(written) == ["_tte_id", "ttclid"]
    assert visitor.value == f"1.{NOW_MS}.{VISITOR}"
    assert (visitor["max-age"], visitor["httponly"], visitor["secure"]) == (str(390 * DAY), True, True)
    assert click.value == f"{markers.TTCLID}.{NOW_MS}"
    assert (click["max-age"], click["httponly"], click["samesite"], click["path"]) == (str(28 * DAY), "", "Lax", "/")
    assert visitor["domain"] == click["domain"] == ""


def stored_in(
    jar: CookieJar, headers: list[tuple[bytes, bytes]], url: str = "https://shop.example/buy"
) -> dict[str, Cookie]:
    """The cookies in *jar* after a response of *url* with *headers*."""
    message = Message()
    for name, value in headers:
        message[name.decode()] = value.decode()
    response: Any = SimpleNamespace(info=lambda: message)
    jar.extract_cookies(response, Request(url))
    return {cookie.name: cookie for cookie in jar}


@pytest.mark.reference("8.5.2b")
def test_a_cookie_jar_stores_and_deletes_our_cookies() -> None:
    """For this host only, over https only, with the ages of the reference; denied consent empties the jar."""
    jar = CookieJar()
    stored = dict(stored_in(jar, add_headers(a_tracker(query=CLICKED), 200, list(HTML))))
    ages = {name: round(((cookie.expires or 0) - time.time()) / DAY) for name, cookie in stored.items()}
    cookie_header = "; ".join(f"{name}={cookie.value}" for name, cookie in stored.items())
    refused = a_tracker(method="POST", cookie=cookie_header)
    refused.revoke_consent()

    assert {name: cookie.value for name, cookie in stored.items()} == {
        "_tte_id": f"1.{NOW_MS}.{VISITOR}",
        "ttclid": f"{markers.TTCLID}.{NOW_MS}",
    }
    assert ages == {"_tte_id": 390, "ttclid": 28}
    assert {(cookie.domain, cookie.domain_specified, cookie.path, cookie.secure) for cookie in stored.values()} == {
        ("shop.example", False, "/", True)
    }
    assert {cookie.get_nonstandard_attr("SameSite") for cookie in stored.values()} == {"Lax"}
    assert [name for name, cookie in stored.items() if cookie.has_nonstandard_attr("HttpOnly")] == ["_tte_id"]
    assert stored_in(jar, add_headers(refused, 204, [])) == {}


@pytest.mark.reference("8.5.2b")
def test_a_cookie_jar_stores_and_deletes_cookies_of_a_domain() -> None:
    """One cookie for all hosts of the shop; denied consent empties the jar."""
    jar = CookieJar()
    site = a_site(cookie_domains=["shop.example"])
    url = "https://www.shop.example/buy"
    stored = dict(
        stored_in(jar, add_headers(a_tracker(site, host="www.shop.example", query=CLICKED), 200, list(HTML)), url)
    )
    cookie_header = "; ".join(f"{name}={cookie.value}" for name, cookie in stored.items())
    refused = a_tracker(site, method="POST", host="www.shop.example", cookie=cookie_header)
    refused.revoke_consent()

    assert sorted(stored) == ["_tte_id", "ttclid"]
    assert {cookie.domain for cookie in stored.values()} == {".shop.example"}
    assert stored_in(jar, add_headers(refused, 204, []), url) == {}


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.reference("8.5.2c")
def test_no_click_id_or_cookie_breaks_a_header(text: str) -> None:
    """No injected text is a click id, visitor id or pixel id, and none is written."""
    from urllib.parse import quote

    for query in (f"ttclid={quote(text)}", f"ttclid={text.encode().decode('latin-1')}"):
        cookie = f"_tte_id={text}; ttclid={text}; _ttp={text}".encode().decode("latin-1")
        tracker = a_tracker(query=query, cookie=cookie)
        written = cookies_of(add_headers(tracker, 200, list(HTML)))

        assert set(written) <= {"_tte_id", "ttclid"}
        assert written["_tte_id"].startswith(f"_tte_id=1.{NOW_MS}.{VISITOR}; ")
        assert all("evil" not in one and "\n" not in one for one in written.values())
        # What stands before the injected text may be a click id.
        assert re.match(r"ttclid=[A-Za-z0-9._-]*; ", written.get("ttclid", "ttclid=; "))


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_set_cookie_header_has_only_cookie_octets(name: str, value: str) -> None:
    """For any name and value, `header` returns a valid header or raises."""
    try:
        header = SetCookie(name, value, 1, http_only=True, secure=True).header()
    except ValueError:
        return

    assert header == f"{name}={value}; Path=/; Max-Age=1; SameSite=Lax; Secure; HttpOnly"
    assert header.isascii()
    assert header.isprintable()


def test_an_invalid_domain_is_refused() -> None:
    """A domain cannot add attributes."""
    with raises(ValueError, match="domain"):
        SetCookie("a", "b", 1, http_only=True, secure=True, domain="shop.example; Secure").header()


@pytest.mark.parametrize(
    ("value", "ttclid"),
    [
        ("E.C.P.zzpii.1700000000000", "E.C.P.zzpii"),
        ("E.C.P.zzpii.1234", "E.C.P.zzpii.1234"),
        ("E.C.P.zzpii.17000000000000", "E.C.P.zzpii.17000000000000"),
        ("E.C.P.zzpii.170000000000\u0660", None),
        (".1700000000000", ".1700000000000"),
        ("z" * 1_000, "z" * 1_000),
        ("z" * 1_001, None),
        ("", None),
    ],
)
@pytest.mark.reference("8.5.3")
def test_only_thirteen_digits_at_the_end_are_a_time_stamp(value: str, ttclid: str | None) -> None:
    """Click ids contain dots, too."""
    assert cookies.valid_click_id(value) == ttclid


@pytest.mark.reference("8.5.5c")
def test_of_several_click_cookies_the_newest_fresh_one_counts() -> None:
    """A host-only and a domain cookie may share the name; an id without time is the oldest."""
    old, new = f"zzpii-old.{NOW_MS - 5000}", f"zzpii-new.{NOW_MS - 1000}"
    stale = f"zzpii-stale.{NOW_MS - 29 * DAY * 1000}"
    read = [
        cookies.read_click(values, now_ms=NOW_MS, policy=POLICY)
        for values in (["zzpii-bare", old, new], ["zzpii-bare", stale], [stale], ["{}"])
    ]

    assert [click and click.ttclid for click in read] == ["zzpii-new", "zzpii-bare", None, None]


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("Example.COM", "example.com"),
        ("www.example.com", "example.com"),
        ("badexample.com", None),
        ("example.co.uk", "example.co.uk"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("127.0.0.1", None),
        ("::1", None),
        ("localhost", None),
        ("example.com.", "example.com"),
        ("", None),
        ("co.uk", None),
    ],
)
@pytest.mark.reference("8.5.4a")
def test_a_cookies_domain_is_configured_never_guessed(host: str, domain: str | None) -> None:
    """The host must match a configured domain at a dot; otherwise the cookie is host-only."""
    assert cookies.cookie_domain(host, ["example.com", ".Example.co.uk"]) == domain


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("Example.COM:8443", "example.com"),
        ("example.co.uk", "example.co.uk"),
        ("a.b.example.co.uk", "example.co.uk"),
        ("127.0.0.1", None),
        ("[::1]:80", None),
        ("localhost", None),
        ("example.com.", "example.com"),
        ("", None),
        ("co.uk", None),
        ("example.com.evil.example", None),
    ],
)
@pytest.mark.reference("8.5.4a")
def test_the_host_header_decides_the_domain_that_is_written(host: str, domain: str | None) -> None:
    """A configured domain, or none. No Host header can write a cookie of another domain."""
    tracker = a_tracker(a_site(cookie_domains=["example.com", "example.co.uk"]), host=host)
    (written,) = cookies_of(add_headers(tracker, 200, list(HTML))).values()

    assert [part for part in written.split("; ") if part.startswith("Domain")] == (
        [f"Domain={domain}"] if domain else []
    )


@pytest.mark.parametrize("domains", ["shop.example", ["com"], ["https://shop.example"], [None], ["sh\u00f6p.example"]])
def test_an_invalid_cookie_domain_is_refused_at_once(domains: object) -> None:
    """Browsers drop a cookie of a public suffix silently."""
    with pytest.raises(ConfigurationError, match="cookie_domains"):
        a_site(cookie_domains=domains)


def test_nothing_changed_writes_nothing() -> None:
    """A returning visitor with the same click gets no header."""
    cookie = f"{VISITOR_COOKIE}; ttclid={markers.TTCLID}.{NOW_MS - 1000}"

    assert add_headers(a_tracker(query=CLICKED, cookie=cookie), 200, list(HTML)) == HTML


def test_a_visitor_id_is_refreshed_once_in_a_month() -> None:
    """Only the time in the cookie changes."""
    written_ms = NOW_MS - 31 * DAY * 1000
    tracker = a_tracker(cookie=f"_tte_id=1.{written_ms:013d}.{'b' * 32}")

    assert cookies_of(add_headers(tracker, 200, list(HTML)))["_tte_id"].startswith(f"_tte_id=1.{NOW_MS}.{'b' * 32}; ")


def test_a_new_click_replaces_the_stored_one() -> None:
    """A ttclid in the URL is a new click."""
    tracker = a_tracker(query=CLICKED, cookie=f"{VISITOR_COOKIE}; ttclid=zzpii-other.{NOW_MS - 1000}")

    assert cookies_of(add_headers(tracker, 200, list(HTML)))["ttclid"].startswith(f"ttclid={markers.TTCLID}.{NOW_MS}; ")


def test_a_click_older_than_its_window_is_expired() -> None:
    """28 days are counted from the click and never extended."""
    stale = f"{VISITOR_COOKIE}; ttclid=zzpii-stale.{NOW_MS - 29 * DAY * 1000}"
    tracker = a_tracker(cookie=stale)

    assert "Max-Age=0" in cookies_of(add_headers(tracker, 200, list(HTML)))["ttclid"]
    assert tracker.context.ttclid is None


@pytest.mark.parametrize(("secure", "scheme", "expected"), [("never", "https", False), ("always", "http", True)])
def test_secure_can_be_set(secure: str, scheme: str, expected: bool) -> None:
    """For a site behind a proxy that terminates TLS."""
    site = a_site(cookies=CookiePolicy(secure=secure))  # type: ignore[arg-type]

    assert site.is_secure(WebRequest(scheme=scheme)) is expected


@pytest.mark.parametrize("settings", [{"visitor_days": 401}, {"click_days": 0}, {"visitor_name": "a b"}])
def test_an_invalid_policy_is_refused(settings: dict[str, object]) -> None:
    """Browsers limit the age to 400 days."""
    with pytest.raises(ValueError, match=r"days|visitor_name"):
        CookiePolicy(**settings)  # type: ignore[arg-type]


def test_a_configured_domain_is_written() -> None:
    """All hosts of the shop share the cookie."""
    written = cookies_of(add_headers(a_tracker(a_site(cookie_domains=["shop.example"])), 200, list(HTML)))

    assert "; Domain=shop.example;" in written["_tte_id"]


def test_no_repr_shows_a_value() -> None:
    """The reprs of click and visitor have no id."""
    click, visitor = cookies.Click(markers.TTCLID, int(NOW)), cookies.Visitor("zzpii", 1)

    assert "zzpii" not in f"{click!r}{visitor!r}"
    assert attrs.asdict(click)["ttclid"] == markers.TTCLID
