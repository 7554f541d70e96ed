"""Trusted proxies and CDNs: whose headers decide the visitor's address, the scheme and the host, and the warnings."""

from __future__ import annotations

from typing import Any

import pytest
from web_requests import HTML, a_request_from, a_site, sent_by

import tiktok_events as tt
from tiktok_events.web import Tracker, WebRequest
from tiktok_events.web._middleware.response import with_our_headers
from tiktok_events.web._request.client_address import client_ip

VISITOR, OTHER, EDGE = "8.8.8.8", "1.1.1.1", "172.68.1.1"  # public addresses: two resolvers, and Cloudflare
PROXIES = ["10.0.0.0/8", "2001:db8::/32"]


def tracked(request: WebRequest, **settings: Any) -> tt.Event:
    """The event of one `track` in *request*."""
    site = a_site(**settings)
    Tracker(site, request).track("Purchase", key=1)
    (event,) = sent_by(site)
    return event


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("9.9.9.9", "8.8.8.8", "9.9.9.9"),
        ("10.0.0.1", "8.8.8.8", "8.8.8.8"),
        ("10.0.0.1", "1.1.1.1, 8.8.8.8", "8.8.8.8"),
        ("10.0.0.1", "1.1.1.1, 8.8.8.8, 10.0.0.2", "8.8.8.8"),
        ("10.0.0.1", "8.8.8.8,,", "8.8.8.8"),
        ("10.0.0.1", ",8.8.8.8, ,10.0.0.2", "8.8.8.8"),
        ("10.0.0.1", " , 8.8.8.8 , ", "8.8.8.8"),
        ("10.0.0.1", "8.8.8.8:1234", "8.8.8.8"),
        ("10.0.0.1", "[2606:4700::1]:443", "2606:4700::1"),
        ("10.0.0.1", "::ffff:8.8.8.8", "8.8.8.8"),
        ("::ffff:10.0.0.1", "8.8.8.8", "8.8.8.8"),
        ("2001:db8::1", "8.8.8.8", "8.8.8.8"),
        ("10.0.0.1", "1.1.1.1, unknown", None),
        ("10.0.0.1", "1.1.1.1, 192.168.1.1", None),
        ("10.0.0.1", "10.0.0.3", None),
        ("10.0.0.1", "", None),
        ("192.168.0.1", "", None),
        ("testclient", "8.8.8.8", None),
        ("fe80::1%eth0", "", None),
    ],
)
def test_the_address_is_the_first_untrusted_one_from_the_right(peer: str, forwarded: str, address: str | None) -> None:
    """As in ProxyFix: entries that the visitor wrote before those of the proxies do not count."""
    request = WebRequest(peer=peer, headers=[(b"x-forwarded-for", forwarded.encode())])
    Tracker(a_site(trusted_proxies=PROXIES), request)

    assert client_ip(request) == address


def test_no_proxy_is_trusted_by_default() -> None:
    """Anybody can send these headers."""
    forged = {
        "X-Forwarded-For": OTHER,
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": f"for={OTHER}",
    }
    event = tracked(a_request_from(VISITOR, forged))

    assert event.user is not None
    assert event.page is not None
    assert event.user.ip == VISITOR
    assert event.page.url == "http://shop.example/buy"


@pytest.mark.parametrize(
    ("peer", "trusted", "is_trusted"),
    [
        ("127.0.0.1", ["private"], True),
        ("10.1.2.3", ["private"], True),
        ("172.20.0.1", "private", True),
        ("192.168.3.4", ["Private "], True),
        ("100.64.9.9", ["private"], True),
        ("169.254.1.1", ["private"], True),
        ("::1", ["private"], True),
        ("fd00::5", ["private"], True),
        ("fe80::1%eth0", ["private"], True),
        (None, ["private"], True),  # a Unix socket
        ("", ["127.0.0.1"], True),
        (None, ["10.0.0.0/8"], False),
        ("9.9.9.9", ["private"], False),
        (EDGE, ["cloudflare"], True),
        ("2606:4700::5", ["cloudflare"], True),
        ("9.9.9.9", ["cloudflare"], False),
        ("9.9.9.9", "private, cloudflare, 9.9.9.0/24", True),
        ("testclient", ["private"], False),
    ],
)
def test_words_for_networks(peer: str | None, trusted: Any, is_trusted: bool) -> None:
    """`private` is what platforms place their routers in, and Unix sockets; `cloudflare` its published ranges."""
    request = a_request_from(peer, {"X-Forwarded-For": VISITOR})
    Tracker(a_site(trusted_proxies=trusted), request)

    assert (client_ip(request) == VISITOR) is is_trusted


@pytest.mark.parametrize("bad", [["10.0.0.0/64"], ["akamai"], "10.0.0.1 10.0.0.2", [5.5], [None], 7])
def test_an_invalid_proxy_is_refused(bad: Any) -> None:
    """A typo in the settings raises when the site is made."""
    with pytest.raises(tt.ConfigurationError, match="trusted_proxies"):
        a_site(trusted_proxies=bad)


@pytest.mark.parametrize("bad", ["", "CF Connecting", "a:b", 5, "x\r\ny"])
def test_an_invalid_header_is_refused(bad: Any) -> None:
    """So does a name that no header has."""
    with pytest.raises(tt.ConfigurationError, match="client_ip_header"):
        a_site(client_ip_header=bad)


# From the internal request http://internal:8000/buy: headers of a trusted peer, and the visitor's page.
PAGES: list[tuple[dict[str, str], str]] = [
    ({}, "http://internal:8000/buy"),
    ({"X-Forwarded-Proto": "https"}, "https://internal:8000/buy"),
    ({"X-Forwarded-Proto": "HTTPS"}, "https://internal:8000/buy"),
    ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}, "https://shop.example/buy"),
    ({"X-Forwarded-Proto": "https", "X-Forwarded-Host": "Shop.Example:8443"}, "https://shop.example:8443/buy"),
    ({"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": "a b"}, "http://internal:8000/buy"),
    ({"X-Forwarded-Host": "shop.example/x?y"}, "http://internal:8000/buy"),
    ({"X-Forwarded-Host": "shop.example\x00"}, "http://internal:8000/buy"),
    ({"X-Forwarded-Proto": "https, http", "X-Forwarded-For": f"{VISITOR}, 10.0.0.2"}, "https://internal:8000/buy"),
    ({"X-Forwarded-Proto": "http, https", "X-Forwarded-For": f"{OTHER}, {VISITOR}"}, "https://internal:8000/buy"),
    (
        {"X-Forwarded-Host": "evil.example, shop.example", "X-Forwarded-For": f"{OTHER}, {VISITOR}"},
        "http://shop.example/buy",
    ),
    ({"Forwarded": "proto=https;host=shop.example"}, "https://shop.example/buy"),
    ({"Forwarded": 'for=8.8.8.8;Proto=https;HOST="shop.example:8443"'}, "https://shop.example:8443/buy"),
    (
        {"Forwarded": f"for={OTHER};host=evil.example, for={VISITOR};host=shop.example;proto=https"},
        "https://shop.example/buy",
    ),
    (
        {"Forwarded": f"for={VISITOR};host=shop.example;proto=https, for=10.0.0.2;host=cdn.internal"},
        "https://shop.example/buy",
    ),
    ({"Forwarded": "host=shop.example;;,=;"}, "http://internal:8000/buy"),
    ({"Forwarded": 'host="shop.example'}, "http://internal:8000/buy"),
    ({"Forwarded": "proto=https;" * 500}, "http://internal:8000/buy"),
]


@pytest.mark.parametrize(("headers", "url"), PAGES, ids=[str(headers)[:60] for headers, _ in PAGES])
def test_a_trusted_proxy_gives_scheme_and_host(headers: dict[str, str], url: str) -> None:
    """For the page's URL and for the attribute Secure; from others they count nothing."""
    for peer, expected in (("10.0.0.1", url), ("9.9.9.9", "http://internal:8000/buy")):
        request = a_request_from(peer, headers, host="internal:8000", query="")
        site = a_site(trusted_proxies=PROXIES)
        tracker = Tracker(site, request)
        cookies = [value for name, value in with_our_headers(tracker, 200, list(HTML)) if name == b"set-cookie"]
        tracker.track("Purchase", key=1)

        assert tracker.context.url == expected
        assert cookies
        assert all((b"; Secure" in cookie) is expected.startswith("https") for cookie in cookies)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (f"for={VISITOR}", VISITOR),
        (f'for="{VISITOR}:4711"', VISITOR),
        ('for="[2606:4700::1]:443"', "2606:4700::1"),
        ("For=8.8.8.8;by=10.0.0.1", VISITOR),
        (f"for={OTHER}, for={VISITOR}, for=10.0.0.3", VISITOR),
        (f"for={OTHER}, for=unknown", None),
        (f"for={OTHER}, for=_hidden", None),
        ("for=", None),
        ("nonsense", None),
    ],
)
def test_forwarded_of_rfc_7239(forwarded: str, address: str | None) -> None:
    """The same walk from the right."""
    request = a_request_from("10.0.0.1", {"Forwarded": forwarded})
    Tracker(a_site(trusted_proxies=PROXIES), request)

    assert client_ip(request) == address


@pytest.mark.parametrize("usual", [{"X-Forwarded-For": VISITOR}, {"X-Forwarded-Proto": "https"}])
def test_forwarded_counts_only_alone(usual: dict[str, str]) -> None:
    """A proxy that sets X-Forwarded headers passes on Forwarded as a stranger sent it."""
    forged = {"Forwarded": f"for={OTHER};host=evil.example"}
    request = a_request_from("10.0.0.1", {**usual, **forged}, host="shop.example")
    Tracker(a_site(trusted_proxies=PROXIES), request)

    assert client_ip(request) == usual.get("X-Forwarded-For")
    assert request.host == "shop.example"


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        ("10.0.0.1", {"CF-Connecting-IP": VISITOR, "X-Forwarded-For": f"{VISITOR}, {EDGE}"}, VISITOR),
        ("10.0.0.1", {"CF-Connecting-IP": f" {VISITOR} "}, VISITOR),
        ("10.0.0.1", {"CF-Connecting-IP": "2606:4700::1"}, "2606:4700::1"),
        ("10.0.0.1", {"CF-Connecting-IP": "nobody"}, None),
        ("10.0.0.1", {"CF-Connecting-IP": "192.168.0.5"}, None),
        ("10.0.0.1", {"X-Forwarded-For": VISITOR}, VISITOR),  # the header is missing: another way into the shop
        ("9.9.9.9", {"CF-Connecting-IP": VISITOR}, "9.9.9.9"),
    ],
)
def test_a_header_of_its_own_for_the_address(peer: str, headers: dict[str, str], address: str | None) -> None:
    """`client_ip_header` is read from a trusted peer only."""
    request = a_request_from(peer, headers)
    Tracker(a_site(trusted_proxies=["private"], client_ip_header="CF-Connecting-IP"), request)

    assert client_ip(request) == address


def test_cookie_domains_are_those_of_the_settings() -> None:
    """A forwarded host chooses among them, and adds none."""
    for host, domain in (("www.shop.example", b"; Domain=shop.example"), ("evil.example", b"; Path=/")):
        request = a_request_from("10.0.0.1", {"X-Forwarded-Host": host}, host="internal:8000")
        tracker = Tracker(a_site(trusted_proxies=PROXIES, cookie_domains=["shop.example"]), request)
        cookies = [value for name, value in with_our_headers(tracker, 200, list(HTML)) if name == b"set-cookie"]

        assert cookies
        assert all(domain in cookie and b"evil" not in cookie for cookie in cookies)
        assert all((b"Domain=" in cookie) is (host == "www.shop.example") for cookie in cookies)
