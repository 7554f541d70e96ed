"""Both halves of an event: the queued event and the pixel call have the same id."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import markers
import pytest
from web_requests import CLICKED, DAY, NOW, VISITOR, VISITOR_COOKIE, Recorder, a_request, a_site, a_tracker, sent_by

import tiktok_events as tt
from tiktok_events.testing import SOURCE, FakeTikTok
from tiktok_events.web import Site, TemplateVariable, Tracked, Tracker

ORDER: Any = {"value": 12.5, "contents": [{"content_id": "sku-1", "price": 12.5, "quantity": 1}]}


@pytest.mark.reference("8.5.8b")
def test_both_halves_share_name_and_id() -> None:
    """The server event and the rendered call have one id, and every request has another."""
    site = a_site()
    first, second = a_tracker(site).track("Lead"), a_tracker(site).track("Lead")

    assert first.payload is not None
    assert [event.event_id for event in sent_by(site)] == [first.event_id, second.event_id]
    assert first.payload["event_id"] == first.event_id != second.event_id
    assert (first.sent, first.reason, bool(first)) == (True, None, True)


@pytest.mark.reference("8.5.8a")
def test_a_key_makes_one_id_everywhere() -> None:
    """The order's key is the same conversion in any process and request."""
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
    """With any hash seed: a worker on another machine makes the same id as the page."""
    code = (
        "import tiktok_events as tt; from tiktok_events.web import Site, Tracker, WebRequest\n"
        "source = tt.EventSource.web('C0EXAMPLE0EXAMPLE000', 'example-token', id_namespace='shop')\n"
        "site = Site(source, type('Sink', (), {'track': print})(), consent=lambda request: True)\n"
        "tracked = Tracker(site, WebRequest()).track('Purchase', key='1001', server=False)\n"
        "print(tracked.event_id, tracked.payload['event_id'])\n"
    )
    outputs = {
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

    assert outputs == {f"{event_id} {event_id}\n"}


def test_the_context_fills_what_the_event_leaves_out() -> None:
    """3.5: page, address, user agent, ids, language, and the visitor id after the shop's own id."""
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


def test_fields_of_the_event_win() -> None:
    """Its own page, address and currency stay; equal external ids are sent once."""
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
    """3.5: the second call returns the first `Tracked`."""
    site = a_site()
    tracker = a_tracker(site)
    first = tracker.track("Purchase", key=7)
    event = tt.Event("Lead", event_time=int(NOW))

    assert tracker.track("Purchase", key="7") is first
    assert tracker.track(event) is tracker.track(event)
    assert len(sent_by(site)) == len(tracker.calls) == 2


def test_keyless_twice_is_two_events() -> None:
    """3.5: two additions to a cart are two events."""
    site = a_site()
    tracker = a_tracker(site)

    assert tracker.track("AddToCart").event_id != tracker.track("AddToCart").event_id
    assert len(sent_by(site)) == len(tracker.calls) == 2


def test_a_thank_you_page_renders_only() -> None:
    """`server=False`: the webhook has sent the event; `browser=False` is the opposite."""
    site = a_site()
    tracker = a_tracker(site)
    repeated = tracker.track("Purchase", key=1, server=False)
    hidden = tracker.track("Lead", browser=False)

    assert (repeated.sent, repeated.reason, hidden.sent) == (False, None, True)
    assert repeated.payload is not None
    assert hidden.payload is None
    assert hidden.script == ""
    assert [event.event for event in sent_by(site)] == ["Lead"]


@pytest.mark.parametrize(("age", "has_browser"), [(0, True), (DAY - 1, True), (DAY + 1, False), (20 * DAY, False)])
def test_an_old_event_has_no_browser_half(age: int, has_browser: bool) -> None:
    """3.5: after 24 hours only the server reports, because a page reports the time of its view."""
    site = a_site()
    tracked = a_tracker(site).track("Purchase", key=1, event_time=int(NOW) - age)

    assert tracked.sent
    assert (tracked.payload is not None) is has_browser


def test_the_time_is_the_sites() -> None:
    """An event without a time gets that of the site's clock."""
    site = a_site()
    a_tracker(site).track("Lead")

    assert sent_by(site)[0].event_time == NOW


def test_an_id_may_be_reserved_for_the_next_event_of_its_name() -> None:
    """3.6: a page that writes its own `ttq.track` gets the id of the later event."""
    tracker = a_tracker()
    reserved = TemplateVariable(tracker).event_id("AddToCart")

    assert tracker.event_id("AddToCart") == reserved
    assert tracker.event_id("Search") != reserved
    assert tracker.track("AddToCart").event_id == reserved
    assert tracker.event_id("AddToCart") == reserved
    assert tracker.track("AddToCart").event_id != reserved
    assert tracker.is_visitor_specific


BOT = {"user_agent": "Googlebot/2.1 bot", "cookie": VISITOR_COOKIE}


@pytest.mark.parametrize("headers", [BOT, {"sec_purpose": "prefetch"}])
@pytest.mark.parametrize("name", ["ViewContent", "Search", "Pageview"])
@pytest.mark.reference("8.5.6a", "8.5.6e")
def test_views_of_bots_and_prefetches_are_not_sent(headers: dict[str, str], name: str) -> None:
    """3.5: no visitor has seen the page."""
    site = a_site()
    tracked = a_tracker(site, **headers).track(name)

    assert (tracked.sent, tracked.reason, tracked.payload) == (False, "bot", None)
    assert sent_by(site) == []


def test_keyed_events_of_bots_are_sent() -> None:
    """3.5: events with a key, or on another method than GET, are sent."""
    site = a_site()
    a_tracker(site, **BOT).track("ViewContent", key=1)
    a_tracker(site, **BOT).track("Purchase")
    a_tracker(site, method="POST", **BOT).track("Search")

    assert [event.event for event in sent_by(site)] == ["ViewContent", "Purchase", "Search"]


def test_a_webhooks_own_request_gives_no_context(caplog: pytest.LogCaptureFixture) -> None:
    """3.9: that is logged, and the event is sent with its own fields."""
    site = a_site(url="https://shop.example/renewals")
    bare = {name.replace("-", "_"): "" for name in ("accept", "accept-language", "sec-fetch-dest", "sec-fetch-mode")}
    tracker = Tracker(site, a_request("POST", path="/hook", user_agent="Stripe/1.0", **bare))

    assert tracker.track("Purchase", key=1, user={"email": markers.EMAIL}).sent
    (event,) = sent_by(site)

    assert event.user is not None
    assert (event.user.ip, event.user.user_agent) == (None, None)
    assert event.page is not None
    assert event.page.url == "https://shop.example/renewals"


def test_a_page_renders_each_call_once() -> None:
    """3.6: a second `pixel()` renders new calls; a call whose `script` was read counts as rendered."""
    tracker = a_tracker()
    tracker.track("ViewContent")
    first = TemplateVariable(tracker).pixel()
    tracker.track("AddToCart")
    second = TemplateVariable(tracker).pixel()
    read = tracker.track("Search")

    assert read.payload is not None
    assert TemplateVariable(tracker).script(read) == read.script
    assert '"event":"ViewContent"' in first
    assert '"event":"AddToCart"' in second
    assert "ViewContent" not in second
    assert TemplateVariable(tracker).pixel() == "" == TemplateVariable(tracker).data()


def test_data_and_events_are_for_pages_with_their_own_script() -> None:
    """3.6: a JSON data block, or dicts; each call once."""
    tracker = a_tracker()
    tracker.track("ViewContent")
    block = TemplateVariable(tracker).data()
    tracker.track("AddToCart")
    further = TemplateVariable(tracker).data()
    tracker.track("Search")

    assert block.startswith('<script type="application/json"')
    assert "ViewContent" in block
    assert "AddToCart" in further
    assert [one["event"] for one in TemplateVariable(tracker).events()] == ["Search"]
    assert TemplateVariable(tracker).events() == []
    assert TemplateVariable(tracker).consent == "granted"
    assert "script-src" in TemplateVariable(tracker).csp_sources()


def test_a_site_without_browser_half_renders_nothing() -> None:
    """`browser="off"`: events are only sent by the server."""
    tracker = a_tracker(a_site(browser="off"))

    assert tracker.track("Purchase", key=1).sent
    assert TemplateVariable(tracker).pixel() == ""
    assert tracker.calls == []


def test_reprs_show_no_value() -> None:
    """3.14: neither the tracker's nor a `Tracked`'s repr has an id."""
    tracker = a_tracker(query=CLICKED)
    tracked = tracker.track("Purchase", key=markers.EXTERNAL_ID)

    assert isinstance(tracked, Tracked)
    assert not isinstance(tracked, str)
    assert repr(tracked) == "Tracked('Purchase', sent=True, reason=None)"
    assert repr(tracker) == "Tracker(WebRequest(GET, 6 headers), 1 tracked)"


def test_a_plain_client_delivers_at_once(tiktok: FakeTikTok) -> None:
    """A client is any object with `track`; closing the site then does nothing."""
    site = a_site(client=tiktok.client(), source=SOURCE)
    tracked = a_tracker(site).track("Purchase", key=1, properties=ORDER | {"currency": "EUR"})
    site.close()

    assert tracked.sent
    assert tiktok.events[0]["event_id"] == tracked.event_id
