"""`Site(page_views=True)`: a page view on both channels, with one id."""

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
    """The tracker of a request to a site with `page_views=True`."""
    return a_tracker(a_site(page_views=True, **options.pop("settings", {})), **options)


def calls_in_data(variable: TemplateVariable) -> list[tuple[str, str | None]]:
    """Name and id of the calls in the page's data."""
    text = variable.data().partition(">")[2].partition("<")[0]
    return [(call["event"], call.get("event_id")) for call in json.loads(text)["calls"]] if text else []


def sent(tracker: Tracker) -> list[tuple[str | None, str | None]]:
    """Name and id of the events sent by the tracker's site."""
    return [(event.event, event.event_id) for event in sent_by(tracker.site)]


def test_a_page_is_viewed_once_on_both_channels() -> None:
    """One name and id; the server event is sent with the response, once."""
    tracker = viewed()
    (call,) = calls_in_data(TemplateVariable(tracker))
    before = sent(tracker)
    for _ in range(2):
        add_headers(tracker, 200, list(HTML))

    assert before == []
    assert call[0] == "Pageview"
    assert sent(tracker) == [call]
    assert sent_by(tracker.site)[0].event_time == NOW
    assert tracker.event_id("Pageview") == call[1]
    assert TemplateVariable(tracker).pixel() == ""


def test_the_pixels_own_page_views_are_off() -> None:
    """Otherwise the browser would count each page twice, once without an id."""
    snippet = TemplateVariable(viewed()).pixel()

    assert '"page":false' in snippet
    assert '"historyObserver":false' in snippet


def test_without_the_setting_the_pixel_counts_pages() -> None:
    """The default: `page()` in the browser, nothing from the server, and a cacheable page."""
    tracker = a_tracker(a_site(consent=None), cookie=VISITOR_COOKIE)

    assert '"page":true' in TemplateVariable(tracker).pixel()
    assert add_headers(tracker, 200, list(HTML)) == HTML
    assert sent(tracker) == []


@pytest.mark.parametrize(
    ("status", "headers"),
    [(404, HTML), (500, HTML), (302, HTML), (304, HTML), (200, [(b"content-type", b"application/json")]), (204, [])],
)
def test_a_response_that_is_not_a_page_is_no_page_view(status: int, headers: list[tuple[bytes, bytes]]) -> None:
    """A template was rendered, but the response is an error, a redirect or not HTML: the server sends nothing."""
    tracker = viewed()
    TemplateVariable(tracker).pixel()
    add_headers(tracker, status, list(headers))

    assert sent(tracker) == []


def test_a_page_without_the_pixel_is_not_counted() -> None:
    """On neither channel."""
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
def test_only_a_visitors_navigation_is_a_page_view(request_: dict[str, Any]) -> None:
    """Not forms, fragments, fetches, prefetches, bots, files, excluded paths, nor visitors without consent."""
    tracker = viewed(**request_)

    assert calls_in_data(TemplateVariable(tracker)) == []
    add_headers(tracker, 200, list(HTML))
    assert sent(tracker) == []


def test_the_apps_own_page_view_is_the_only_one() -> None:
    """A view that tracks `Pageview` itself gets no second one."""
    tracker = viewed()
    tracked = tracker.track("Pageview", properties={"content_type": "product"})

    assert calls_in_data(TemplateVariable(tracker)) == [("Pageview", tracked.event_id)]
    add_headers(tracker, 200, list(HTML))
    assert sent(tracker) == [("Pageview", tracked.event_id)]


def test_a_page_view_takes_the_reserved_id() -> None:
    """3.6: a data layer before the pixel has the same id."""
    tracker = viewed()
    reserved = TemplateVariable(tracker).event_id("Pageview")

    assert calls_in_data(TemplateVariable(tracker)) == [("Pageview", reserved)]


def test_the_page_view_is_the_first_call() -> None:
    """Like `page()`: then the calls of the redirect, then the page's own."""
    site = a_site(page_views=True)
    posted = a_tracker(site, method="POST")
    posted.track("AddToCart")
    cookie = cookies_of(add_headers(posted, 303, []))["_tte_next"].partition(";")[0]
    next_page = a_tracker(site, cookie=cookie)
    next_page.track("ViewContent")

    assert [name for name, _ in calls_in_data(TemplateVariable(next_page))] == ["Pageview", "AddToCart", "ViewContent"]


def test_a_streamed_page_renders_after_its_headers() -> None:
    """The response is known to be a page then, so the view is sent with the call."""
    tracker = viewed()
    headers = add_headers(tracker, 200, list(HTML))
    (call,) = calls_in_data(TemplateVariable(tracker))

    assert sent(tracker) == [call]
    assert PRIVATE in headers


def test_a_streamed_error_is_no_view() -> None:
    """Its headers have the status of an error."""
    tracker = viewed()
    add_headers(tracker, 500, list(HTML))
    TemplateVariable(tracker).pixel()

    assert sent(tracker) == []


def test_a_held_page_view_is_not_sent_by_the_server() -> None:
    """3.11, "hold": the call is held in the page, and the server sends nothing."""
    tracker = viewed(settings={"consent": lambda request: None, "on_unknown_consent": "hold"})
    ((name, event_id),) = calls_in_data(TemplateVariable(tracker))
    add_headers(tracker, 200, list(HTML))

    assert (name, bool(event_id)) == ("Pageview", True)
    assert sent(tracker) == []


def test_revoking_consent_while_rendering_stops_the_page_view() -> None:
    """`revoke_consent()` takes effect in the same response."""
    tracker = viewed()
    TemplateVariable(tracker).pixel()
    tracker.revoke_consent()
    add_headers(tracker, 200, list(HTML))

    assert tracker.consent is Consent.DENIED
    assert sent(tracker) == []


@pytest.mark.parametrize("agent", ["Mozilla/5.0 (X11) Firefox/140.0", "Googlebot/2.1 bot"])
def test_every_page_is_private(agent: str) -> None:
    """3.15: it has an id; and a cached page of a bot would count no views."""
    tracker = viewed(settings={"consent": None}, cookie=VISITOR_COOKIE, user_agent=agent)
    TemplateVariable(tracker).pixel()

    assert PRIVATE in add_headers(tracker, 200, list(HTML))


def test_a_client_that_fails_loses_the_event_only() -> None:
    """The response still has its cookies and headers."""

    class Broken:
        def track(self, *events: object) -> None:
            raise ConnectionError("no queue")

    tracker = viewed(settings={"client": Broken()})
    TemplateVariable(tracker).pixel()

    assert "_tte_id" in cookies_of(add_headers(tracker, 200, list(HTML)))
