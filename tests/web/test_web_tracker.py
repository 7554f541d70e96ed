"""Both halves of an event: what is queued, what the page gets, and what never reaches the view."""

from __future__ import annotations

import logging
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import markers
import pytest
from marker_hook import raises
from web_requests import (
    CLICKED,
    DAY,
    NOW,
    VISITOR,
    VISITOR_COOKIE,
    Recorder,
    a_request,
    a_site,
    a_tracker,
    sent_by,
)  # fmt: skip

import tiktok_events as tt
from tiktok_events.testing import SOURCE, FakeTikTok
from tiktok_events.web import Site, Tracked, Tracker

ORDER: Any = {"value": 12.5, "contents": [{"content_id": "sku-1", "price": 12.5, "quantity": 1}]}


@pytest.mark.reference("8.5.8b")
def test_both_halves_share_name_and_id() -> None:
    """The server's event and the rendered call have one id, and every request its own."""
    site = a_site()
    first, second = a_tracker(site).track("Lead"), a_tracker(site).track("Lead")

    assert first.payload is not None
    assert [event.event_id for event in sent_by(site)] == [first.event_id, second.event_id]
    assert first.payload["event_id"] == first.event_id != second.event_id
    assert (first.sent, first.reason, bool(first)) == (True, None, True)


@pytest.mark.reference("8.5.8a")
def test_a_key_makes_one_id_everywhere() -> None:
    """The order's key is the same conversion in any process, and under any request."""
    source = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token", id_namespace="zzpii-shop")
    site = a_site(source=source)
    tracked = a_tracker(site).track("Purchase", key="zzpii-1", properties=ORDER)
    other = Site(source, Recorder(), consent=lambda request: True)

    assert tracked.event_id == tt.event_id("Purchase", "zzpii-1", namespace="zzpii-shop")
    assert a_tracker(other).track("Purchase", key="zzpii-1").event_id == tracked.event_id
    assert a_tracker(site).event_id("Purchase", key="zzpii-1") == tracked.event_id
    assert tracked.event_id in tracked.script


@pytest.mark.reference("8.5.8c")
def test_a_key_makes_one_id_in_every_process() -> None:
    """Whatever a process's hash seed: a worker on another machine names the order as the page does."""
    code = (
        "import tiktok_events as tt; from tiktok_events.web import Site, Tracker, WebRequest\n"
        "source = tt.EventSource.web('C0EXAMPLE0EXAMPLE000', 'example-token', id_namespace='shop')\n"
        "site = Site(source, type('Sink', (), {'track': print})(), consent=lambda request: True)\n"
        "tracked = Tracker(site, WebRequest()).track('Purchase', key='1001', server=False)\n"
        "print(tracked.event_id, tracked.payload['event_id'])\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(tt.__file__).parents[1])},
            capture_output=True,
            encoding="utf-8",
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    event_id = tt.event_id("Purchase", "1001", namespace="shop")

    assert told == {f"{event_id} {event_id}\n"}


def test_the_context_fills_what_the_event_leaves_out() -> None:
    """3.5: page, address, browser, ids, language, and the visitor behind the shop's own id."""
    site = a_site(currency="eur")
    cookie = f"{VISITOR_COOKIE}; _ttp={markers.TTP}"
    tracker = a_tracker(site, query=CLICKED, cookie=cookie, referer="https://search.example/")
    tracked = tracker.track("Purchase", key=1, user={"external_id": markers.EXTERNAL_ID}, properties=ORDER)
    (event,) = sent_by(site)

    assert event.user is not None
    assert event.page is not None
    assert event.properties is not None
    assert event.user.external_id == tuple(sha256(one.encode()).hexdigest() for one in (markers.EXTERNAL_ID, VISITOR))
    assert (event.user.ttclid, event.user.ttp) == (markers.TTCLID, markers.TTP)
    assert (event.user.ip, event.user.user_agent, event.user.locale) == (markers.IP, markers.USER_AGENT, "en-GB")
    assert (event.page.url, event.page.referrer) == (f"https://shop.example/buy?{CLICKED}", "https://search.example/")
    assert event.properties.currency == "EUR"
    assert tracked.payload is not None
    assert tracked.payload["params"]["currency"] == "EUR"


def test_what_the_event_says_wins() -> None:
    """Its own page, address and currency stay; the same external id goes once."""
    site = a_site(currency="EUR")
    event = tt.Event(
        "Purchase",
        key=1,
        user={"ip": "8.8.8.8", "external_id": VISITOR},
        page={"url": "https://shop.example/own"},
        properties={"value": 1, "currency": "USD"},
        limited_data_use=False,
    )
    a_tracker(site, sec_gpc="1").track(event)
    (sent,) = sent_by(site)

    assert sent.user is not None
    assert sent.user.ip == "8.8.8.8"
    assert sent.user.external_id == sha256(VISITOR.encode()).hexdigest()
    assert sent.page is not None
    assert sent.page.url == "https://shop.example/own"
    assert sent.properties is not None
    assert sent.properties.currency == "USD"
    assert sent.limited_data_use is False


def test_the_same_key_twice_in_a_request_is_one_event() -> None:
    """3.5: the repeat returns the first one's Tracked."""
    site = a_site()
    tracker = a_tracker(site)
    first = tracker.track("Purchase", key=7)
    event = tt.Event("Lead", event_time=int(NOW))

    assert tracker.track("Purchase", key="7") is first
    assert tracker.track(event) is tracker.track(event)
    assert len(sent_by(site)) == len(tracker.calls) == 2


def test_keyless_twice_is_two_events() -> None:
    """3.5: two additions to a cart are two."""
    site = a_site()
    tracker = a_tracker(site)

    assert tracker.track("AddToCart").event_id != tracker.track("AddToCart").event_id
    assert len(sent_by(site)) == len(tracker.calls) == 2


def test_a_thank_you_page_renders_only() -> None:
    """`server=False`: the webhook has sent the event; `browser=False` the other way round."""
    site = a_site()
    tracker = a_tracker(site)
    shown = tracker.track("Purchase", key=1, server=False)
    hidden = tracker.track("Lead", browser=False)

    assert (shown.sent, shown.reason, hidden.sent) == (False, None, True)
    assert shown.payload is not None
    assert hidden.payload is None
    assert hidden.script == ""
    assert [event.event for event in sent_by(site)] == ["Lead"]


@pytest.mark.parametrize(("age", "has_browser"), [(0, True), (DAY - 1, True), (DAY + 1, False), (20 * DAY, False)])
def test_an_old_event_has_no_browser_half(age: int, has_browser: bool) -> None:
    """3.5: a page reports what happens now; after 24 hours the server alone does."""
    site = a_site()
    tracked = a_tracker(site).track("Purchase", key=1, event_time=int(NOW) - age)

    assert tracked.sent
    assert (tracked.payload is not None) is has_browser


def test_the_time_is_the_sites() -> None:
    """An event that says no time happened now, by the site's clock."""
    site = a_site()
    a_tracker(site).track("Lead")

    assert sent_by(site)[0].event_time == NOW


def test_an_id_may_be_reserved_for_the_next_event_of_its_name() -> None:
    """3.6: a page that writes its own `ttq.track` above the view's answer gets the same id."""
    tracker = a_tracker()
    reserved = tracker.face.event_id("AddToCart")

    assert tracker.event_id("AddToCart") == reserved
    assert tracker.event_id("Search") != reserved
    assert tracker.track("AddToCart").event_id == reserved
    assert tracker.event_id("AddToCart") == reserved
    assert tracker.track("AddToCart").event_id != reserved
    assert tracker.touched


BOT = {"user_agent": "Googlebot/2.1 bot", "cookie": VISITOR_COOKIE}


@pytest.mark.parametrize("headers", [BOT, {"sec_purpose": "prefetch"}])
@pytest.mark.parametrize("name", ["ViewContent", "Search", "Pageview"])
@pytest.mark.reference("8.5.6a", "8.5.6e")
def test_views_of_bots_and_prefetches_are_not_sent(headers: dict[str, str], name: str) -> None:
    """3.5: nobody has looked."""
    site = a_site()
    tracked = a_tracker(site, **headers).track(name)

    assert (tracked.sent, tracked.reason, tracked.payload) == (False, "bot", None)
    assert sent_by(site) == []


def test_what_an_odd_agent_buys_is_bought() -> None:
    """3.5: everything keyed, or on another method, is sent."""
    site = a_site()
    a_tracker(site, **BOT).track("ViewContent", key=1)
    a_tracker(site, **BOT).track("Purchase")
    a_tracker(site, method="POST", **BOT).track("Search")

    assert [event.event for event in sent_by(site)] == ["ViewContent", "Purchase", "Search"]


def test_strict_raises_where_a_shop_logs() -> None:
    """3.1: in tests and debug mode a mistake is an exception."""
    tracker = a_tracker(a_site(strict=True))

    for fields in ({"key": None}, {"valu": 1}, {"event_time": "now"}):
        with raises((TypeError, ValueError)):
            tracker.track("Purchase", **fields)
    with raises(tt.EventValidationError):
        tracker.track("Purchase", user={"phone": markers.LOCAL_PHONE})
    with raises(TypeError):
        tracker.track(tt.Event("Purchase"), key=1)
    with raises(TypeError):
        tracker.identify(mail=markers.EMAIL)


@pytest.mark.parametrize(
    "fields", [{"key": None}, {"valu": 1}, {"event_time": "now"}, {"properties": {"value": float("nan")}}]
)
@pytest.mark.parametrize("server", [True, False])
def test_a_mistake_is_dropped_and_logged_once(
    fields: dict[str, Any], server: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """3.1: no view fails, and neither half goes out without the other."""
    site = a_site()
    tracker = a_tracker(site)
    with caplog.at_level(logging.INFO, "tiktok_events"):
        tracked = [tracker.track("Purchase", server=server, **fields) for _ in range(3)]

    assert [(one.sent, one.reason, one.payload) for one in tracked] == [(False, "invalid", None)] * 3
    assert sent_by(site) == tracker.calls == []
    assert len(caplog.records) <= 1


def test_a_thing_that_is_no_event_shows_nowhere() -> None:
    """Somebody's user in the wrong place is dropped with its values."""
    tracked = a_tracker().track({"email": markers.EMAIL})  # type: ignore[arg-type]

    assert repr(tracked) == "Tracked('', sent=False, reason='invalid')"


def test_an_invalid_identifier_is_left_out_and_the_event_sent(caplog: pytest.LogCaptureFixture) -> None:
    """3.1: what a person typed costs that identifier, not the sale."""
    site = a_site()
    tracked = a_tracker(site).track("Purchase", key=1, user={"phone": markers.LOCAL_PHONE, "email": markers.EMAIL})
    (event,) = sent_by(site)

    assert tracked.sent
    assert event.user is not None
    assert (event.user.phone, event.user.email) == (None, sha256(markers.EMAIL.encode()).hexdigest())


class Broken:
    """A client whose queue is not there."""

    def __init__(self, told: str = markers.EMAIL) -> None:
        self.told = told

    def track(self, *events: tt.Event) -> None:
        raise ConnectionError(self.told)


class Full:
    """A background client whose outbox is full."""

    def track(self, *events: tt.Event) -> int:
        return 0


def test_a_client_that_fails_takes_no_page_down(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it raises, the view goes on, and its values are in no log; the page still reports its half."""
    monkeypatch.setattr("tiktok_events.web._consent._said", set())
    tracked = a_tracker(a_site(client=Broken())).track("Purchase", key=1)
    full = a_tracker(a_site(client=Full())).track("Purchase", key=1)

    assert [(one.sent, one.reason) for one in (tracked, full)] == [(False, None)] * 2
    assert tracked.payload is not None
    assert [record.getMessage() for record in caplog.records] == ["an event was not queued: ConnectionError"]
    with raises(ConnectionError):
        a_tracker(a_site(client=Broken("no queue"), strict=True)).track("Purchase", key=1)


def test_off_sends_nothing_and_says_so_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """3.12: without a token the site is off: nothing rendered, nothing sent, one line in the log."""
    site = Site.from_env(clock=lambda: NOW)
    trackers = [a_tracker(site) for _ in range(3)]
    with caplog.at_level(logging.INFO, "tiktok_events"):
        tracked = [tracker.track("Purchase", key=1) for tracker in trackers]

    assert {one.reason for one in tracked} == {"off"}
    assert [tracker.face.pixel() for tracker in trackers] == [""] * 3
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "TIKTOK_PIXEL_CODE" in caplog.text
    assert not trackers[0].face.enabled
    assert trackers[0].cookies(is_page=True) == []


def test_told_to_be_off_is_off_without_a_word(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TIKTOK_ENABLED=0` and `enabled=False` are nobody's mistake."""
    monkeypatch.setenv("TIKTOK_ENABLED", "0")
    site = Site.from_env()

    assert site.off_reason is None
    assert a_tracker(site).track("Purchase").reason == "off"
    assert a_tracker(a_site(enabled=False)).track("Purchase").reason == "off"
    assert caplog.records == []


def test_a_site_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With pixel code and token it is on, and makes a client that starts with the first event."""
    monkeypatch.setenv("TIKTOK_PIXEL_CODE", "C0EXAMPLE0EXAMPLE000")
    monkeypatch.setenv("TIKTOK_ACCESS_TOKEN", "example-token")
    monkeypatch.setenv("TIKTOK_SECRET_KEY", "a secret of the tests")
    outbox = tt.MemoryOutbox()
    site = Site.from_env(outbox=outbox)

    assert a_tracker(site).enabled
    assert isinstance(site.sender(), tt.BackgroundClient)
    assert site.sender() is site.sender()
    assert site.redirects
    site.close(0.1)


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


def test_who_the_visitor_is_fills_every_event() -> None:
    """`identify` hashes at once: the tracker keeps nothing raw; an event's own identifiers win."""
    site = a_site(advanced_matching=True, phone_region="gb")
    tracker = a_tracker(site)
    tracker.identify(email=markers.EMAIL_TYPED, external_id=[markers.EXTERNAL_ID, markers.OTHER_EXTERNAL_ID])
    tracker.identify(phone=markers.PHONE)
    tracker.track("Lead", user={"email": markers.OTHER_EMAIL})
    (event,) = sent_by(site)

    assert event.user is not None
    assert event.user.email == sha256(markers.OTHER_EMAIL.encode()).hexdigest()
    assert event.user.phone == sha256(markers.PHONE.encode()).hexdigest()
    assert tracker.digests() == {
        "sha256_email": sha256(markers.EMAIL.encode()).hexdigest(),
        "sha256_phone_number": sha256(markers.PHONE.encode()).hexdigest(),
        "external_id": sha256(markers.EXTERNAL_ID.encode()).hexdigest(),
    }
    assert sha256(markers.EMAIL.encode()).hexdigest() in tracker.face.pixel()


def test_the_site_may_be_asked_who_the_visitor_is() -> None:
    """Once a request, and only with consent."""
    asked: list[object] = []

    def identify(request: object) -> dict[str, str]:
        asked.append(request)
        return {"email": markers.EMAIL}

    site = a_site(identify=identify)
    tracker = a_tracker(site)
    tracker.track("Lead")
    tracker.track("Lead")
    a_tracker(a_site(identify=identify, consent=lambda request: None)).track("Lead")

    assert asked == [tracker.request]
    assert [event.user and event.user.email for event in sent_by(site)] == [
        sha256(markers.EMAIL.encode()).hexdigest()
    ] * 2


def test_an_identify_that_fails_costs_no_event() -> None:
    """What a callable raises, or a field that is none, is left out; strict raises."""

    def failing(request: object) -> dict[str, str]:
        raise LookupError(markers.EMAIL)

    site = a_site(identify=failing)
    tracker = a_tracker(site)
    tracker.identify(mail=markers.EMAIL)
    tracker.identify(phone=markers.LOCAL_PHONE)

    assert tracker.track("Lead").sent
    with pytest.raises(LookupError):
        a_tracker(a_site(identify=failing, strict=True)).track("Lead")


def test_a_phone_is_read_by_the_sites_region() -> None:
    """`phone_region` goes to every user that has a phone, and to no other."""
    tracker = a_tracker(a_site(phone_region="gb"))

    assert tracker.track("Lead", user={"phone": markers.PHONE}).sent
    assert tracker.track("Lead", user={"email": markers.EMAIL}).sent


def test_a_webhooks_own_request_gives_no_context(caplog: pytest.LogCaptureFixture) -> None:
    """3.9: it says so, and the event goes with what it holds itself."""
    site = a_site(url="https://shop.example/renewals")
    bare = {name.replace("-", "_"): "" for name in ("accept", "accept-language", "sec-fetch-dest", "sec-fetch-mode")}
    tracker = Tracker(site, a_request("POST", path="/hook", user_agent="Stripe/1.0", **bare))

    assert tracker.track("Purchase", key=1, user={"email": markers.EMAIL}).sent
    (event,) = sent_by(site)

    assert event.user is not None
    assert (event.user.ip, event.user.user_agent) == (None, None)
    assert event.page is not None
    assert event.page.url == "https://shop.example/renewals"


def test_a_page_prints_each_call_once() -> None:
    """3.6: `pixel()` again prints what is new; what was read by itself counts as printed."""
    tracker = a_tracker()
    tracker.track("ViewContent")
    first = tracker.face.pixel()
    tracker.track("AddToCart")
    second = tracker.face.pixel()
    read = tracker.track("Search")

    assert read.payload is not None
    assert tracker.face.script(read) == read.script
    assert '"event":"ViewContent"' in first
    assert '"event":"AddToCart"' in second
    assert "ViewContent" not in second
    assert tracker.face.pixel() == "" == tracker.face.data()


def test_data_and_events_are_for_pages_with_their_own_script() -> None:
    """3.6: a JSON data block, or plain dicts; each call once."""
    tracker = a_tracker()
    tracker.track("ViewContent")
    block = tracker.face.data()
    tracker.track("AddToCart")
    further = tracker.face.data()
    tracker.track("Search")

    assert block.startswith('<script type="application/json"')
    assert "ViewContent" in block
    assert "AddToCart" in further
    assert [one["event"] for one in tracker.face.events()] == ["Search"]
    assert tracker.face.events() == []
    assert tracker.face.consent == "granted"
    assert "script-src" in tracker.face.csp_sources()


def test_a_site_without_browser_half_renders_nothing() -> None:
    """`browser="off"`: events go from the server alone."""
    tracker = a_tracker(a_site(browser="off"))

    assert tracker.track("Purchase", key=1).sent
    assert tracker.face.pixel() == ""
    assert tracker.calls == []


def test_nonces() -> None:
    """The site's callable gives one; one that raises costs the nonce, not the page."""

    def failing(request: object) -> str:
        raise RuntimeError(markers.EMAIL)

    assert '<script nonce="abc">' in a_tracker(a_site(nonce=lambda request: "abc")).face.pixel()
    assert a_tracker(a_site(nonce=failing)).face.pixel().startswith("<script>")


def test_reprs_tell_no_value() -> None:
    """3.14: neither the tracker nor what it tracked shows an id."""
    tracker = a_tracker(query=CLICKED)
    tracked = tracker.track("Purchase", key=markers.EXTERNAL_ID)

    assert isinstance(tracked, Tracked)
    assert not isinstance(tracked, str)
    assert repr(tracked) == "Tracked('Purchase', sent=True, reason=None)"
    assert repr(tracker) == "Tracker(WebRequest(GET, 6 headers), 1 tracked)"


def test_a_plain_client_delivers_at_once(tiktok: FakeTikTok) -> None:
    """A client is anything with `track`; nothing is left to close."""
    site = a_site(client=tiktok.client(), source=SOURCE)
    tracked = a_tracker(site).track("Purchase", key=1, properties=ORDER | {"currency": "EUR"})
    site.close()

    assert tracked.sent
    assert tiktok.events[0]["event_id"] == tracked.event_id


def test_an_exclude_that_raises_excludes() -> None:
    """No page fails for its tracking."""

    def failing(request: object) -> bool:
        raise RuntimeError(markers.EMAIL)

    site = a_site(exclude=failing)

    assert site.excludes(a_request())
    assert site.excludes(a_request(path="/logo.png"))
    assert not a_site(exclude=lambda request: False).excludes(a_request())
