"""ASGI and WSGI middleware: they add to a response and change nothing else."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import markers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marker_hook import raises
from middlewares import HTML, asgi_app, over_asgi, over_wsgi, wsgi_app
from web_requests import BROWSER, NOW, a_request, a_site, a_tracker, sent_by

import tiktok_events as tt
from tiktok_events.testing import SOURCE
from tiktok_events.web import ASGIMiddleware, Site, TemplateVariable, Tracker, WebRequest, WSGIMiddleware, tracker_from


@pytest.fixture(autouse=True, scope="module")
def _no_httpx_log() -> Iterator[None]:
    """httpx logs the requested URLs, which hold click ids."""
    logger = logging.getLogger("httpx")
    before = logger.level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(before)


@pytest.fixture(params=[over_asgi, over_wsgi], ids=["asgi", "wsgi"])
def send(request: pytest.FixtureRequest) -> Any:
    """Send a request to a view through the ASGI or the WSGI middleware."""
    return request.param


def page(tracker: Tracker) -> tuple[int, list[tuple[str, str]], bytes]:
    tracker.track("Purchase", key="zzpii-1")
    return 200, list(HTML), TemplateVariable(tracker).pixel().encode()


URL = f"https://shop.example/buy?ttclid={markers.TTCLID}"


def test_an_ad_click_reaches_tiktok(send: Any) -> None:
    """The ttclid of the URL is sent as user.ttclid and stored in a cookie, and the page has the matching call."""
    site = a_site()
    answer = send(site, page, "GET", URL, headers=BROWSER)
    (event,) = sent_by(site)

    assert event.user is not None
    assert event.user.ttclid == markers.TTCLID
    assert answer.cookies["ttclid"].startswith(f"{markers.TTCLID}.")
    assert tt.event_id("Purchase", "zzpii-1") in answer.text
    assert answer.headers["cache-control"] == "private"


def test_a_shop_over_a_redirect(send: Any) -> None:
    """POST, 303, page: the purchase is rendered once, on the page."""
    site = a_site()

    def buy(tracker: Tracker) -> tuple[int, list[tuple[str, str]], bytes]:
        tracker.track("Purchase", key="zzpii-1")
        return 303, [("location", "/thanks")], b""

    def thanks(tracker: Tracker) -> tuple[int, list[tuple[str, str]], bytes]:
        return 200, list(HTML), TemplateVariable(tracker).pixel().encode()

    posted = send(site, buy, "POST", URL, headers=BROWSER)
    jar = {**BROWSER, "cookie": f"_tte_next={posted.cookies['_tte_next']}"}
    page_after = send(site, thanks, "GET", URL, headers=jar)

    assert posted.status_code == 303
    assert page_after.text.count('"event":"Purchase"') == 1
    assert "_tte_next=; Path=/; Max-Age=0" in page_after.headers["set-cookie"]


HEADER = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
NAMES = st.sampled_from(["x-one", "etag", "set-cookie", "content-type", "x-two", "vary", "location"])


@pytest.mark.parametrize("way", [over_asgi, over_wsgi], ids=["asgi", "wsgi"])
@given(
    status=st.integers(200, 599),
    headers=st.lists(st.tuples(NAMES, HEADER), max_size=6),
    body=st.binary(max_size=50),
    cookie=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40),
    query=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="#"), max_size=40),
    tracked=st.booleans(),
)
def test_status_body_and_headers_stay_unchanged(
    way: Any, status: int, headers: list[tuple[str, str]], body: bytes, cookie: str, query: str, tracked: bool
) -> None:
    """Nothing raises, and only Cache-Control of the app's response may change."""

    def view(tracker: Tracker) -> tuple[int, list[tuple[str, str]], bytes]:
        if tracked:
            tracker.track("Lead")
        return status, list(headers), body

    answer = way(
        a_site(),
        view,
        "GET",
        httpx.URL("https://shop.example/", query=query.encode()),
        headers={**BROWSER, "cookie": f"ttclid={cookie}; _tte_id={cookie}; _tte_next={cookie}"},
    )
    added = [
        (name, value)
        for name, value in answer.headers.multi_items()
        if name == "cache-control"
        or (name == "set-cookie" and value.endswith(("; SameSite=Lax", "Secure", "HttpOnly")))
    ]

    assert answer.status_code == status
    assert answer.content == body
    assert [one for one in answer.headers.multi_items() if one not in added] == headers


def test_an_exception_of_the_view_is_raised(send: Any) -> None:
    """The middleware handles no exception of the app."""

    def view(tracker: Tracker) -> tuple[int, list[tuple[str, str]], bytes]:
        raise LookupError("no such page")

    with raises(LookupError):
        send(a_site(), view, "GET", URL)


def test_the_frameworks_request_goes_to_the_callables() -> None:
    """Callables get the adapter's `native`; the request has no scope afterwards."""

    class Adapted(WebRequest):
        @property
        def native(self) -> Any:
            return self.method, self.scope and self.scope["type"]

    seen: list[object] = []
    trackers: list[Tracker] = []
    site = a_site(consent=seen.append)

    def view(tracker: Tracker) -> tuple[int, list[tuple[str, str]], bytes]:
        trackers.append(tracker)
        return page(tracker)

    def start(status: str, headers: Any) -> None:
        return None

    WSGIMiddleware(wsgi_app(view), site, request=Adapted)({"REQUEST_METHOD": "POST"}, start)
    asyncio.run(
        ASGIMiddleware(asgi_app(view), site, request=Adapted)({"type": "http", "headers": []}, None, _quiet)  # type: ignore[arg-type]
    )

    assert seen == [("POST", None), ("GET", "http")]
    assert trackers[1].request.scope is None
    assert a_request().native == a_request()


async def _quiet(message: Any) -> None:
    return None


def test_tracker_from() -> None:
    """`scope["state"]["tiktok"]` and `environ["tiktok_events.tracker"]`; without middleware the error says what to do."""
    tracker = a_tracker()

    assert tracker_from({"state": {"tiktok": tracker}}) is tracker
    assert tracker_from({"tiktok_events.tracker": tracker}) is tracker
    for nothing in ({}, {"state": None}, {"state": {}}):
        with raises(tt.ConfigurationError, match="ASGIMiddleware"):
            tracker_from(nothing)


def test_requests_in_threads_are_separate() -> None:
    """One site in many threads: every request has its own events."""
    site = a_site()
    answers: dict[int, str] = {}

    def visit(number: int) -> None:
        def view(tracker: Tracker) -> tuple[int, list[tuple[str, str]], bytes]:
            tracker.track("Purchase", key=number)
            return 200, list(HTML), TemplateVariable(tracker).pixel().encode()

        answers[number] = over_wsgi(site, view, "GET", URL, headers=BROWSER).text

    threads = [threading.Thread(target=visit, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(sent_by(site)) == 8
    for number, text in answers.items():
        ids = [other for other in range(8) if tt.event_id("Purchase", other) in text]

        assert ids == [number]


def test_a_queue_that_starts_with_the_first_event() -> None:
    """Without a client, the site makes one over its outbox; a page that tracks nothing does not start it."""
    outbox = tt.MemoryOutbox()
    site = Site(SOURCE, outbox=outbox, consent=lambda request: True, clock=lambda: NOW)
    over_wsgi(site, lambda tracker: (200, list(HTML), b""), "GET", URL, headers=BROWSER)

    assert outbox.depth() == 0
    assert isinstance(site.event_client(), tt.BackgroundClient)
    site.close(0.1)
