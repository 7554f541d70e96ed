"""`Site(page_views=True)`: the view of a page on both channels, with one id."""

from __future__ import annotations

import json
from typing import Any

import pytest
from web_requests import NOW, VISITOR_COOKIE, a_site, a_tracker, cookies_of, sent_by

from tiktok_events.web import Consent, TemplateVariable, Tracker
from tiktok_events.web._middleware.response import add_headers

HTML = [(b"content-type", b"text/html")]
PRIVATE = (b"cache-control", b"private")


def viewed(**options: Any) -> Tracker:
    """The tracker of a request to a site that tracks page views."""
    return a_tracker(a_site(page_views=True, **options.pop("settings", {})), **options)


def printed_by(face: TemplateVariable) -> list[tuple[str, str | None]]:
    """Name and id of the calls in a page's data."""
    text = face.data().partition(">")[2].partition("<")[0]
    return [(call["event"], call.get("event_id")) for call in json.loads(text)["calls"]] if text else []


def sent(tracker: Tracker) -> list[tuple[str | None, str | None]]:
    """Name and id of what was sent for the tracker's site."""
    return [(event.event, event.event_id) for event in sent_by(tracker.site)]


def test_a_page_that_goes_out_is_viewed_once_on_both_channels() -> None:
    """One name, one id; the server's half waits until the answer leaves, and never goes twice."""
    tracker = viewed()
    (call,) = printed_by(TemplateVariable(tracker))
    before = sent(tracker)
    for _ in range(2):
        add_headers(tracker, 200, list(HTML))

    assert before == []
    assert call[0] == "Pageview"
    assert sent(tracker) == [call]
    assert sent_by(tracker.site)[0].event_time == NOW
    assert tracker.event_id("Pageview") == call[1]
    assert TemplateVariable(tracker).pixel() == ""


def test_the_pixels_own_page_views_are_off_then() -> None:
    """Else the browser would count each page twice: once without an id."""
    snippet = TemplateVariable(viewed()).pixel()

    assert '"page":false' in snippet
    assert '"historyObserver":false' in snippet


def test_without_the_setting_the_pixel_counts_pages() -> None:
    """The default: `page()` in the browser, nothing from the server, and a page that stays cacheable."""
    tracker = a_tracker(a_site(consent=None), cookie=VISITOR_COOKIE)

    assert '"page":true' in TemplateVariable(tracker).pixel()
    assert add_headers(tracker, 200, list(HTML)) == HTML
    assert sent(tracker) == []


@pytest.mark.parametrize(
    ("status", "headers"),
    [(404, HTML), (500, HTML), (302, HTML), (304, HTML), (200, [(b"content-type", b"application/json")]), (204, [])],
)
def test_an_answer_that_is_no_page_was_not_viewed(status: int, headers: list[tuple[bytes, bytes]]) -> None:
    """A template rendered, and the answer became something else: the server reports no view."""
    tracker = viewed()
    TemplateVariable(tracker).pixel()
    add_headers(tracker, status, list(headers))

    assert sent(tracker) == []


def test_a_page_without_the_pixel_is_not_counted() -> None:
    """Neither channel knows of it."""
    tracker = viewed()
    add_headers(tracker, 200, list(HTML))

    assert sent(tracker) == []


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "POST"},
        {"method": "HEAD"},
        {"sec_fetch_dest": "empty"},
        {"hx_request": "true", "sec_fetch_dest": "", "sec_fetch_mode": ""},
        {"turbo_frame": "cart"},
        {"x_requested_with": "XMLHttpRequest"},
        {"sec_purpose": "prefetch;prerender"},
        {"user_agent": "Googlebot/2.1 bot"},
        {"path": "/manual.pdf"},
        {"path": "/admin/orders", "settings": {"exclude": lambda request: request.path.startswith("/admin")}},
        {"settings": {"browser": "off"}},
        {"settings": {"enabled": False}},
        {"settings": {"consent": lambda request: False}},
        {"settings": {"consent": lambda request: None}},
    ],
)
def test_what_is_no_visitors_navigation_is_no_page_view(request_: dict[str, Any]) -> None:
    """Forms, fragments, fetches, prefetches, bots, files, excluded paths, and whoever has not agreed."""
    tracker = viewed(**request_)

    assert printed_by(TemplateVariable(tracker)) == []
    add_headers(tracker, 200, list(HTML))
    assert sent(tracker) == []


def test_a_view_of_the_apps_own_is_the_only_one() -> None:
    """Who tracks `Pageview` with properties of their own gets no second."""
    tracker = viewed()
    tracked = tracker.track("Pageview", properties={"content_type": "product"})

    assert printed_by(TemplateVariable(tracker)) == [("Pageview", tracked.event_id)]
    add_headers(tracker, 200, list(HTML))
    assert sent(tracker) == [("Pageview", tracked.event_id)]


def test_it_takes_the_id_that_was_reserved() -> None:
    """3.6: a data layer above the pixel says the same id."""
    tracker = viewed()
    reserved = TemplateVariable(tracker).event_id("Pageview")

    assert printed_by(TemplateVariable(tracker)) == [("Pageview", reserved)]


def test_the_view_comes_before_what_happened_on_the_page() -> None:
    """As `page()` does: then the calls of the redirect, then the page's own."""
    site = a_site(page_views=True)
    posted = a_tracker(site, method="POST")
    posted.track("AddToCart")
    cookie = cookies_of(add_headers(posted, 303, []))["_tte_next"].partition(";")[0]
    shown = a_tracker(site, cookie=cookie)
    shown.track("ViewContent")

    assert [name for name, _ in printed_by(TemplateVariable(shown))] == ["Pageview", "AddToCart", "ViewContent"]


def test_a_streamed_page_prints_after_its_headers() -> None:
    """The answer is known to be a page by then, so the view is sent with the call."""
    tracker = viewed()
    headers = add_headers(tracker, 200, list(HTML))
    (call,) = printed_by(TemplateVariable(tracker))

    assert sent(tracker) == [call]
    assert PRIVATE in headers


def test_a_streamed_error_is_no_view() -> None:
    """Its headers have said so."""
    tracker = viewed()
    add_headers(tracker, 500, list(HTML))
    TemplateVariable(tracker).pixel()

    assert sent(tracker) == []


def test_a_held_view_waits_in_the_page_alone() -> None:
    """3.11, "hold": the call waits for grantConsent, and the server sends nothing."""
    tracker = viewed(settings={"consent": lambda request: None, "on_unknown_consent": "hold"})
    ((name, event_id),) = printed_by(TemplateVariable(tracker))
    add_headers(tracker, 200, list(HTML))

    assert (name, bool(event_id)) == ("Pageview", True)
    assert sent(tracker) == []


def test_a_no_while_the_page_is_made_stops_the_view() -> None:
    """`revoke_consent()` counts in its own answer."""
    tracker = viewed()
    TemplateVariable(tracker).pixel()
    tracker.revoke_consent()
    add_headers(tracker, 200, list(HTML))

    assert tracker.consent is Consent.DENIED
    assert sent(tracker) == []


@pytest.mark.parametrize("agent", ["Mozilla/5.0 (X11) Firefox/140.0", "Googlebot/2.1 bot"])
def test_every_page_is_private_then(agent: str) -> None:
    """3.15: it bears an id; and on a copy made for a bot nobody's view would be counted."""
    tracker = viewed(settings={"consent": None}, cookie=VISITOR_COOKIE, user_agent=agent)
    TemplateVariable(tracker).pixel()

    assert PRIVATE in add_headers(tracker, 200, list(HTML))


def test_a_queue_that_fails_costs_the_event_and_no_cookie() -> None:
    """The answer leaves with all it would have."""

    class Broken:
        def track(self, *events: object) -> None:
            raise ConnectionError("no queue")

    tracker = viewed(settings={"client": Broken()})
    TemplateVariable(tracker).pixel()

    assert "_tte_id" in cookies_of(add_headers(tracker, 200, list(HTML)))
