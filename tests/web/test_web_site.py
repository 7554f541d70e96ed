"""Every setting of a site has its effect; the page that shows it is one visitor's only where it must be."""

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
    """What a page is told."""
    found: dict[str, Any] = json.loads(TemplateVariable(tracker).data().partition(">")[2].partition("<")[0])
    return found


def test_every_setting_is_in_the_reference() -> None:
    """None without a line there, and no line without a setting."""
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
def test_settings_that_cannot_be_are_refused_at_once(settings: dict[str, Any]) -> None:
    """A mistake in the settings shows at start, not on a page."""
    with raises(tt.ConfigurationError):
        a_site(**settings)


def test_further_pixels_and_load_options_reach_the_page() -> None:
    """`pixels` get every call too; `load_options` are what `ttq.load` is given."""
    data = data_of(a_tracker(a_site(pixels=["CSECOND0PIXEL0000000"], load_options={"partner": "zzpii-partner"})))

    assert data["pixels"][1:] == ["CSECOND0PIXEL0000000"]
    assert data["options"] == {"partner": "zzpii-partner"}


def test_digests_are_printed_only_when_the_site_wants_matching() -> None:
    """`advanced_matching` is off by default: every script of a page can read what stands in it."""
    off, on = (a_tracker(a_site(advanced_matching=choice)) for choice in (False, True))
    for tracker in (off, on):
        tracker.identify(email=markers.EMAIL)

    assert "identify" not in data_of(off)
    assert set(data_of(on)["identify"]) == {"sha256_email", "external_id"}
    assert PRIVATE in add_headers(on, 200, list(HTML))


def test_an_excluded_path_has_no_snippet_and_no_cookie() -> None:
    """What is tracked there by name still goes: a purchase is one on any path."""
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


def test_proxies_and_domains_are_the_sites() -> None:
    """`trusted_proxies` say whose header counts, `cookie_domains` what a cookie is for."""
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
    """A renewal's, from a task; a visitor's page wins over it."""
    site = a_site(url="https://shop.example/renewals")
    site.resume(None, consent=True).track("Subscribe", key=1)
    a_tracker(site).track("Lead")

    assert [event.page and event.page.url for event in sent_by(site)] == [site.url, "https://shop.example/buy"]


def test_currency_is_filled_in_only_beside_a_value() -> None:
    """Never over the event's own, and never without money."""
    site = a_site(currency="eur")
    a_tracker(site).track("Purchase", key=1, properties={"value": 5})
    a_tracker(site).track("Purchase", key=2, properties={"value": 5, "currency": "chf"})
    a_tracker(site).track("ViewContent", properties={"content_type": "product"})

    assert [event.properties and event.properties.currency for event in sent_by(site)] == ["EUR", "CHF", None]


@pytest.mark.parametrize(
    ("gpc", "rule", "told"),
    [
        ("ldu", None, "ldu"),
        ("deny", None, "deny"),
        ("ignore", None, None),
        ("deny", RULE, "deny"),
        ("deny", lambda request: True, "ldu"),
    ],
)
def test_what_the_page_makes_of_the_browsers_signal(gpc: str, rule: Any, told: str | None) -> None:
    """A cached page weighs the signal itself; a callable has done so already, and its yes wins."""
    assert data_of(a_tracker(a_site(gpc=gpc, consent=rule))).get("gpc") == told


def test_a_browsers_own_no_makes_no_page_for_others() -> None:
    """3.15: with `gpc="deny"` and no rule it renders nothing, so no shared cache may keep it; the other page it may."""
    site = a_site(consent=None, gpc="deny")
    refused, other = a_tracker(site, sec_gpc="1", cookie=VISITOR_COOKIE), a_tracker(site, cookie=VISITOR_COOKIE)

    assert TemplateVariable(refused).pixel() == ""
    assert PRIVATE in add_headers(refused, 200, list(HTML))
    assert TemplateVariable(other).pixel() != ""
    assert add_headers(other, 200, list(HTML)) == HTML


def test_a_site_is_strict_as_it_says_else_as_the_request_does() -> None:
    """A plain request knows of no debug mode."""

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


def test_a_no_takes_the_calls_of_its_request_along() -> None:
    """3.11: what was tracked before `revoke_consent()` reaches neither header, cookie nor page."""
    fetched = a_tracker(method="POST", sec_fetch_dest="empty")
    posted = a_tracker(a_site(consent=RULE), method="POST", cookie="agreed=yes")
    for tracker in (fetched, posted):
        tracker.track("Lead")
        tracker.revoke_consent()

    assert b"tiktok-events" not in dict(add_headers(fetched, 204, []))
    assert cookies_of(add_headers(posted, 303, [])) == {}
    assert data_of(posted)["calls"] == []


def test_a_redirects_calls_are_not_printed_for_who_has_refused_since() -> None:
    """3.8 and 3.11: with a `ConsentCookie` the base code still stands there for everybody."""
    site = a_site(consent=RULE)
    posted = a_tracker(site, method="POST", cookie="agreed=yes")
    posted.track("Lead")
    carried = cookies_of(add_headers(posted, 303, []))["_tte_next"].partition(";")[0]
    calls = {
        said: len(data_of(a_tracker(site, cookie=f"{said}; {carried}"))["calls"])
        for said in ("agreed=yes", "agreed=no", "other=1")
    }

    assert calls == {"agreed=yes": 1, "agreed=no": 0, "other=1": 0}


@pytest.mark.parametrize("how", [{"browser": False}, {"server": False}])
def test_whatever_is_tracked_makes_the_answer_one_visitors(how: dict[str, bool]) -> None:
    """3.15: it has an id from then on, and a page may print that by itself."""
    tracker = a_tracker(a_site(consent=None), cookie=VISITOR_COOKIE)
    tracker.track("Lead", **how)

    assert PRIVATE in add_headers(tracker, 200, list(HTML))


def test_a_webhook_is_told_by_its_rule(caplog: pytest.LogCaptureFixture) -> None:
    """3.9: in words that name what to write instead."""
    request = WebRequest(method="POST", path="/hook", headers=[(b"user-agent", b"Stripe/1.0")])
    site = a_site()
    with caplog.at_level(logging.WARNING, "tiktok_events"):
        for key in (1, 2):
            Tracker(site, request).track("Purchase", key=key)
        site.resume(a_tracker(site).snapshot()).track("Purchase", key=3)

    assert [re.findall(r"\(([a-z-]+)\)\. .*resume", record.getMessage()) for record in caplog.records] == [
        ["not-a-visitor"]
    ]


def test_no_repr_of_the_web_half_tells_a_value() -> None:
    """3.14: settings, requests, cookies and contexts name what is set; markers.py looks for the values."""
    site = a_site(secret_key=[SECRET], cookies=CookiePolicy())
    tracker = a_tracker(site, query=CLICKED, cookie=f"_ttp={markers.TTP}", referer=f"https://shop.example/?{CLICKED}")
    tracked = tracker.track("Lead", user={"email": markers.EMAIL})
    written = SetCookie("ttclid", markers.TTCLID, 60, http_only=False, secure=True)
    shown = [
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
    text = " ".join(map(repr, shown))
    secrets = [SECRET, markers.TTCLID, markers.TTP, markers.IP, markers.USER_AGENT, markers.EMAIL, tracked.event_id]

    assert [secret for secret in secrets if secret and secret in text] == []
    assert tracker.context.visitor_id is not None
    assert tracker.context.visitor_id not in text


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """An app that nobody asks."""


def test_the_clock_and_the_dice_are_the_sites() -> None:
    """Tests pass their own; nothing else looks at a watch."""
    site = a_site(clock=lambda: NOW + 5, new_id=lambda: "7b" * 16)
    tracker = a_tracker(site)
    tracker.track("Lead")

    assert sent_by(site)[0].event_time == NOW + 5
    assert tracker.context.visitor_id == "7b" * 16
