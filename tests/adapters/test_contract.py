"""The contract: one request gives the same context, cookies and rendered calls in every framework."""

import json
import re

from markers import EMAIL, PHONE
from visitor import AGENT, FETCH, IP, LANDING, NAVIGATION, calls, names

import tiktok_events as tt
from tiktok_events.web import CookiePolicy


def test_a_page_has_the_base_code_once(browser):
    """With the visitor's cookie, and private."""
    response = browser.get("/page")

    assert response.status_code == 200
    assert response.text.count("C0EXAMPLE0EXAMPLE000") == 1
    assert calls(response) == []
    assert names(response) == ["_tte_id"]
    assert response.headers["cache-control"] == "private"


def test_an_ad_click_is_kept_for_the_purchase(browser, sink):
    """The event of a later request has the landing's click id, the visitor, the address and the user agent."""
    browser.get(LANDING)
    browser.post("/buy", {"order": "1001", "email": EMAIL})

    (event,) = sink.wire()
    user = event["user"]
    assert user["ttclid"] == "E.C.P.zzpii-click"
    assert (user["ip"], user["user_agent"]) == (IP, AGENT)
    assert user["email"] == tt.User(email=EMAIL).email
    assert len(user["external_id"]) == 64
    assert event["page"]["url"] == "https://shop.example/buy"


def test_the_page_makes_the_matching_call(browser, sink):
    """The same name and id, and the properties."""
    (call,) = calls(browser.get("/product"))

    (event,) = sink.events
    assert (call["event"], call["event_id"]) == ("ViewContent", event.event_id)
    assert call["params"]["value"] == 23.0


def test_a_second_pixel_renders_no_call_again(browser, sink):
    """Two `pixel()` in a page give one base code and one call."""
    response = browser.get("/twice")

    assert len(calls(response)) == 1
    assert response.text.count("C0EXAMPLE0EXAMPLE000") == 1
    assert "granted" in response.text


def test_a_call_survives_the_redirect(browser, sink):
    """The next page makes the call once, with the id of the server event."""
    answer = browser.post("/buy", {"order": "1001"})
    first, second = calls(browser.get("/page")), calls(browser.get("/page"))

    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/page")
    assert [call["event_id"] for call in first] == [tt.event_id("Purchase", "1001", namespace="shop")]
    assert second == []
    assert len(sink.events) == 1


def test_the_thank_you_page_repeats_the_id_and_sends_nothing(browser, sink):
    """`server=False` only renders the pixel call; with the call of the redirect it is still one."""
    browser.post("/buy", {"order": "1001"})
    (call,) = calls(browser.get("/thanks"))

    assert call["event_id"] == tt.event_id("Purchase", "1001", namespace="shop")
    assert len(sink.events) == 1


def test_the_webhook_has_the_visitors_context(browser, sink):
    """It resumes the snapshot each time it is delivered: one id, and the visitor's context."""
    browser.get(LANDING)
    snapshot = browser.get("/snapshot").json()["snapshot"]
    browser.cookies.clear()
    for _ in range(2):
        browser.post("/webhook", {"snapshot": snapshot}, headers={"user-agent": "Stripe/1.0"})

    assert {event["event_id"] for event in sink.wire()} == {tt.event_id("Purchase", "1001", namespace="shop")}
    assert {event["user"]["ttclid"] for event in sink.wire()} == {"E.C.P.zzpii-click"}
    assert {event["user"]["user_agent"] for event in sink.wire()} == {AGENT}


def test_a_fragment_has_its_calls_in_a_header(browser, sink):
    """An htmx or fetch response is not a page; the page's script reads the header."""
    response = browser.post("/cart", headers={**FETCH, "hx-request": "true"})

    (call,) = json.loads(response.headers["tiktok-events"])
    assert call["event_id"] == sink.events[0].event_id
    assert "_tte_next" not in names(response)


def test_a_json_response_has_its_call_in_the_body(browser, sink):
    """`payload` counts as rendered: neither a header nor the next page repeats it."""
    response = browser.post("/api", headers=FETCH)

    assert response.json()["tiktok"]["event_id"] == sink.events[0].event_id
    assert "tiktok-events" not in response.headers
    assert calls(browser.get("/page")) == []


def test_an_error_page_passes_the_call_on(browser, sink):
    """A call that was not rendered goes to the next page."""
    response = browser.get("/fails")
    (call,) = calls(browser.get("/page"))

    assert response.status_code == 404
    assert call["event"] == "Lead"


def test_identify_fills_every_event(browser, sink):
    """`identify` fills the user fields that the event leaves out."""
    browser.post("/member", {"email": EMAIL})

    assert sink.wire()[0]["user"]["email"] == tt.User(email=EMAIL).email


def test_a_crawlers_view_is_not_sent(browser, sink):
    """And no cookie is set."""
    response = browser.get("/product", headers={**NAVIGATION, "user-agent": "Googlebot/2.1"})

    assert sink.events == []
    assert names(response) == []


def test_a_page_view_is_on_both_channels(visit, framework, sink):
    """`page_views=True`: each page of a visitor once, with one name and id, and private."""
    browser = visit(framework, page_views=True)
    responses = [browser.get("/page"), browser.get("/twice")]
    seen = [call for response in responses for call in calls(response) if call["event"] == "Pageview"]

    assert [event.event_id for event in sink.named("Pageview")] == [call["event_id"] for call in seen]
    assert len(seen) == 2
    assert {response.headers["cache-control"] for response in responses} == {"private"}
    assert len(sink.events) == 3


def test_only_a_visitors_navigation_is_a_page_view(visit, framework, sink):
    """Not a form's response, a fragment, a fetch, a crawler's page, an error or a prefetch."""
    browser = visit(framework, page_views=True)
    answers = [
        browser.post("/member", {"email": EMAIL}),
        browser.post("/cart", headers={**FETCH, "hx-request": "true"}),
        browser.get("/page", headers=FETCH),
        browser.get("/page", headers={**NAVIGATION, "user-agent": "Googlebot/2.1"}),
        browser.get("/page", headers={**NAVIGATION, "sec-purpose": "prefetch"}),
        browser.get("/fails"),
    ]

    assert sink.named("Pageview") == []
    assert "Pageview" not in [call["event"] for answer in answers for call in calls(answer)]


def test_an_excluded_path_has_no_cookie_and_no_snippet(visit, framework):
    """`exclude` gets a `WebRequest` in every framework."""
    browser = visit(framework, exclude=lambda request: request.path == "/page")
    excluded, other = browser.get("/page"), browser.get("/product")

    assert names(excluded) == []
    assert "<script" not in excluded.text
    assert names(other) == ["_tte_id"]


def test_a_site_that_is_off_changes_no_response(visit, framework, sink):
    """Nothing is rendered, written or sent."""
    browser = visit(framework, enabled=False)
    page, redirect = browser.get("/product"), browser.post("/buy", {"email": EMAIL})

    assert "<script" not in page.text
    assert names(page) == names(redirect) == []
    assert redirect.status_code == 303
    assert sink.events == []


SCRIPT = [
    ("GET", LANDING, {}, NAVIGATION),
    ("GET", "/product", {}, {**NAVIGATION, "sec-gpc": "1"}),
    ("POST", "/api", {}, {**FETCH, "referer": "https://shop.example/product"}),
    ("POST", "/cart", {}, {**FETCH, "hx-request": "true", "hx-current-url": "https://shop.example/product?a=1"}),
    ("POST", "/buy", {"order": "7", "email": EMAIL, "phone": PHONE}, NAVIGATION),
    ("GET", "/thanks", {}, NAVIGATION),
    ("GET", "/page", {}, NAVIGATION),
    ("POST", "/refuse", {}, FETCH),
]


def transcript(browser, sink):
    """The responses and server events of a visit, without random ids."""
    seen = []
    for method, path, form, headers in SCRIPT:
        response = browser.request(method, path, data=form or None, headers=headers)
        cache_and_events = {
            name: value for name, value in response.headers.items() if name in {"cache-control", "tiktok-events"}
        }
        cookies = sorted(response.headers.get_list("set-cookie"))
        payload = response.json() if response.headers.get("content-type") == "application/json" else None
        seen.append([response.status_code, cache_and_events, cookies, calls(response), payload])
    seen.append(sink.wire())
    text = json.dumps(seen, sort_keys=True)
    text = re.sub(r"_tte_next=[^;]+", "_tte_next=SIGNED", text)
    for index, found in enumerate(dict.fromkeys(re.findall(r"event_id\W+([0-9a-f-]{32,36})\b", text))):
        text = text.replace(found, f"id-{index}")
    return json.loads(re.sub(r'"event_time": \d+', '"event_time": 0', text))


def test_a_complete_visit_is_the_same_in_every_framework(visit, framework, sink):
    """Equal statuses, cookies, cache headers, calls and server events."""
    options = {"consent": None, "cookies": CookiePolicy(), "currency": "EUR"}
    plain = transcript(visit("asgi", **options), sink)
    sink.events.clear()

    assert transcript(visit(framework, **options), sink) == plain
    assert len(plain[-1]) == 4
