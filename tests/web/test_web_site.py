"""Each setting of a site has its effect, and a page is private only if it depends on the visitor."""

from __future__ import annotations

import inspect
import json
import logging
import re
from pathlib import Path
from typing import Any

import markers
import pytest
from marker_hook import raises
from web_requests import (
    CLICKED,
    HTML,
    NOW,
    PRIVATE,
    SECRET,
    VISITOR_COOKIE,
    Recorder,
    a_request,
    a_site,
    a_tracker,
    cookies_of,
    sent_by,
)

import tiktok_events as tt
from tiktok_events.web import ASGIMiddleware, ConsentCookie, CookiePolicy, Site, TemplateVariable, Tracker, WebRequest
from tiktok_events.web._middleware.response import add_headers
from tiktok_events.web._visitor.cookies import Click, SetCookie, Visitor

RULE = ConsentCookie("agreed", granted={"yes"}, denied={"no"})


def data_of(tracker: Tracker) -> dict[str, Any]:
    """The data of the page."""
    found: dict[str, Any] = json.loads(TemplateVariable(tracker).data().partition(">")[2].partition("<")[0])
    return found


def test_every_setting_is_in_the_reference() -> None:
    """The documentation has a row for each setting, and no other row."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "site.md").read_text("utf-8")
    settings = list(inspect.signature(Site).parameters)

    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == settings


@pytest.mark.parametrize(
    "settings",
    [
        {"secret_key": "short"},
        {"source": tt.EventSource.offline("7123456789012", "example-token")},
        {"pixels": ["<script>"]},
        {"client": Recorder(), "outbox": tt.MemoryOutbox()},
    ],
)
def test_invalid_settings_are_refused_at_once(settings: dict[str, Any]) -> None:
    """A mistake in the settings raises at start, not on a page."""
    with raises(tt.ConfigurationError):
        a_site(**settings)


def test_further_pixels_and_load_options_reach_the_page() -> None:
    """`pixels` get every call, too; `load_options` go to `ttq.load`."""
    data = data_of(a_tracker(a_site(pixels=["CSECOND0PIXEL0000000"], load_options={"partner": "zzpii-partner"})))

    assert data["pixels"][1:] == ["CSECOND0PIXEL0000000"]
    assert data["options"] == {"partner": "zzpii-partner"}


def test_digests_are_rendered_only_with_advanced_matching() -> None:
    """It is off by default, because every script of the page can read the digests."""
    off, on = (a_tracker(a_site(advanced_matching=choice)) for choice in (False, True))
    for tracker in (off, on):
        tracker.identify(email=markers.EMAIL)

    assert "identify" not in data_of(off)
    assert set(data_of(on)["identify"]) == {"sha256_email", "external_id"}
    assert PRIVATE in add_headers(on, 200, list(HTML))


def test_an_excluded_path_has_no_snippet_and_no_cookie() -> None:
    """Events tracked there are still sent."""
    site = a_site(exclude=lambda request: request.path.startswith("/admin"))
    tracker = a_tracker(site, path="/admin/orders")

    assert not TemplateVariable(tracker).enabled
    assert (
        TemplateVariable(tracker).pixel(),
        TemplateVariable(tracker).data(),
        TemplateVariable(tracker).events(),
    ) == ("", "", [])
    assert cookies_of(add_headers(tracker, 200, list(HTML))) == {}
    assert tracker.track("Purchase", key=1).sent
    assert TemplateVariable(a_tracker(site)).enabled


def test_proxies_and_domains() -> None:
    """`trusted_proxies` decide whose header counts, `cookie_domains` the domain of cookies."""
    site = a_site(trusted_proxies=["9.9.9.9"], cookie_domains=["shop.example"])
    request = WebRequest(
        path="/",
        query=CLICKED,
        peer="9.9.9.9",
        headers=[
            *((name.encode(), value.encode()) for name, value in a_request(host="www.shop.example").headers.items()),
            (b"x-forwarded-for", b"8.8.8.8"),
        ],
    )
    tracker = Tracker(site, request)

    assert tracker.context.ip == "8.8.8.8"
    assert all("; Domain=shop.example" in one for one in cookies_of(add_headers(tracker, 200, list(HTML))).values())


def test_the_url_is_for_events_without_a_page() -> None:
    """For a renewal in a task; the visitor's page wins."""
    site = a_site(url="https://shop.example/renewals")
    site.resume(None, consent=True).track("Subscribe", key=1)
    a_tracker(site).track("Lead")

    assert [event.page and event.page.url for event in sent_by(site)] == [site.url, "https://shop.example/buy"]


def test_currency_is_filled_in_only_beside_a_value() -> None:
    """Never in place of the event's own, and never without a value."""
    site = a_site(currency="eur")
    a_tracker(site).track("Purchase", key=1, properties={"value": 5})
    a_tracker(site).track("Purchase", key=2, properties={"value": 5, "currency": "chf"})
    a_tracker(site).track("ViewContent", properties={"content_type": "product"})

    assert [event.properties and event.properties.currency for event in sent_by(site)] == ["EUR", "CHF", None]


@pytest.mark.parametrize(
    ("gpc", "rule", "expected"),
    [
        ("ldu", None, "ldu"),
        ("deny", None, "deny"),
        ("ignore", None, None),
        ("deny", RULE, "deny"),
        ("deny", lambda request: True, "ldu"),
    ],
)
def test_the_effect_of_gpc_in_the_page(gpc: str, rule: Any, expected: str | None) -> None:
    """The script of a cached page reads the signal; a callable has read it already, so its grant wins."""
    assert data_of(a_tracker(a_site(gpc=gpc, consent=rule))).get("gpc") == expected


def test_a_page_denied_by_gpc_is_private() -> None:
    """3.15: with `gpc="deny"` and no rule it has no pixel, so no shared cache may store it; other pages may be cached."""
    site = a_site(consent=None, gpc="deny")
    refused, other = a_tracker(site, sec_gpc="1", cookie=VISITOR_COOKIE), a_tracker(site, cookie=VISITOR_COOKIE)

    assert TemplateVariable(refused).pixel() == ""
    assert PRIVATE in add_headers(refused, 200, list(HTML))
    assert TemplateVariable(other).pixel() != ""
    assert add_headers(other, 200, list(HTML)) == HTML


def test_strict_follows_the_setting_then_the_debug_mode() -> None:
    """A plain request has no debug mode."""

    class Debugged(WebRequest):
        @property
        def debug(self) -> bool:
            return True

    plain, debugged = WebRequest(), Debugged()

    assert [a_site().is_strict(one) for one in (plain, debugged)] == [False, True]
    assert [a_site(strict=True).is_strict(one) for one in (plain, debugged)] == [True, True]
    assert [a_site(strict=False).is_strict(one) for one in (plain, debugged)] == [False, False]
    with raises(TypeError):
        Tracker(a_site(), debugged).track("Lead", valu=1)


def test_revoking_consent_drops_the_calls_of_the_request() -> None:
    """3.11: earlier events of the request are in no header, cookie or page."""
    fetched = a_tracker(method="POST", sec_fetch_dest="empty")
    posted = a_tracker(a_site(consent=RULE), method="POST", cookie="agreed=yes")
    for tracker in (fetched, posted):
        tracker.track("Lead")
        tracker.revoke_consent()

    assert b"tiktok-events" not in dict(add_headers(fetched, 204, []))
    assert cookies_of(add_headers(posted, 303, [])) == {}
    assert data_of(posted)["calls"] == []


def test_calls_of_a_redirect_are_not_rendered_after_a_denial() -> None:
    """3.8 and 3.11: with a `ConsentCookie` the base code is still rendered."""
    site = a_site(consent=RULE)
    posted = a_tracker(site, method="POST", cookie="agreed=yes")
    posted.track("Lead")
    cookie = cookies_of(add_headers(posted, 303, []))["_tte_next"].partition(";")[0]
    calls = {
        value: len(data_of(a_tracker(site, cookie=f"{value}; {cookie}"))["calls"])
        for value in ("agreed=yes", "agreed=no", "other=1")
    }

    assert calls == {"agreed=yes": 1, "agreed=no": 0, "other=1": 0}


@pytest.mark.parametrize("how", [{"browser": False}, {"server": False}])
def test_tracking_makes_the_response_private(how: dict[str, bool]) -> None:
    """3.15: it has an id from then on, which a page may render."""
    tracker = a_tracker(a_site(consent=None), cookie=VISITOR_COOKIE)
    tracker.track("Lead", **how)

    assert PRIVATE in add_headers(tracker, 200, list(HTML))


def test_a_webhook_request_is_logged_with_its_rule(caplog: pytest.LogCaptureFixture) -> None:
    """3.9: the message says what to write instead."""
    request = WebRequest(method="POST", path="/hook", headers=[(b"user-agent", b"Stripe/1.0")])
    site = a_site()
    with caplog.at_level(logging.WARNING, "tiktok_events"):
        for key in (1, 2):
            Tracker(site, request).track("Purchase", key=key)
        site.resume(a_tracker(site).snapshot()).track("Purchase", key=3)

    assert [re.findall(r"\(([a-z-]+)\)\. .*resume", record.getMessage()) for record in caplog.records] == [
        ["not-a-visitor"]
    ]


def test_no_repr_of_the_web_half_shows_a_value() -> None:
    """3.14: reprs of settings, requests, cookies and contexts name fields only."""
    site = a_site(secret_key=[SECRET], cookies=CookiePolicy())
    tracker = a_tracker(site, query=CLICKED, cookie=f"_ttp={markers.TTP}", referer=f"https://shop.example/?{CLICKED}")
    tracked = tracker.track("Lead", user={"email": markers.EMAIL})
    written = SetCookie("ttclid", markers.TTCLID, 60, http_only=False, secure=True)
    reprs = [
        *(site, tracker, tracker.request, tracker.context, Click(markers.TTCLID, 1), Visitor("zzpii", 1), tracked),
        *(
            TemplateVariable(tracker),
            tracker.calls,
            tracker.snapshot(),
            written,
            ASGIMiddleware(_app, site),
            tracked.script,
        ),
    ]
    text = " ".join(map(repr, reprs))
    secrets = [SECRET, markers.TTCLID, markers.TTP, markers.IP, markers.USER_AGENT, markers.EMAIL, tracked.event_id]

    assert [secret for secret in secrets if secret and secret in text] == []
    assert tracker.context.visitor_id is not None
    assert tracker.context.visitor_id not in text


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """An app that is never called."""


def test_clock_and_new_id_come_from_the_site() -> None:
    """Nothing else reads the time or makes an id."""
    site = a_site(clock=lambda: NOW + 5, new_id=lambda: "7b" * 16)
    tracker = a_tracker(site)
    tracker.track("Lead")

    assert sent_by(site)[0].event_time == NOW + 5
    assert tracker.context.visitor_id == "7b" * 16
