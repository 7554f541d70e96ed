"""Consent: each row of the table in design 3.11."""

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


def visit(value: bool | None, **settings: Any) -> tuple[Site, Tracker]:
    """A landing with a new click and old cookies, where an event is tracked."""
    gpc = settings.pop("sec_gpc", "")
    site = a_site(consent=lambda request: value, **settings)
    tracker = a_tracker(site, query=CLICKED, cookie=OWN, sec_gpc=gpc)
    tracker.track("Purchase", key="zzpii-1", user={"ip": markers.IP})
    return site, tracker


def ids_read(tracker: Tracker) -> list[str | None]:
    return [tracker.context.ttclid, tracker.context.ttp]


def test_granted() -> None:
    """3.11, row 1: cookies are written, stored ids are read, the full snippet is rendered, the event is sent."""
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
    """3.11, row 2: nothing is written, read, rendered or sent; our cookies stay."""
    site, tracker = visit(None)

    assert not TemplateVariable(tracker).pixel()
    assert not TemplateVariable(tracker).events()
    assert not TemplateVariable(tracker).data()
    assert cookies_of(add_headers(tracker, 200, list(HTML))) == {}
    assert ids_read(tracker) == [None, None]
    assert sent_by(site) == []


def test_unknown_and_held() -> None:
    """3.11, row 3: base code with held calls; nothing is written, read or sent."""
    site, tracker = visit(None, on_unknown_consent="hold")
    snippet = TemplateVariable(tracker).pixel()

    assert '"hold":true' in snippet
    assert '"event":"Purchase"' in snippet
    assert cookies_of(add_headers(tracker, 200, list(HTML))) == {}
    assert ids_read(tracker) == [None, None]
    assert sent_by(site) == []


@pytest.mark.parametrize("hold", ["block", "hold"])
def test_denied(hold: str) -> None:
    """3.11, row 4: our cookies are expired; nothing is read, rendered or sent."""
    site, tracker = visit(False, on_unknown_consent=hold)
    written = cookies_of(add_headers(tracker, 200, list(HTML)))

    assert not TemplateVariable(tracker).pixel()
    assert sorted(written) == ["_tte_id", "ttclid"]
    assert all("Max-Age=0" in header for header in written.values())
    assert ids_read(tracker) == [None, None]
    assert sent_by(site) == []


def test_granted_with_global_privacy_control() -> None:
    """3.11, row 5: as granted, with limited data use in both halves."""
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
    """`gpc="deny"` denies, unless the visitor has granted consent."""
    assert a_tracker(a_site(consent=rule, gpc=gpc), sec_gpc="1").consent is expected


@pytest.mark.parametrize("value", ["yes", 1, [], object()])
def test_any_other_result_denies(value: object, caplog: pytest.LogCaptureFixture) -> None:
    """A rule that returns the cookie's text has no valid result."""
    assert a_tracker(a_site(consent=lambda request: value)).consent is Consent.DENIED


@pytest.mark.reference("8.5.10b")
def test_a_rule_that_raises_denies(caplog: pytest.LogCaptureFixture) -> None:
    """One line in the log, without values."""

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


def test_the_rule_is_called_once_on_first_use() -> None:
    """A rule may query a database."""
    calls: list[object] = []
    site = a_site(consent=calls.append)
    tracker = a_tracker(site)

    assert calls == []
    assert [tracker.consent, tracker.consent] == [Consent.UNKNOWN] * 2
    assert calls == [tracker.request]


def test_the_rule_gets_the_frameworks_request() -> None:
    """A callable gets `native`; a `ConsentCookie` gets the `WebRequest`."""
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
    """A missing cookie is unknown, any value in neither set is denied."""
    assert a_tracker(a_site(consent=RULE), cookie=cookie).consent is expected


def test_a_page_with_a_consent_cookie_is_cacheable() -> None:
    """3.15: the page's script reads the cookie, so the base code is the same for all visitors."""
    pages = []
    for cookie in ("cookie_consent=yes", "cookie_consent=no", ""):
        tracker = a_tracker(
            a_site(consent=RULE), cookie=f"{VISITOR_COOKIE}; {cookie}" if "no" not in cookie else cookie
        )
        pages.append(TemplateVariable(tracker).pixel())

        assert add_headers(tracker, 200, [*HTML, (b"cache-control", b"public")])[1] == (b"cache-control", b"public")

    assert len(set(pages)) == 1
    assert '"consent":{"name":"cookie_consent","granted":["yes"]}' in pages[0]


@pytest.mark.parametrize("value", [True, False, None])
def test_a_page_with_a_consent_callable_is_private(value: bool | None) -> None:
    """3.15: it depends on the visitor, with or without the snippet."""
    tracker = a_tracker(a_site(consent=lambda request: value), cookie=VISITOR_COOKIE)
    TemplateVariable(tracker).pixel()

    assert (b"cache-control", b"private") in add_headers(tracker, 200, list(HTML))


def test_granting_consent_on_a_post_writes_cookies() -> None:
    """The response to a banner is the first that may write; the click of the landing is in the Referer."""
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


def test_denying_consent_on_a_post_expires_cookies() -> None:
    """Only our cookies, for this host and for the configured domain."""
    cookie = f"{OWN}; _tte_next=x"
    tracker = a_tracker(a_site(cookie_domains=["shop.example"]), method="POST", cookie=cookie)
    tracker.revoke_consent()
    headers = [value.decode() for name, value in add_headers(tracker, 204, []) if name == b"set-cookie"]

    assert sorted(cookies_of(add_headers(tracker, 204, []))) == ["_tte_id", "_tte_next", "ttclid"]
    assert len(headers) == 5
    assert all("=; Path=/; Max-Age=0" in one for one in headers)


def test_other_posts_write_no_identifier_cookies() -> None:
    """Tracking on a POST is not a landing."""
    tracker = a_tracker(method="POST", query=CLICKED)
    tracker.track("Purchase", key=1)

    assert set(cookies_of(add_headers(tracker, 200, list(HTML)))) == {"_tte_next"}


def test_a_missing_rule_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A site without a rule asks for consent elsewhere."""
    message = "no consent rule is set: consent is assumed"
    for _ in range(2):
        assert a_tracker(a_site(consent=None)).consent is Consent.GRANTED

    assert were_logged([message])
    assert [record.getMessage() for record in caplog.records].count(message) <= 1
