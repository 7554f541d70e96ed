"""The contract: the same request in, the same context, cookies and rendered calls out, whatever the framework."""

import json
import re

import pytest
from contract_apps import SHOPS
from marker_hook import raises
from markers import EMAIL, PHONE
from visitor import AGENT, FETCH, IP, NAVIGATION, calls

import tiktok_events as tt
from tiktok_events.web import ConsentCookie, CookiePolicy

RULE = ConsentCookie("agreed", granted={"yes"}, denied={"no"})
LANDING = "/page?ttclid=E.C.P.zzpii-click"


def names(response):
    """The cookies that an answer sets."""
    return [header.partition("=")[0] for header in response.headers.get_list("set-cookie")]


def test_a_page_has_the_base_code_once(browser):
    """And nothing that a shared cache may not keep; the visitor's cookie comes with it."""
    response = browser.get("/page")

    assert response.status_code == 200
    assert response.text.count("C0EXAMPLE0EXAMPLE000") == 1
    assert calls(response) == []
    assert names(response) == ["_tte_id"]
    assert response.headers["cache-control"] == "private"


def test_an_ad_click_is_kept_for_the_purchase(browser, sink):
    """The landing's click id, the visitor, the address and the browser reach the event of a later request."""
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
    """Same name, same id, and the properties."""
    (call,) = calls(browser.get("/product"))

    (event,) = sink.events
    assert (call["event"], call["event_id"]) == ("ViewContent", event.event_id)
    assert call["params"]["value"] == 23.0


def test_a_second_pixel_prints_no_call_again(browser, sink):
    """Two `pixel()` on a page are one base code and one call."""
    response = browser.get("/twice")

    assert len(calls(response)) == 1
    assert response.text.count("C0EXAMPLE0EXAMPLE000") == 1
    assert "granted" in response.text


def test_a_call_survives_the_redirect(browser, sink):
    """The page after it makes the call, once, with the id of the server event."""
    answer = browser.post("/buy", {"order": "1001"})
    first, second = calls(browser.get("/page")), calls(browser.get("/page"))

    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/page")
    assert [call["event_id"] for call in first] == [tt.event_id("Purchase", "1001", namespace="shop")]
    assert second == []
    assert len(sink.events) == 1


def test_the_thank_you_page_repeats_the_id_and_sends_nothing(browser, sink):
    """`server=False` renders the browser's half; with the redirect's call it is still one."""
    browser.post("/buy", {"order": "1001"})
    (call,) = calls(browser.get("/thanks"))

    assert call["event_id"] == tt.event_id("Purchase", "1001", namespace="shop")
    assert len(sink.events) == 1


def test_the_webhook_knows_the_shopper(browser, sink):
    """It resumes the snapshot, as often as it is delivered: one id, and the shopper's context."""
    browser.get(LANDING)
    snapshot = browser.get("/snapshot").json()["snapshot"]
    browser.cookies.clear()
    for _ in range(2):
        browser.post("/webhook", {"snapshot": snapshot}, headers={"user-agent": "Stripe/1.0"})

    assert {event["event_id"] for event in sink.wire()} == {tt.event_id("Purchase", "1001", namespace="shop")}
    assert {event["user"]["ttclid"] for event in sink.wire()} == {"E.C.P.zzpii-click"}
    assert {event["user"]["user_agent"] for event in sink.wire()} == {AGENT}


def test_a_fragment_tells_its_calls_in_a_header(browser, sink):
    """An htmx or fetch answer has no page of its own; the page's script reads the header."""
    response = browser.post("/cart", headers={**FETCH, "hx-request": "true"})

    (told,) = json.loads(response.headers["tiktok-events"])
    assert told["event_id"] == sink.events[0].event_id
    assert "_tte_next" not in names(response)


def test_a_json_answer_has_its_call_in_the_body(browser, sink):
    """`payload` counts as rendered: neither a header nor the next page repeats it."""
    response = browser.post("/api", headers=FETCH)

    assert response.json()["tiktok"]["event_id"] == sink.events[0].event_id
    assert "tiktok-events" not in response.headers
    assert calls(browser.get("/page")) == []


@pytest.mark.parametrize(
    "form",
    [
        {"email": "nonsense zzpii", "phone": "zzpii call me"},
        {"email": "@", "phone": "000"},
        {"email": "\x00\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "phone": "+"},
        {"email": "zzpii@" + "a" * 5000, "phone": "5" * 5000},
        {"email": "<script>zzpii</script>", "phone": "'; drop table"},
    ],
    ids=["words", "signs", "emoji", "long", "hostile"],
)
def test_nonsense_in_the_form_costs_its_field_and_nothing_else(browser, sink, form):
    """The status is the same, the purchase arrives, and what cannot be an identifier is not in it."""
    response = browser.post("/buy", {"order": "1001", **form})

    assert response.status_code == 303
    (event,) = sink.wire()
    assert not {"email", "phone"} & set(event["user"])
    assert event["properties"]["value"] == 23.0


@pytest.mark.parametrize("text", ["-NaN", "sNaN", "zzpii", "</script>", "\x00", "1e400", "12,50 EUR", "z" * 5_000])
def test_nonsense_money_costs_its_field_and_nothing_else(browser, sink, text):
    """A price, a quantity or a currency that is none is left out; the rest of the purchase arrives."""
    response = browser.post("/buy", {"price": text, "quantity": text, "currency": text, "country": text})

    (event,) = sink.wire()
    assert response.status_code == 303
    assert event["properties"]["contents"] == [{"content_id": "sku-1"}]
    assert "currency" not in event["properties"]
    assert "country" not in event["user"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "zzpii", "</script>", "1e400"])
def test_a_value_that_is_none_costs_the_event_and_no_page(browser, sink, text):
    """Neither half of a purchase without a value that counts goes out; the shop sells on."""
    response = browser.post("/buy", {"value": text})

    assert response.status_code == 303
    assert sink.events == []
    assert calls(browser.get("/page")) == []


def test_one_bad_field_leaves_the_good_one(browser, sink):
    """A wrong e-mail address takes no phone number along."""
    browser.post("/buy", {"email": "zzpii", "phone": PHONE})

    (event,) = sink.wire()
    assert event["user"]["phone"] == tt.User(phone=PHONE).phone
    assert "email" not in event["user"]


def test_who_denied_leaves_no_trace(visit, framework, sink):
    """No event, no call, no identifier; the cookies of before are expired."""
    browser = visit(framework, consent=RULE)
    browser.cookies.set("agreed", "yes", domain="shop.example")
    browser.get(LANDING)
    browser.cookies.set("agreed", "no", domain="shop.example")
    response = browser.get("/product")

    assert sink.events == []
    assert calls(response) == []
    assert all("Max-Age=0" in header for header in response.headers.get_list("set-cookie"))
    assert sorted(names(response)) == ["_tte_id", "ttclid"]


def test_who_was_not_asked_is_not_measured(visit, framework, sink):
    """Unknown consent blocks by default."""
    browser = visit(framework, consent=lambda request: None)
    response = browser.get("/product")

    assert sink.events == []
    assert names(response) == []
    assert "C0EXAMPLE0EXAMPLE000" not in response.text


def test_consent_is_given_in_the_answer_that_says_so(visit, framework):
    """The banner's POST may write cookies, and its page's click id is not lost."""
    browser = visit(framework, consent=RULE)
    landing = "https://shop.example" + LANDING
    response = browser.post("/agree", headers={**FETCH, "referer": landing})

    assert names(response) == ["_tte_id", "ttclid"]


def test_consent_is_taken_back_in_the_answer_that_says_so(browser):
    """The cookies are expired at once."""
    browser.get(LANDING)
    response = browser.post("/refuse", headers=FETCH)

    assert sorted(names(response)) == ["_tte_id", "ttclid"]
    assert all("Max-Age=0" in header for header in response.headers.get_list("set-cookie"))


def test_the_consent_callable_reads_cookies(visit, framework, sink):
    """`request.cookies` is there on every framework's request, and on the plain one."""
    browser = visit(framework, consent=lambda request: {"yes": True}.get(request.cookies.get("agreed")))
    browser.get("/product")
    browser.cookies.set("agreed", "yes", domain="shop.example")
    browser.get("/product")

    assert len(sink.events) == 1


def test_the_consent_callable_is_given_the_frameworks_request(visit, framework):
    """Not the neutral one, where there is a framework."""
    seen = []

    def consent(request):
        seen.append(request.__class__.__module__.partition(".")[0])
        return True

    visit(framework, consent=consent).get("/page")

    assert seen == [SHOPS[framework].native]


def test_a_consent_callable_that_fails_does_not_take_the_page_down(visit, framework, sink):
    """It is a denial."""
    browser = visit(framework, consent=lambda request: 1 / 0)

    assert browser.get("/product").status_code == 200
    assert sink.events == []


def test_an_error_page_still_carries_the_call(browser, sink):
    """What was tracked and not rendered goes to the next page."""
    response = browser.get("/fails")
    (call,) = calls(browser.get("/page"))

    assert response.status_code == 404
    assert call["event"] == "Lead"


def test_who_is_identified_is_in_every_event(browser, sink):
    """`identify` fills what the event leaves out."""
    browser.post("/member", {"email": EMAIL})

    assert sink.wire()[0]["user"]["email"] == tt.User(email=EMAIL).email


def test_a_crawlers_view_is_not_a_view(browser, sink):
    """And sets no cookie."""
    response = browser.get("/product", headers={**NAVIGATION, "user-agent": "Googlebot/2.1"})

    assert sink.events == []
    assert names(response) == []


def test_a_page_view_is_on_both_channels(visit, framework, sink):
    """`page_views=True`: each page a visitor goes to, once, with one name and one id, and on no shared cache."""
    browser = visit(framework, page_views=True)
    responses = [browser.get("/page"), browser.get("/twice")]
    seen = [call for response in responses for call in calls(response) if call["event"] == "Pageview"]

    assert [event.event_id for event in sink.named("Pageview")] == [call["event_id"] for call in seen]
    assert len(seen) == 2
    assert {response.headers["cache-control"] for response in responses} == {"private"}
    assert len(sink.events) == 3


def test_what_no_visitor_navigates_to_is_no_page_view(visit, framework, sink):
    """A form's answer, a fragment, a fetch, a crawler's page, an error, a prefetch."""
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


def test_an_excluded_path_has_no_visitors(visit, framework):
    """`exclude` sees the neutral request in every framework: no cookie, no snippet."""
    browser = visit(framework, exclude=lambda request: request.path == "/page")
    excluded, other = browser.get("/page"), browser.get("/product")

    assert names(excluded) == []
    assert "<script" not in excluded.text
    assert names(other) == ["_tte_id"]


def test_a_mistake_raises_when_the_site_is_strict(visit, framework):
    """At the desk it is an exception, or the framework's page of one; elsewhere the shop sells on."""
    browser = visit(framework, strict=True, identify=lambda request: {"mail": "zzpii"})
    if SHOPS[framework].has_error_page:
        assert browser.post("/buy").status_code == 500
    else:
        with raises(TypeError):
            browser.post("/buy")

    assert visit(framework, identify=lambda request: {"mail": "zzpii"}).post("/buy").status_code == 303


def test_a_site_that_is_off_leaves_every_answer_alone(visit, framework, sink):
    """Nothing rendered, nothing written, nothing sent."""
    browser = visit(framework, enabled=False)
    page, redirect = browser.get("/product"), browser.post("/buy", {"email": EMAIL})

    assert "<script" not in page.text
    assert names(page) == names(redirect) == []
    assert redirect.status_code == 303
    assert sink.events == []


def test_a_sender_that_fails_costs_no_page(visit, framework):
    """Whatever the client raises, the shop sells on."""

    class Broken:
        def track(self, *events):
            raise tt.TransportError("the outbox is gone")

    assert visit(framework, client=Broken()).post("/buy", {"order": "1001"}).status_code == 303


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
    """All that a browser and TikTok see of a visit, without the random ids."""
    seen = []
    for method, path, form, headers in SCRIPT:
        response = browser.request(method, path, data=form or None, headers=headers)
        kept = {name: value for name, value in response.headers.items() if name in {"cache-control", "tiktok-events"}}
        cookies = sorted(response.headers.get_list("set-cookie"))
        payload = response.json() if response.headers.get("content-type") == "application/json" else None
        seen.append([response.status_code, kept, cookies, calls(response), payload])
    seen.append(sink.wire())
    text = json.dumps(seen, sort_keys=True)
    text = re.sub(r"_tte_next=[^;]+", "_tte_next=SIGNED", text)
    for index, found in enumerate(dict.fromkeys(re.findall(r"event_id\W+([0-9a-f-]{32,36})\b", text))):
        text = text.replace(found, f"id-{index}")
    return json.loads(re.sub(r'"event_time": \d+', '"event_time": 0', text))


def test_a_whole_visit_is_the_same_in_every_framework(visit, framework, sink):
    """Statuses, cookies, cache headers, calls and server events, to the last byte."""
    options = {"consent": None, "cookies": CookiePolicy(), "currency": "EUR"}
    plain = transcript(visit("asgi", **options), sink)
    sink.events.clear()

    assert transcript(visit(framework, **options), sink) == plain
    assert len(plain[-1]) == 4
