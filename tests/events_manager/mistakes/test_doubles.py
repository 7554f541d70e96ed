"""Conversions that TikTok counts twice are found, and two real orders are not called one."""

from __future__ import annotations

from typing import Any

import pytest
from shops import Shop
from steps import AGENT, LAMP, OTHER_PIXEL, Step, arrive, both, browser, digest, findings, server, visitor

pytestmark = pytest.mark.anyio

ORDER = {"value": 49, "currency": "EUR", "content_type": "product", "contents": LAMP, "order_id": "1001"}
OTHER = {"value": 49, "currency": "EUR", "content_type": "product", "contents": LAMP, "order_id": "1002"}
LEAD: dict[str, Any] = {"properties": None}
HOUR, DAY = 3_600, 86_400

DOUBLES: dict[str, tuple[list[Step], str]] = {
    "each side makes an id": ([server(event_id="s-1"), browser(1, event_id="b-1")], "ids-differ"),
    "the browser is first": ([browser(event_id="b-1"), server(1, event_id="s-1")], "ids-differ"),
    "the server is five minutes late": ([browser(event_id="b-1"), server(300, event_id="s-1")], "ids-differ"),
    "the id has a prefix on one side": ([server(event_id="purchase_1001"), browser(1, event_id="1001")], "ids-differ"),
    "no common key, same page and value": (
        [server(event_id="s-1", user={"phone": [digest("+12025550123")]}), browser(1, event_id="b-1")],
        "ids-differ",
    ),
    "only the user agent is common": (
        [
            server(event_id="s-1", user={"email": [digest("b@example.com")], "user_agent": AGENT}, page=None),
            browser(120, event_id="b-1"),
        ],
        "ids-differ",
    ),
    "a lead without a value": (
        [server(event="Lead", event_id="l-1", **LEAD), browser(1, event="Lead", event_id="l-2", **LEAD)],
        "ids-differ",
    ),
    "the view runs twice on the server": ([server(event_id="r-1"), server(2, event_id="r-2")], "ids-differ"),
    "the page fires twice": ([browser(event_id="r-1"), browser(2, event_id="r-2")], "ids-differ"),
    "one order number, two ids, an hour apart": (
        [server(event_id="r-1", properties=ORDER), server(HOUR, event_id="r-2", properties=ORDER)],
        "ids-differ",
    ),
    "one order number in page and webhook": (
        [browser(event_id="r-1", properties=ORDER), server(HOUR, event_id="r-2", properties=ORDER, user=visitor(9))],
        "ids-differ",
    ),
    "an old name in the page": ([server(), browser(1, event="CompletePayment")], "names-differ"),
    "an old name on the server": ([server(event="CompletePayment"), browser(1)], "names-differ"),
    "old name and other id": ([server(), browser(1, event="CompletePayment", event_id="b-1")], "names-differ"),
    "SubmitForm and Lead": (
        [server(event="Lead", event_id="l-1", **LEAD), browser(1, event="SubmitForm", event_id="l-1", **LEAD)],
        "names-differ",
    ),
    "PlaceAnOrder and Purchase of the server": ([server(), server(1, event="PlaceAnOrder")], "names-differ"),
    "the name in small letters": ([server(), browser(1, event="purchase")], "case-differs"),
    "the name with an underscore": (
        [server(event="AddToCart", event_id="c-1"), browser(1, event="add_to_cart", event_id="c-1")],
        "case-differs",
    ),
    "the id in capitals": ([server(event_id="order-a"), browser(1, event_id="ORDER-A")], "case-differs"),
    "a blank after the id": ([server(), browser(1, event_id="order-1 ")], "case-differs"),
    "another pixel in the page": ([server(), browser(1, pixel=OTHER_PIXEL)], "pixels-differ"),
    "no id in the page": ([server(), browser(1, event_id=None)], "event-id-missing"),
    "no id on the server": ([server(event_id=None, user=visitor(1)), browser(1)], "event-id-missing"),
    "the server 50 hours late": ([browser(), server(50 * HOUR)], "double-after-window"),
    "a webhook after three days": ([*both(), server(3 * DAY)], "double-after-window"),
}

CLEAN: dict[str, list[Step]] = {
    "one order of both channels": both(),
    "two orders of one person, seconds apart": [*both(), *both(20, event_id="order-2")],
    "two orders of one person, at once": [*both(), *both(1, event_id="order-2")],
    "two orders of one person, server only": [server(), server(60, event_id="order-2")],
    "two orders of one person, browser only": [browser(), browser(60, event_id="order-2")],
    "two orders by number, server only, at once": [
        server(event_id="order-1001", properties=ORDER),
        server(1, event_id="order-1002", properties=OTHER),
    ],
    "two people buy the same": [*both(), *both(1, event_id="order-2", ttp="visitor-2", ttclid="")],
    "two people, server only, at once": [server(), server(1, event_id="order-2", user=visitor(2))],
    "a blocked pixel and a failed server": [server(), browser(1, event_id="order-2", ttp="visitor-2", ttclid="")],
    "two leads of both channels": [
        *both(event="Lead", event_id="l-1", **LEAD),
        *both(3, event="Lead", event_id="l-2", **LEAD),
    ],
    "two carts": [*both(event="AddToCart", event_id="c-1"), *both(1, event="AddToCart", event_id="c-2")],
    "two carts of the server": [
        server(event="AddToCart", event_id="c-1"),
        server(1, event="AddToCart", event_id="c-2"),
    ],
    "two pixels on purpose": [
        *both(),
        server(1, event_source_id=OTHER_PIXEL),
        browser(1.3, pixel=OTHER_PIXEL),
    ],
    "a reload": [*both(), browser(60), browser(90)],
    "a webhook again": [*both(), server(HOUR), server(2 * HOUR)],
    "a purchase and a subscription of one order": [*both(), *both(1, event="Subscribe")],
    "another order after three days": [*both(), *both(3 * DAY, event_id="order-2")],
}


@pytest.mark.parametrize("name", DOUBLES)
async def test_doubles_are_found(shop: Shop, name: str) -> None:
    """Within a second, with the fix; nothing else is called an error."""
    steps, expected = DOUBLES[name]
    await arrive(open_to_all(shop), steps)
    found = await findings(shop)
    errors = {name for name, one in found.items() if one["severity"] == "error"}

    assert errors == {expected}
    assert found[expected]["fix"]
    assert len(found[expected]["events"]) >= 1


@pytest.mark.parametrize("name", CLEAN)
async def test_real_orders_are_no_doubles(shop: Shop, name: str) -> None:
    """No error and no warning."""
    await arrive(open_to_all(shop), CLEAN[name])

    assert {name: one["title"] for name, one in (await findings(shop)).items() if one["severity"] != "hint"} == {}


@pytest.mark.parametrize("name", [name for name, (_, expected) in DOUBLES.items() if expected != "double-after-window"])
async def test_findings_go(shop: Shop, name: str) -> None:
    """When the next conversion of that name is reported as it should be."""
    steps, expected = DOUBLES[name]
    await arrive(open_to_all(shop), steps)
    assert expected in await findings(shop)
    current = "Lead" if "ead" in steps[0][2]["event"] else "AddToCart" if "art" in steps[0][2]["event"] else "Purchase"
    await arrive(shop, both(3 * HOUR, event=current, event_id="another"))

    assert expected not in await findings(shop)


def open_to_all(shop: Shop) -> Shop:
    """The same manager, for any pixel."""
    import attrs

    state = shop.app.state.events_manager
    shop.app.state.events_manager = attrs.evolve(state, source_id=None)
    return shop
