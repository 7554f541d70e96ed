"""Snapshots and redirect cookies: changed, old and foreign ones are refused, repeated ones count once."""

import json

import httpx
import pytest
from visitor import NAVIGATION, NOW, SOURCE, calls

import tiktok_events as tt
from tiktok_events.web import Site

CLICKED = "/page?ttclid=E.C.P.zzpii-click"
PURCHASE = tt.event_id("Purchase", "1001", namespace=SOURCE.id_namespace)
DAY = 86_400


class Clock:
    """A clock that only the test changes."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def flipped(text, place):
    """*text* with one character changed."""
    return text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]


def foreign(purpose, value):
    """*value*, signed with another secret."""
    site = Site(SOURCE, secret_key="another secret of sixteen or more")
    return getattr(site, purpose).sign(value, now=NOW)


TAMPERED = {
    "cut": lambda text: text[:-8],
    "first character": lambda text: flipped(text, 0),
    "middle character": lambda text: flipped(text, len(text) // 2),
    "longer": lambda text: text + "AAAA",
    "twice": lambda text: text + text,
    "empty": lambda text: "",
    "nonsense": lambda text: "zzpii",
    "no base64": lambda text: "</script>=;",
    "percent signs": lambda text: "%ff%fe%c3%28",
    "64 kB": lambda text: "A" * 64_001,
}
FOREIGN = {
    "snapshot_signer": [{"ttclid": "zzpii-foreign"}, "granted"],
    "redirect_signer": [["Purchase", PURCHASE, {"value": 1}, True]],
}


@pytest.fixture
def snapshot(visit, framework, clock):
    """A shop of the framework under test, and the snapshot of a visitor from an ad."""
    browser = visit(framework, clock=clock)
    browser.get(CLICKED)
    return browser, browser.get("/snapshot").json()["snapshot"]


def resumed(browser, snapshot):
    """The status of a webhook with *snapshot*, without cookies of the visitor."""
    browser.cookies.clear()
    return browser.post("/webhook", {"snapshot": snapshot}, headers={"user-agent": "Stripe/1.0"}).status_code


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_snapshot_is_refused(snapshot, sink, tamper):
    """The webhook responds as usual; nothing is sent, because consent is unknown."""
    browser, text = snapshot

    assert resumed(browser, tamper(text)) == 200
    assert sink.events == []


def test_a_foreign_or_expired_snapshot_is_refused(snapshot, sink, clock):
    """Another shop's, this shop's redirect cookie, and one older than 28 days; one second earlier it is valid."""
    browser, text = snapshot
    browser.post("/buy", {"order": "7"})
    other_purpose = browser.cookies["_tte_next"]
    sink.events.clear()
    statuses = [
        resumed(browser, one) for one in (foreign("snapshot_signer", FOREIGN["snapshot_signer"]), other_purpose)
    ]
    clock.now = NOW + 28 * DAY + 1
    statuses.append(resumed(browser, text))
    refused = list(sink.events)
    clock.now = NOW + 28 * DAY
    statuses.append(resumed(browser, text))

    assert statuses == [200] * 4
    assert refused == []
    assert [event["user"]["ttclid"] for event in sink.wire()] == ["E.C.P.zzpii-click"]


@pytest.fixture
def redirect(visit, framework, clock):
    """A shop of the framework under test, and the redirect cookie after a purchase."""
    browser = visit(framework, clock=clock)
    browser.post("/buy", {"order": "1001"})
    return browser, browser.cookies["_tte_next"]


def rendered(browser, cookie):
    """The calls of a page that is requested with the redirect cookie *cookie*, and whether it expired the cookie."""
    browser.cookies.clear()
    response = browser.get("/page", headers={**NAVIGATION, "cookie": f"_tte_next={cookie}"})
    expired = any(one.startswith("_tte_next=;") for one in response.headers.get_list("set-cookie"))

    assert response.status_code == 200
    return calls(response), expired


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_a_tampered_redirect_cookie_is_refused(redirect, tamper):
    """The page has no call, and the cookie is expired."""
    browser, cookie = redirect

    assert rendered(browser, tamper(cookie)) == ([], True)


def test_a_foreign_or_expired_redirect_cookie_is_refused(redirect, clock):
    """Another shop's, this shop's snapshot, and one older than 300 seconds; one second earlier it is valid."""
    browser, cookie = redirect
    other_purpose = browser.get("/snapshot").json()["snapshot"]
    refused = [
        rendered(browser, one) for one in (foreign("redirect_signer", FOREIGN["redirect_signer"]), other_purpose)
    ]
    clock.now = NOW + 301
    refused.append(rendered(browser, cookie))
    clock.now = NOW + 300
    (call,), _ = rendered(browser, cookie)

    assert refused == [([], True)] * 3
    assert call["event_id"] == PURCHASE


class Manager:
    """The local Events Manager on a real socket, with a method that posts page calls as the pixel does."""

    def __init__(self, running):
        self.running = running

    def browse(self, page_calls):
        """Post the calls as the pixel script does; no session storage drops a repeat."""
        for call in page_calls:
            body = {
                "event": call["event"],
                "event_id": call["event_id"],
                "context": {"pixel": {"code": SOURCE.event_source_id}, "page": {"url": "https://shop.example/"}},
                "properties": call["params"],
            }
            headers = {"origin": "http://localhost:8000"}
            answer = httpx.post(f"{self.running.url}/api/v2/pixel/act", content=json.dumps(body), headers=headers)
            assert answer.status_code == 200

    def counted(self):
        """The conversions by name, and the number of events they merge."""
        summary = self.running.summary()
        return {one["event"]: one["conversions"] for one in summary["events"]}, summary["received"]


@pytest.fixture
def manager():
    """An Events Manager for one test."""
    pytest.importorskip("uvicorn")
    pytest.importorskip("starlette")
    from tiktok_events.events_manager import running

    with running() as found:
        yield Manager(found)


@pytest.fixture
def counted_shop(visit, framework, manager):
    """A shop of the framework under test that sends to that manager."""
    with tt.Client(SOURCE, base_url=manager.running.api_url) as client:
        yield visit(framework, client=client)


def test_repeats_count_once(counted_shop, manager):
    """Webhook three times, form twice, redirect cookie in two tabs, thank-you page twice: one purchase."""
    counted_shop.get(CLICKED)
    snapshot = counted_shop.get("/snapshot").json()["snapshot"]
    for _ in range(2):
        counted_shop.post("/buy", {"order": "1001"})
    cookie = counted_shop.cookies["_tte_next"]
    pages = [rendered(counted_shop, cookie)[0] for _ in range(2)]
    pages += [calls(counted_shop.get("/thanks?order=1001")) for _ in range(2)]
    statuses = [resumed(counted_shop, snapshot) for _ in range(3)]
    for page_calls in pages:
        manager.browse(page_calls)

    assert statuses == [200] * 3
    assert [[call["event_id"] for call in page_calls] for page_calls in pages] == [[PURCHASE]] * 4
    assert {event["event_id"] for event in manager.running.events()} == {PURCHASE}
    assert manager.counted() == ({"Purchase": 1}, 9)


def test_two_orders_count_twice(counted_shop, manager):
    """Another key is another id, and another purchase."""
    for order in ("1001", "1002"):
        counted_shop.post("/buy", {"order": order})
        manager.browse(calls(counted_shop.get("/page")))

    assert manager.counted() == ({"Purchase": 2}, 4)


def test_tampered_values_count_nothing(counted_shop, manager):
    """Neither a webhook with such a snapshot nor a page with such a cookie adds a conversion."""
    counted_shop.get(CLICKED)
    snapshot = counted_shop.get("/snapshot").json()["snapshot"]
    counted_shop.post("/buy", {"order": "7"})
    cookie = counted_shop.cookies["_tte_next"]
    for tamper in TAMPERED.values():
        manager.browse(rendered(counted_shop, tamper(cookie))[0])
        resumed(counted_shop, tamper(snapshot))

    assert manager.counted() == ({"Purchase": 1}, 1)
