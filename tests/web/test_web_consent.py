"""Consent, row by row of the design's table."""

from __future__ import annotations

import logging
from typing import Any

import markers
import pytest
from web_requests import CLICKED, NOW_MS, VISITOR_COOKIE, a_site, a_tracker, cookies_of, sent_by

from tiktok_events._runtime.log_once import were_logged
from tiktok_events.web import Consent, ConsentCookie, Site, TemplateVariable, Tracker, WebRequest
from tiktok_events.web._middleware.response import add_headers
from tiktok_events.web._visitor import consent as consent_module

HTML = [(b"content-type", b"text/html")]
OWN = f"{VISITOR_COOKIE}; ttclid=zzpii-old.{NOW_MS - 5}; _ttp={markers.TTP}"
RULE = ConsentCookie("cookie_consent", granted={"yes"}, denied={"no"})


def visit(answer: bool | None, **settings: Any) -> tuple[Site, Tracker]:
    """One landing with a fresh click and old cookies, where something is tracked."""
    gpc = settings.pop("sec_gpc", "")
    site = a_site(consent=lambda request: answer, **settings)
    tracker = a_tracker(site, query=CLICKED, cookie=OWN, sec_gpc=gpc)
    tracker.track("Purchase", key="zzpii-1", user={"ip": markers.IP})
    return site, tracker


def ids_read(tracker: Tracker) -> list[str | None]:
    return [tracker.context.ttclid, tracker.context.ttp]


def test_granted() -> None:
    """3.11, row 1: cookies written, own kept, ids read, full snippet, sent."""
    site, tracker = visit(True)
    snippet = TemplateVariable(tracker).pixel()
    written = cookies_of(add_headers(tracker, 200, list(HTML)))

    assert list(written) == ["ttclid"]
    assert "Max-Age=0" not in written["ttclid"]
    assert ids_read(tracker) == [markers.TTCLID, markers.TTP]
    assert '"event":"Purchase"' in snippet
    assert '"hold":false' in snippet
    assert [event.event for event in sent_by(site)] == ["Purchase"]


def test_unknown_and_blocked() -> None:
    """3.11, row 2: nothing is written, read, rendered or sent; own cookies are left alone."""
    site, tracker = visit(None)

    assert not TemplateVariable(tracker).pixel()
    assert not TemplateVariable(tracker).events()
    assert not TemplateVariable(tracker).data()
    assert cookies_of(add_headers(tracker, 200, list(HTML))) == {}
    assert ids_read(tracker) == [None, None]
    assert sent_by(site) == []


def test_unknown_and_held() -> None:
    """3.11, row 3: base code that holds, with the calls waiting; nothing written, read or sent."""
    site, tracker = visit(None, on_unknown_consent="hold")
    snippet = TemplateVariable(tracker).pixel()

    assert '"hold":true' in snippet
    assert '"event":"Purchase"' in snippet
    assert cookies_of(add_headers(tracker, 200, list(HTML))) == {}
    assert ids_read(tracker) == [None, None]
    assert sent_by(site) == []


@pytest.mark.parametrize("hold", ["block", "hold"])
def test_denied(hold: str) -> None:
    """3.11, row 4: own cookies are expired; nothing is read, rendered or sent."""
    site, tracker = visit(False, on_unknown_consent=hold)
    written = cookies_of(add_headers(tracker, 200, list(HTML)))

    assert not TemplateVariable(tracker).pixel()
    assert sorted(written) == ["_tte_id", "ttclid"]
    assert all("Max-Age=0" in one for one in written.values())
    assert ids_read(tracker) == [None, None]
    assert sent_by(site) == []


def test_granted_with_global_privacy_control() -> None:
    """3.11, row 5: everything, with limited data use in both halves."""
    site, tracker = visit(True, sec_gpc="1")
    snippet = TemplateVariable(tracker).pixel()

    assert list(cookies_of(add_headers(tracker, 200, list(HTML)))) == ["ttclid"]
    assert ids_read(tracker) == [markers.TTCLID, markers.TTP]
    assert '"limited_data_use":1' in snippet
    assert '"limited_data_use":true' in snippet
    assert [event.limited_data_use for event in sent_by(site)] == [True]


@pytest.mark.parametrize(
    ("rule", "gpc", "expected"),
    [
        (None, "deny", Consent.DENIED),
        (lambda request: None, "deny", Consent.DENIED),
        (lambda request: True, "deny", Consent.GRANTED),
        (None, "ldu", Consent.GRANTED),
        (None, "ignore", Consent.GRANTED),
    ],
)
@pytest.mark.reference("8.5.10a")
def test_gpc_may_deny(rule: Any, gpc: str, expected: Consent) -> None:
    """`gpc="deny"` is a no, unless the visitor has said yes."""
    assert a_tracker(a_site(consent=rule, gpc=gpc), sec_gpc="1").consent is expected


@pytest.mark.parametrize("answer", ["yes", 1, [], object()])
def test_any_other_answer_is_a_no(answer: object, caplog: pytest.LogCaptureFixture) -> None:
    """A rule that answers the cookie's text has said nothing."""
    assert a_tracker(a_site(consent=lambda request: answer)).consent is Consent.DENIED


@pytest.mark.reference("8.5.10b")
def test_a_rule_that_raises_is_a_no(caplog: pytest.LogCaptureFixture) -> None:
    """Denied, one line in the log, and no value in it."""

    class BannerMissingError(Exception):
        pass

    def rule(request: object) -> bool:
        raise BannerMissingError(markers.EMAIL)

    with caplog.at_level(logging.ERROR, "tiktok_events"):
        answers = [a_tracker(a_site(consent=rule)).consent for _ in range(3)]

    assert answers == [Consent.DENIED] * 3
    assert [record.getMessage() for record in caplog.records] == [
        "the consent rule raised BannerMissingError: consent is denied"
    ]


def test_the_rule_is_asked_once_and_on_first_use() -> None:
    """A rule may look into a database."""
    asked: list[object] = []
    site = a_site(consent=asked.append)
    tracker = a_tracker(site)

    assert asked == []
    assert [tracker.consent, tracker.consent] == [Consent.UNKNOWN] * 2
    assert asked == [tracker.request]


def test_the_rule_gets_the_frameworks_request() -> None:
    """An adapter gives its own; a cookie rule needs none."""
    native = object()
    seen: list[object] = []

    class Adapted(WebRequest):
        @property
        def native(self) -> object:
            return native

    request = Adapted(headers=[(b"cookie", b"cookie_consent=yes")])

    assert consent_module.consent_from_rule(seen.append, request) is Consent.UNKNOWN
    assert seen == [native]
    assert consent_module.consent_from_rule(RULE, request) is Consent.GRANTED
    assert consent_module.consent_from_rule(lambda _: Consent.DENIED, request) is Consent.DENIED


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("cookie_consent=yes", Consent.GRANTED),
        ("cookie_consent=no", Consent.DENIED),
        ("cookie_consent=perhaps", Consent.DENIED),
        ("other=yes", Consent.UNKNOWN),
    ],
)
def test_a_consent_cookie(cookie: str, expected: Consent) -> None:
    """A missing cookie is unknown, a value in neither set denied."""
    assert a_tracker(a_site(consent=RULE), cookie=cookie).consent is expected


def test_a_page_with_a_consent_cookie_is_everybodys() -> None:
    """3.15: the page's script asks the cookie, so base code alone stays the same, and cacheable."""
    pages = []
    for cookie in ("cookie_consent=yes", "cookie_consent=no", ""):
        tracker = a_tracker(
            a_site(consent=RULE), cookie=f"{VISITOR_COOKIE}; {cookie}" if "no" not in cookie else cookie
        )
        pages.append(TemplateVariable(tracker).pixel())

        assert add_headers(tracker, 200, [*HTML, (b"cache-control", b"public")])[1] == (b"cache-control", b"public")

    assert len(set(pages)) == 1
    assert '"consent":{"name":"cookie_consent","granted":["yes"]}' in pages[0]


@pytest.mark.parametrize("answer", [True, False, None])
def test_a_page_that_a_callable_decided_is_private(answer: bool | None) -> None:
    """3.15: with or without the snippet, it is one visitor's."""
    tracker = a_tracker(a_site(consent=lambda request: answer), cookie=VISITOR_COOKIE)
    TemplateVariable(tracker).pixel()

    assert (b"cache-control", b"private") in add_headers(tracker, 200, list(HTML))


def test_a_yes_on_a_post_writes_cookies_in_its_answer() -> None:
    """A banner's answer is the first that may: the landing's click is still in the Referer."""
    tracker = a_tracker(
        a_site(consent=lambda request: None),
        method="POST",
        sec_fetch_dest="empty",
        referer=f"https://shop.example/?{CLICKED}",
    )
    tracker.grant_consent()
    written = cookies_of(add_headers(tracker, 204, []))

    assert sorted(written) == ["_tte_id", "ttclid"]
    assert tracker.consent is Consent.GRANTED


def test_a_no_on_a_post_expires_cookies_in_its_answer() -> None:
    """Ours alone; for this host and for the domain they may have been written for."""
    cookie = f"{OWN}; _tte_next=x"
    tracker = a_tracker(a_site(cookie_domains=["shop.example"]), method="POST", cookie=cookie)
    tracker.revoke_consent()
    headers = [value.decode() for name, value in add_headers(tracker, 204, []) if name == b"set-cookie"]

    assert sorted(cookies_of(add_headers(tracker, 204, []))) == ["_tte_id", "_tte_next", "ttclid"]
    assert len(headers) == 5
    assert all("=; Path=/; Max-Age=0" in one for one in headers)


def test_no_post_but_a_banners_writes_identifier_cookies() -> None:
    """Tracking on a POST is no landing."""
    tracker = a_tracker(method="POST", query=CLICKED)
    tracker.track("Purchase", key=1)

    assert set(cookies_of(add_headers(tracker, 200, list(HTML)))) == {"_tte_next"}


def test_no_rule_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    """A site that asks elsewhere is taken at its word."""
    message = "no consent rule is set: consent is assumed"
    for _ in range(2):
        assert a_tracker(a_site(consent=None)).consent is Consent.GRANTED

    assert were_logged([message])
    assert [record.getMessage() for record in caplog.records].count(message) <= 1
