"""`capture()` with trackers: recorded events, dropped events with their reasons, and the calls in a response."""

import json
from types import SimpleNamespace as N

import markers
import pytest
from marker_hook import raises
from web_requests import CLICKED, a_request, a_site, a_tracker

import tiktok_events as tt
from tiktok_events.testing import SOURCE, Dropped, capture
from tiktok_events.web import Site, TemplateVariable, Tracker

AT_IMPORT = Site(SOURCE, secret_key="a secret of the tests", consent=lambda request: True)
BOUGHT = {"key": "1001", "properties": {"value": 46, "currency": "EUR"}}


@pytest.fixture
def recorder():
    """The plugin's fixture `tiktok`; that name is a fake TikTok in this test suite."""
    with capture() as recording:
        yield recording


def test_a_site_made_before_the_test_is_recorded(recorder):
    """With the context of the request, as it would be sent."""
    tracked = a_tracker(AT_IMPORT, query=CLICKED).track("Purchase", user={"email": markers.EMAIL}, **BOUGHT)

    event = recorder.assert_sent("Purchase", key="1001", user={"email": markers.EMAIL, "ttclid": markers.TTCLID})
    assert tracked.sent
    assert event.event_id == tracked.event_id
    assert event.page.url == f"https://shop.example/buy?{CLICKED}"
    assert len(event.user.external_id) == 64


def test_a_custom_client_is_called(recorder):
    """It is code of the shop: only events that it sends through our clients are recorded."""
    tracked = []
    a_tracker(a_site(client=N(track=tracked.append))).track("Lead")
    a_tracker(a_site(client=N(track=tt.Client(SOURCE).track))).track("Contact")

    assert [event.event for event in tracked] == ["Lead"]
    assert [event.event for event in recorder.sent()] == ["Contact"]


DENIED = {"consent": lambda request: False}
UNKNOWN = {"consent": lambda request: None}
UNSAVED = "key is None: save the order first, so that it has its number"
DROPPED = [
    (DENIED, {}, {}, ("consent", "denied", "GET /buy")),
    (UNKNOWN, {"method": "POST", "query": "q=zzpii"}, {}, ("consent", "unknown", "POST /buy")),
    ({**UNKNOWN, "on_unknown_consent": "hold"}, {}, {}, ("consent", "unknown", "GET /buy")),
    (DENIED, {}, {"server": False}, ("consent", "denied", "GET /buy")),
    ({"enabled": False}, {}, {}, ("off", "the site has enabled=False", "GET /buy")),
    ({}, {"user_agent": "Googlebot/2.1"}, {}, ("bot", "or a prefetch", "GET /buy")),
    ({"strict": False}, {}, {"key": None}, ("invalid", UNSAVED, "GET /buy")),
]


@pytest.mark.parametrize(("settings", "request_", "fields", "expected"), DROPPED)
def test_a_dropped_event_is_recorded_with_its_reason(settings, request_, fields, expected, recorder):
    """Also with the request's method and path, without the query, which may hold personal data."""
    tracked = a_tracker(Site(SOURCE, **settings), **request_).track("ViewContent", **fields)

    assert recorder.dropped == [Dropped("ViewContent", *expected)]
    assert tracked.reason == expected[0]
    assert recorder.sent() == []


def test_a_failure_message_has_the_reasons(recorder):
    """As quoted in the guide to testing."""
    a_tracker(AT_IMPORT, method="POST", path="/checkout").track("InitiateCheckout")
    a_tracker(Site(SOURCE, **DENIED), path="/thanks/t0k").track("Purchase", server=False)
    with raises(AssertionError) as caught:
        recorder.assert_sent("Purchase")
    once = str(caught.value)
    a_tracker(Site(SOURCE, **DENIED), path="/thanks/t0k").track("Purchase", server=False)
    a_tracker(Site(SOURCE, enabled=False)).track("Lead")
    with raises(AssertionError) as caught:
        recorder.assert_sent("Purchase")

    start = "Purchase sent 0 times; sent: InitiateCheckout x1."
    assert once == f"{start} 1 event dropped: consent denied (GET /thanks/t0k)"
    assert str(caught.value) == (
        f"{start} 3 events dropped: consent denied (GET /thanks/t0k) x2; Lead, off, the site has enabled=False (GET /buy)"
    )


def test_a_site_that_is_off_says_which_variable_is_missing(recorder):
    """The usual case in a test run, which has no environment of a shop."""
    a_tracker(Site.from_env({})).track("Lead")

    (dropped,) = recorder.dropped
    assert dropped.reason == "off"
    assert "TIKTOK_PIXEL_CODE" in str(dropped)


def test_a_repeat_in_the_same_request_is_not_dropped(recorder):
    """It is the same conversion, and it was sent."""
    tracker = a_tracker(AT_IMPORT)
    tracker.track("Purchase", **BOUGHT)
    tracker.track("Purchase", **BOUGHT)

    assert recorder.dropped == []
    assert len(recorder.sent()) == 1


def test_denied_consent_of_a_snapshot_has_no_request_line(recorder):
    """The webhook's own request is not that of the visitor."""
    site = Site(SOURCE, secret_key="a secret of the tests", **DENIED)
    site.resume(a_tracker(site).snapshot()).track("Purchase", **BOUGHT)

    assert [str(one) for one in recorder.dropped] == ["consent denied (from a snapshot)"]


MISTAKES = [
    {"user": {"phone": f"{markers.PHONE}x"}},
    {"properties": {"value": 46}},
    {"key": None},
    {"properties": {"value": "many"}},
]


@pytest.mark.parametrize("fields", MISTAKES)
def test_a_mistake_raises_by_default(fields, recorder):
    """Otherwise it would only be logged. The recorder has the reason, too."""
    with raises((TypeError, ValueError)):
        a_tracker(AT_IMPORT).track("Purchase", **fields)

    assert [one.reason for one in recorder.dropped] == ["invalid"]
    assert recorder.sent() == []


@pytest.mark.parametrize("fields", MISTAKES)
def test_strict_false_stays_lenient(fields, recorder):
    """Like every site in `capture(strict=False)`, and outside of `capture`."""
    sites = [Site(SOURCE, strict=False), Site(SOURCE)]
    tracked = [a_tracker(sites[0]).track("Purchase", **fields)]
    with capture(strict=False) as inner:
        tracked.append(a_tracker(sites[1]).track("Purchase", **fields))

    assert [one.sent for one in tracked] == [one.reason is None for one in tracked]
    assert [len(recorder.sent()), len(inner.sent())] == [int(one.sent) for one in tracked]


def test_strict_true_stays_strict():
    """Also without a recorder."""
    with capture(strict=False), raises(tt.EventValidationError):
        a_tracker(a_site(strict=True)).track("Purchase", properties={"value": 46})
    with raises(tt.EventValidationError):
        a_tracker(a_site(strict=True)).track("Purchase", properties={"value": 46})


def test_the_sites_currency_is_filled_in_before_the_check(recorder):
    """A shop with one currency sets it once."""
    a_tracker(Site(SOURCE, currency="EUR")).track("Purchase", properties={"value": 46})

    recorder.assert_sent("Purchase", currency="EUR")


@pytest.mark.parametrize("agent", ["", "python-httpx/0.28.1", "testclient", "Werkzeug/3.1.3"])
def test_a_test_client_is_a_visitor_while_a_test_records(agent):
    """Otherwise it is a bot, and its page views are not sent."""
    with capture() as recording:
        inside = a_tracker(AT_IMPORT, user_agent=agent).track("ViewContent")
    outside = a_tracker(a_site(), user_agent=agent).track("ViewContent")

    assert inside.sent
    assert len(recording.sent()) == 1
    assert outside.reason == ("bot" if agent in ("", "python-httpx/0.28.1") else None)


def page_of(tracker, way="pixel"):
    """A page as a template renders it."""
    return (
        f"<!doctype html><html><head>{getattr(TemplateVariable(tracker), way)()}</head><body>&lt;/script></body></html>"
    )


def as_werkzeug(text):
    return N(get_data=text.encode, headers={}, text="not this one")


RESPONSES = {
    "str": str,
    "bytes": str.encode,
    "werkzeug": as_werkzeug,
    "httpx": lambda text: N(text=text, content=text.encode(), headers={}),
    "django": lambda text: N(content=text.encode(), headers={}),
    "starlette": lambda text: N(body=text.encode(), headers={}),
}


@pytest.mark.parametrize("way", ["pixel", "data"])
@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_the_calls_of_any_response_are_read(response, way, recorder):
    """From scripts and data blocks, also several of them; each call as the pixel gets it."""
    tracker = a_tracker(AT_IMPORT)
    tracked = tracker.track("Purchase", **BOUGHT)
    page = page_of(tracker, way)
    later = tracker.track("Lead", properties={"description": "</script><!--"})
    page += str(getattr(TemplateVariable(tracker), way)())
    calls = recorder.browser_calls(response(page))

    assert calls == [tracked.payload, later.payload]
    recorder.assert_deduplicated(response(page))


def test_the_calls_in_the_header_are_read(recorder):
    """An htmx fragment has its calls in the header."""
    tracked = a_tracker(AT_IMPORT).track("AddToCart")
    fragment = N(text="<p>1</p>", headers={"TikTok-Events": json.dumps([tracked.payload])})

    assert recorder.browser_calls(fragment) == [tracked.payload]
    recorder.assert_deduplicated(fragment)


def test_a_page_without_calls_is_not_deduplicated(recorder):
    """The assertion must fail for a shop that reports nothing."""
    page = page_of(a_tracker(AT_IMPORT))

    assert recorder.browser_calls(page) == []
    with raises(AssertionError, match=r"^the response has no pixel call; sent: nothing\.$"):
        recorder.assert_deduplicated(page)


def test_a_call_without_its_server_event_is_found(recorder):
    """By name and id: the page has the key of another order."""
    tracker = a_tracker(AT_IMPORT)
    tracker.track("Purchase", **BOUGHT)
    Tracker(AT_IMPORT, a_request()).track("Lead")
    tracker.track("Purchase", server=False, **{**BOUGHT, "key": "1002"})
    with raises(AssertionError, match=r"^no server event for the pixel call of Purchase; sent: Purchase x1, Lead x1\."):
        recorder.assert_deduplicated(page_of(tracker))


def test_an_object_that_is_no_response_raises(recorder):
    """None would look like a page without calls."""
    with raises(TypeError, match="expected a response or its text, not NoneType"):
        recorder.browser_calls(None)
