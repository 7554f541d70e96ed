"""Simulate a day in two shops: visitors, their events, and which of them block the pixel. A seed makes it repeatable."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

_DAY_SECONDS = 14 * 3600
"""Seconds from the first visit to the last."""

_BLOCKED_SHARE = 0.28
"""Share of visitors whose browser blocks the pixel: the implementation guide gives 20 to 35 %."""

_PRODUCTS = (
    ("lamp-01", "Desk lamp", "Lamps", 4900),
    ("lamp-02", "Floor lamp", "Lamps", 12900),
    ("chair-01", "Reading chair", "Chairs", 24900),
    ("shelf-01", "Wall shelf", "Shelves", 7950),
    ("rug-01", "Wool rug", "Textiles", 18900),
    ("vase-01", "Glass vase", "Glass", 2450),
)


@attrs.frozen
class Shop:
    """One shop with one pixel. `purchase` is its event name for orders: shops from before May 2025 may use an old name."""

    name: str
    pixel_code: str
    url: str
    purchase: str


SHOPS = (
    Shop("set up in 2024", "CDEMOSHOPSINCE2024AA", "https://lamps.example", "CompletePayment"),
    Shop("set up today", "CDEMOSHOPSINCE2026BB", "https://chairs.example", "Purchase"),
)


@attrs.frozen
class Step:
    """One event of a visitor, in a page or outside one."""

    event: str
    key: str
    at: int
    path: str
    properties: Mapping[str, Any] = attrs.field(factory=dict, hash=False)
    on_page: bool = True
    """False for events without a page, which only the server reports, such as an order by phone."""


@attrs.frozen
class Visit:
    """One visitor in one shop. `blocked`: the pixel does not load, because of an ad blocker or the browser."""

    shop: Shop
    user: Mapping[str, str] = attrs.field(hash=False)
    ttp: str | None
    blocked: bool
    steps: tuple[Step, ...]

    @property
    def browser_steps(self) -> tuple[Step, ...]:
        """The steps that the pixel reports."""
        return () if self.blocked else tuple(step for step in self.steps if step.on_page)


@attrs.frozen
class SimulatedDay:
    """All visits of a day."""

    visits: tuple[Visit, ...]

    @property
    def expected(self) -> dict[str, int]:
        """The number of times each event happened."""
        return dict(Counter(step.event for visit in self.visits for step in visit.steps))

    @property
    def steps_by_time(self) -> list[tuple[Visit, Step]]:
        """Every step with its visit, by time."""
        return sorted(((visit, step) for visit in self.visits for step in visit.steps), key=lambda pair: pair[1].at)

    @property
    def blocked_share(self) -> float:
        """The share of visitors whose pixel was blocked."""
        return sum(visit.blocked for visit in self.visits) / len(self.visits)


def simulated_day(visitors: int = 400, *, seed: int = 1, start: int = 0) -> SimulatedDay:
    """Simulate a day of *visitors* from *start* (Unix seconds) on. The same arguments give the same day."""
    random_source = random.Random(seed)
    return SimulatedDay(tuple(_visit(number, random_source, start) for number in range(1, visitors + 1)))


def _visit(number: int, random_source: random.Random, start: int) -> Visit:
    shop = SHOPS[number % len(SHOPS)]
    blocked = random_source.random() < _BLOCKED_SHARE
    steps = tuple(_steps(number, shop, random_source, start + random_source.randrange(_DAY_SECONDS)))
    return Visit(
        shop,
        _user(number, random_source),
        None if blocked else f"2demo{random_source.randrange(16**20):020x}",
        blocked,
        steps,
    )


def _user(number: int, random_source: random.Random) -> dict[str, str]:
    user = {
        "ip": f"93.184.{random_source.randrange(256)}.{random_source.randrange(1, 255)}",
        "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
        "external_id": f"visitor-{number}",
    }
    if random_source.random() < 0.6:  # clicked an ad
        user["ttclid"] = f"E.C.P.demo{random_source.randrange(16**24):024x}"
    return user


def _steps(number: int, shop: Shop, random_source: random.Random, at: int) -> Iterator[Step]:
    product = random_source.choice(_PRODUCTS)
    path, cart = f"/products/{product[0]}", _cart(product, random_source.choice((1, 1, 1, 2)))
    for view in range(random_source.choice((1, 1, 2, 3))):
        yield Step("ViewContent", f"{number}:{view}", at + 40 * view, path, _cart(product, 1))
    at += 150
    if random_source.random() < 0.10:
        yield Step("Subscribe", f"news:{number}", at, "/newsletter/thanks")
    if random_source.random() < 0.08:
        yield Step("Lead", f"form:{number}", at + 20, "/contact/thanks")
    if random_source.random() < 0.04:
        # Ordered by phone: only the shop's own system has this order.
        yield Step(shop.purchase, f"phone:{number}", at + 900, "/orders", _order(number, cart), on_page=False)
        return
    for event, share, where in (("AddToCart", 0.45, path), ("InitiateCheckout", 0.6, "/checkout")):
        if random_source.random() > share:
            return
        at += 60
        yield Step(event, f"cart:{number}", at, where, cart)
    if random_source.random() < 0.7:
        yield Step(shop.purchase, f"order:{number}", at + 120, "/checkout/thanks", _order(number, cart))


def _cart(product: tuple[str, str, str, int], quantity: int) -> dict[str, Any]:
    content_id, name, category, cents = product
    item = {"content_id": content_id, "content_name": name, "content_category": category, "price": cents / 100}
    return {
        "content_type": "product",
        "contents": [{**item, "quantity": quantity}],
        "value": cents * quantity / 100,
        "currency": "EUR",
    }


def _order(number: int, cart: dict[str, Any]) -> dict[str, Any]:
    return {**cart, "order_id": f"{10_000 + number}"}
