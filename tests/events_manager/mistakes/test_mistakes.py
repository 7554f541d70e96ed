"""Mistakes of one event, of a channel or of many visitors are found by name; correct set-ups raise nothing."""

from __future__ import annotations

from typing import Any

import pytest
from shops import NOW, Shop
from steps import AGENT, CLICK, LAMP, Step, arrive, both, browser, digest, findings, server, visitor

pytestmark = pytest.mark.anyio

HOUR, DAY = 3_600, 86_400
GOOD = {"value": 49, "currency": "EUR", "content_type": "product", "contents": LAMP}
GUEST = {"ttp": "visitor-1", "user_agent": AGENT}


def with_user(**fields: Any) -> list[Step]:
    """A server event whose user has these fields, too."""
    return [server(user={**GUEST, **fields})]


def with_properties(**fields: Any) -> list[Step]:
    """A server event whose properties have these fields; None removes one."""
    return [server(properties={name: value for name, value in {**GOOD, **fields}.items() if value is not None})]


def in_browser(**fields: Any) -> list[Step]:
    """The same of the pixel."""
    return [browser(properties={name: value for name, value in {**GOOD, **fields}.items() if value is not None})]


MISTAKES: dict[str, tuple[list[Step], str]] = {
    "e-mail in clear": (with_user(email="a@example.com"), "not-hashed"),
    "phone number in clear": (with_user(phone="+12025550123"), "not-hashed"),
    "external id in clear": (with_user(external_id="customer-1"), "not-hashed"),
    "MD5 of an e-mail": (with_user(email="0" * 32), "not-hashed"),
    "digest of nothing": (with_user(email=digest("")), "hash-of-nothing"),
    "an address that is hashed": (with_user(ip=digest("8.8.8.8")), "ip-malformed"),
    "an address that is none": (with_user(ip="unknown"), "ip-malformed"),
    "the address of a proxy": (with_user(ip="10.0.0.1"), "ip-not-public"),
    "an unreplaced macro": (with_user(ttclid="__CLICKID__"), "click-id-placeholder"),
    "a click id that says undefined": (with_user(ttclid="undefined"), "click-id-placeholder"),
    "nobody to match": ([server(user={})], "no-match-key"),
    "value as text": (with_properties(value="49.00"), "value-malformed"),
    "value with a comma": (with_properties(value="49,00"), "value-malformed"),
    "negative value": (with_properties(value=-49), "value-negative"),
    "no value": (with_properties(value=None), "value-missing"),
    "no currency": (with_properties(currency=None), "currency-missing"),
    "currency in small letters": (with_properties(currency="eur"), "currency-case"),
    "currency as a sign": (with_properties(currency="€"), "currency-malformed"),
    "a currency that TikTok does not take": (with_properties(currency="XXX"), "currency-unsupported"),
    "no contents": (with_properties(contents=None), "contents-missing"),
    "contents without id": (with_properties(contents=[{"price": 49, "quantity": 1}]), "content-id-missing"),
    "quantity as text": (with_properties(contents=[{**LAMP[0], "quantity": "1"}]), "wrong-type"),
    "negative quantity": (with_properties(contents=[{**LAMP[0], "quantity": -1}]), "integer-negative"),
    "an unknown content type": (with_properties(content_type="lamp"), "content-type"),
    "time in milliseconds": ([server(event_time=NOW * 1_000)], "event-time-unit"),
    "time as text": ([server(event_time=str(NOW))], "wrong-type"),
    "no time": ([server(event_time=None)], "event-time-missing"),
    "time in the future": ([server(event_time=NOW + HOUR)], "event-time-future"),
    "time of last week": ([server(event_time=NOW - 8 * DAY)], "event-time-late"),
    "no name": ([server(event=None)], "event-missing"),
    "a name with a blank": ([server(event="My Purchase")], "name-custom"),
    "an old name": ([server(event="CompletePayment")], "name-deprecated"),
    "a name that ends": ([server(event="PlaceAnOrder")], "name-sunset"),
    "a reserved name": ([server(event="Browse")], "name-reserved"),
    "a name in small letters": ([server(event="purchase")], "name-case"),
    "no event id": ([server(event_id=None)], "event-id-missing"),
    "no event id in the browser": ([browser(event_id=None)], "event-id-missing"),
    "no page": ([server(page=None)], "page-url-missing"),
    "a path in place of a page": ([server(page={"url": "/thanks"})], "page-url-malformed"),
    "an e-mail address in the page": (
        [server(page={"url": "https://shop.example/?email=a@example.com"})],
        "url-secret",
    ),
    "a body of version 1.0": ([server(context={"ad": {"callback": CLICK}})], "legacy-field"),
    "an unknown field": ([server(colour="red")], "unknown-field"),
    "a test code": ([server(test_event_code="TEST123")], "test-code"),
    "a wrong token": ([server(token="another-token")], "code-40105"),
    "another pixel than the manager's": ([server(event_source_id="C1EXAMPLE1EXAMPLE111")], "code-40001"),
    "an unknown event source": ([server(event_source="shop")], "event-source"),
    "page views of the server": ([server(event="Pageview", event_id=None, properties=None)], "page-views-counted"),
    "value as text in the browser": (in_browser(value="49,00"), "value-malformed"),
    "no currency in the browser": (in_browser(currency=None), "currency-missing"),
    "no value in the browser": (in_browser(value=None), "value-missing"),
    "an old name in the browser": ([browser(event="SubmitForm", properties=None)], "name-deprecated"),
    "another value in the browser": ([server(), *in_browser(value=58.31)], "values-differ"),
    "another currency in the browser": ([server(), *in_browser(currency="USD")], "values-differ"),
    "the click id is not kept": (
        [
            browser(event="ViewContent", event_id="v-1"),
            server(HOUR, user=GUEST, page={"url": "https://shop.example/x"}),
        ],
        "click-id-lost",
    ),
    "one address for all guests": (
        [server(n, event_id=f"o-{n}", user=visitor(n, email=[digest("guest@example.com")])) for n in range(6)],
        "shared-identifier",
    ),
    "one external id for all": (
        [server(n, event_id=f"o-{n}", user=visitor(n, external_id=[digest("0")])) for n in range(6)],
        "shared-identifier",
    ),
    "a time zone too early": ([server(event_time=NOW - HOUR), browser(1)], "clock-skew"),
    "only the server": ([server(n, event_id=f"o-{n}", user=visitor(n)) for n in range(4)], "pixel-silent"),
    "only the browser": (
        [browser(n, event_id=f"o-{n}", ttp=f"visitor-{n}", ttclid="") for n in range(4)],
        "server-silent",
    ),
    "two currencies": (
        [*both(), *both(60, event_id="order-2", properties={**GOOD, "currency": "USD"})],
        "currency-mixed",
    ),
    "no checkout": (
        [step for n in range(4) for step in both(60 * n, event_id=f"o-{n}", ttp=f"visitor-{n}", ttclid="")],
        "purchase-without-checkout",
    ),
}

FUNNEL = ("ViewContent", "AddToCart", "InitiateCheckout", "AddPaymentInfo", "Purchase")


def funnel(seconds: float, number: int, **options: Any) -> list[Step]:
    """Everything that one visitor does."""
    steps = []
    for at, event in enumerate(FUNNEL):
        fields = {"ttp": f"visitor-{number}", "event": event, "event_id": f"{event}-{number}", **options}
        steps += both(seconds + 20 * at, **fields)
    return steps


CLEAN: dict[str, list[Step]] = {
    "nothing yet": [],
    "a funnel": funnel(0, 1),
    "five funnels at once": [step for n in range(5) for step in funnel(n, n)],
    "visitors without a click": [step for n in range(3) for step in funnel(n, n, ttclid="")],
    "server only": [step for n in range(3) for step in funnel(n, n) if step[0] == "S"],
    "browser only": [step for n in range(3) for step in funnel(n, n) if step[0] == "B"],
    "a page view of the pixel": [browser(event="Pageview", event_id=None, properties=None), *both(5)],
    "a webhook": [*both(event="InitiateCheckout", event_id="c-1"), server(300)],
    "a webhook for another browser": [*both(event="InitiateCheckout", event_id="c-1"), server(DAY)],
    "a search": both(event="Search", event_id="s-1", properties={"search_string": "lamp"}),
    "a registration": both(event="CompleteRegistration", event_id="r-1", properties=None),
    "a lead": both(event="Lead", event_id="l-1", properties=None),
    "a custom event": both(event="LampSwitched", event_id="x-1", properties=None),
    "a late server": [browser(), server(10 * 60)],
    "a slow webhook": [browser(), server(40 * HOUR, event_time=NOW)],
    "many orders of one customer": [
        step
        for n in range(6)
        for step in both(n * HOUR, event_id=f"order-{n}") + both(n * HOUR + 9, "InitiateCheckout", f"c-{n}")
    ],
    "yen": both(properties={**GOOD, "value": 4_900, "currency": "JPY"}),
    "several things": both(
        properties={
            **GOOD,
            "value": 147,
            "contents": [*LAMP, {"content_id": "bulb", "price": 49, "quantity": 2}],
        }
    ),
    "a family with one phone number": [
        server(event_id="o-1", user=visitor(1, phone=[digest("+12025550123")])),
        server(60, event_id="o-2", user=visitor(2, phone=[digest("+12025550123")])),
    ],
    "a visitor who clicks later": [
        *both(ttclid="", event="ViewContent", event_id="v-1"),
        *both(60, event="ViewContent", event_id="v-2"),
        *both(120),
    ],
    "a purchase 20 days after the click": [
        *both(event="ViewContent", event_id="v-1"),
        *both(20 * DAY, event_id="order-9"),
    ],
    "a purchase 40 days after the click": [
        *both(event="ViewContent", event_id="v-1"),
        *both(40 * DAY, event_id="order-9", ttclid=""),
    ],
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_mistakes_are_found(shop: Shop, name: str) -> None:
    """By the finding of that name, with a fix; nothing worse is said."""
    steps, expected = MISTAKES[name]
    await arrive(shop, steps)
    found = await findings(shop)

    assert expected in found, list(found)
    assert found[expected]["fix"]
    assert found[expected]["title"]
    assert {one for one, finding in found.items() if finding["severity"] == "error"} <= {expected}


@pytest.mark.parametrize("name", CLEAN)
async def test_correct_set_ups_raise_nothing(shop: Shop, name: str) -> None:
    """No error and no warning."""
    await arrive(shop, CLEAN[name])

    assert {name: one["title"] for name, one in (await findings(shop)).items() if one["severity"] != "hint"} == {}


async def test_a_mistake_that_is_fixed_is_resolved(shop: Shop) -> None:
    """The finding stays in the list, as resolved, and opens again when the mistake comes back."""
    states = []
    for number, steps in enumerate((with_properties(value="1"), both(60, event_id="o-2"), with_properties(value="2"))):
        await arrive(shop, [(channel, number * 100 + at, fields) for channel, at, fields in steps])
        answer = (await shop.http.get("/api/diagnostics")).json()["findings"]
        states.append({one["id"]: one["state"] for one in answer}["value-malformed"])

    assert states == ["open", "resolved", "open"]


async def test_nothing_of_a_visitor_is_told(shop: Shop) -> None:
    """No digest, click id, cookie or address stands in a finding or is stored."""
    await arrive(shop, [*both(), *with_user(email="a@example.com"), browser(3, event_id="other")])
    told = (await shop.http.get("/api/diagnostics")).text
    listed = (await shop.http.get("/api/events")).text
    with shop.app.state.events_manager.store._lock:
        stored = str([tuple(row) for row in shop.app.state.events_manager.store._rows("SELECT * FROM events")])

    for secret in (CLICK, "visitor-1", "a@example.com", digest("a@example.com"), AGENT):
        assert secret not in told
        assert secret not in listed
        assert secret not in stored
