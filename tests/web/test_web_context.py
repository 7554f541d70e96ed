"""The context of a request."""

from __future__ import annotations

import markers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_requests import CLICKED, NOW, NOW_MS, VISITOR, VISITOR_COOKIE, a_request, a_site, a_tracker

from tiktok_events.web import Consent, CookiePolicy, WebRequest
from tiktok_events.web._visitor.context import Context, context_from

POLICY = CookiePolicy()


def context_of(request: WebRequest, consent: Consent = Consent.GRANTED, **settings: object) -> Context:
    return context_from(request, POLICY, now=NOW, new_id=lambda: VISITOR, consent=consent, **settings)  # type: ignore[arg-type]


def test_all_fields() -> None:
    """Click, pixel and visitor id, page, referrer, address, browser and language."""
    context = context_of(
        a_request(query=CLICKED, cookie=f"{VISITOR_COOKIE}; _ttp={markers.TTP}", referer="https://search.example/")
    )

    assert context.as_dict() == {
        "url": f"https://shop.example/buy?{CLICKED}",
        "referrer": "https://search.example/",
        "ip": markers.IP,
        "user_agent": markers.USER_AGENT,
        "locale": "en-GB",
        "ttclid": markers.TTCLID,
        "clicked_ms": NOW_MS,
        "ttp": markers.TTP,
        "visitor_id": VISITOR,
        "visitor_ms": NOW_MS,
        "limited_data_use": False,
    }


@given(
    query=st.binary(max_size=60),
    cookie=st.binary(max_size=60),
    referer=st.binary(max_size=60),
    host=st.binary(max_size=9),
)
def test_no_request_raises(query: bytes, cookie: bytes, referer: bytes, host: bytes) -> None:
    """A request of any bytes has a context."""
    headers = [(b"host", host), (b"cookie", b"ttclid=" + cookie), (b"referer", b"http://[" + referer)]
    scope = {"headers": [*headers, (b"accept-language", cookie)], "query_string": b"ttclid=" + query, "path": "/"}

    assert context_of(WebRequest.from_scope(scope)).ip is None


@pytest.mark.parametrize("click_id", ["z" * 10_240, ";zzpii", "%0d%0apii", "%ff%fe", ""])
def test_an_invalid_click_id_is_ignored(click_id: str) -> None:
    """It is not cut and not decoded twice; the click in the cookie stays."""
    request = a_request(query=f"ttclid={click_id}", cookie=f"ttclid={markers.TTCLID}.{NOW_MS}")

    assert context_of(request).ttclid == markers.TTCLID


def test_of_repeated_parameters_the_first_valid_one_counts() -> None:
    """As in a link that was pasted together."""
    assert context_of(a_request(query="ttclid=&ttclid=%3B&ttclid=zzpii-1&ttclid=zzpii-2")).ttclid == "zzpii-1"


def test_a_flood_of_parameters_is_no_click() -> None:
    """A query with more than 500 parameters has no click."""
    assert context_of(a_request(query=f"{'a=1&' * 501}{CLICKED}")).ttclid is None


def test_the_url_beats_the_cookie_and_the_cookie_the_referrer() -> None:
    """A referrer of this host has the id of a landing that was prerendered or had no consent yet."""
    referer = f"https://shop.example/?{CLICKED}#top"
    stored = f"ttclid=zzpii-stored.{NOW_MS}"
    clicks = [
        context_of(a_request(query="ttclid=zzpii-url", cookie=stored, referer=referer)).ttclid,
        context_of(a_request(cookie=stored, referer=referer)).ttclid,
        context_of(a_request(referer=referer)).ttclid,
        context_of(a_request(referer=f"https://other.example/?{CLICKED}")).ttclid,
        context_of(a_request(referer="https://shop.example/?ttclid=%3B")).ttclid,
    ]

    assert clicks == ["zzpii-url", "zzpii-stored", markers.TTCLID, None, None]


def test_the_same_click_keeps_its_time() -> None:
    """Reloading the landing page is not a new click."""
    context = context_of(a_request(query=CLICKED, cookie=f"ttclid={markers.TTCLID}.{NOW_MS - 5}"))

    assert context.clicked_ms == NOW_MS - 5


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"hx_current_url": "https://shop.example/cart?a=1#x", "referer": "https://shop.example/"}, "/cart?a=1"),
        ({"hx_current_url": "https://evil.example/cart", "referer": "https://shop.example/list"}, "/list"),
        ({"referer": "https://evil.example/"}, "/buy"),
        ({"hx_current_url": "https://[evil", "referer": "nonsense"}, "/buy"),
        ({"referer": "https://www.shop.example/other"}, "www"),
    ],
)
def test_the_page_of_a_fragment(headers: dict[str, str], url: str) -> None:
    """HX-Current-URL, else the Referer, if its host is ours or in a configured domain."""
    expected = "https://www.shop.example/other" if url == "www" else f"https://shop.example{url}"
    context = context_of(a_request(hx_request="true", **headers), own_domains=["shop.example"])

    assert context.url == expected


def test_a_navigation_ignores_hx_current_url() -> None:
    """Browsers do not send HX-Current-URL on a navigation."""
    assert context_of(a_request(hx_current_url="https://shop.example/cart")).url == "https://shop.example/buy"


def test_secrets_and_fragments_are_removed_from_urls() -> None:
    """3.14: token, password and email-like values are removed; a long query is removed completely."""
    context = context_of(
        a_request(
            query=f"token=zzpii&e={markers.EMAIL}&a=1",
            referer=f"https://zzpii:zzpii@search.example/?q=1&password=zzpii#{markers.EMAIL}",
        )
    )

    assert context.url == "https://shop.example/buy?a=1"
    assert context.referrer == "https://search.example/?q=1"
    assert context_of(a_request(query="a=" + "z" * 5_000)).url == "https://shop.example/buy"
    assert context_of(a_request(referer="caf\u00e9")).referrer is None


@pytest.mark.parametrize("consent", [Consent.UNKNOWN, Consent.DENIED])
def test_without_consent_no_id_is_read(consent: Consent) -> None:
    """3.11: neither cookies nor the click are read."""
    context = context_of(a_request(query=CLICKED, cookie=f"{VISITOR_COOKIE}; _ttp={markers.TTP}"), consent)

    assert (context.ttclid, context.ttp, context.visitor_id) == (None,) * 3


@pytest.mark.parametrize(("value", "expected"), [("1", True), ("0", False), ("", False), ("1, 1", False)])
@pytest.mark.reference("8.5.10a")
def test_global_privacy_control(value: str, expected: bool) -> None:
    """Only the value 1 counts."""
    assert context_of(a_request(sec_gpc=value)).limited_data_use is expected
    assert context_of(a_request(sec_gpc=value), gpc=False).limited_data_use is False


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        ("de-CH;q=0.9, en", "de-CH"),
        ("*", None),
        ("zzpii_DE", None),
        ("12-34", None),
        ("en-" + "a" * 40, None),
        ("", None),
    ],
)
def test_the_first_language_is_the_locale(header: str, locale: str | None) -> None:
    """A value that is not a BCP 47 tag is left out."""
    assert context_of(a_request(accept_language=header, cookie="a=b")).locale == locale


def test_a_user_agent_is_cleaned() -> None:
    """Control characters are removed; a long one is cut."""
    assert context_of(a_request(user_agent="Mozilla/5.0\x07 (X11)")).user_agent == "Mozilla/5.0 (X11)"
    assert context_of(a_request(user_agent="\x07")).user_agent is None
    assert len(context_of(a_request(user_agent="z" * 3_000)).user_agent or "") == 1_000


def test_a_webhook_has_no_context() -> None:
    """3.9: not the address, user agent or path of the payment provider."""
    bare = {name.replace("-", "_"): "" for name in ("accept", "accept-language", "sec-fetch-dest", "sec-fetch-mode")}

    assert context_of(a_request("POST", user_agent="Stripe/1.0", **bare)) == Context()


def test_no_visitor_is_made_where_no_cookie_may_be_written() -> None:
    """Otherwise every request of a browser without the cookie would have a new visitor id."""
    fragment = a_tracker(sec_fetch_dest="empty")
    prefetch = a_tracker(sec_purpose="prefetch")
    bot = a_tracker(user_agent="curl/8")
    excluded = a_tracker(a_site(exclude=lambda request: request.path == "/buy"))
    visitors = [tracker.context.visitor_id for tracker in (fragment, prefetch, bot, excluded, a_tracker())]

    assert visitors == [None, None, None, None, VISITOR]


def test_its_repr_names_fields_only() -> None:
    """3.14: the repr of a context has no values."""
    assert repr(Context(ip=markers.IP, ttclid=markers.TTCLID)) == "Context(ip, ttclid)"
