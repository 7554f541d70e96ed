"""The shops of `examples/` as they stand, in a real browser: by their own links, forms and buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from serving import example
from shopper import AGENT, CLICK, EMAIL, NO_TRACES, PIXEL, TOKEN, Counts, Shopper
from truth import ALL

from tiktok_events.events_manager import running

ORDER = "form:has(input[name=phone]) button"
PAY = "form[action='/webhook'] button"
BANNER = "form[action='/consent'] button[value={}]"


@pytest.fixture(params=["flask", "starlette", "fastapi"])
def shop(request: pytest.FixtureRequest) -> str:
    adapter = "flask" if request.param == "flask" else "starlette"
    for needed in (request.param, f"tiktok_events_{adapter}", "jinja2"):
        pytest.importorskip(needed)
    return str(request.param)


@pytest.fixture
def shopper(chromium: Any, shop: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shopper]:
    """Somebody without cookies, at a shop that reports to the local manager as its first lines say."""
    with ExitStack() as stack:
        manager = stack.enter_context(running())
        for name, value in {
            "API_URL": manager.api_url,
            "PIXEL_URL": f"{manager.url}/i18n/pixel/events.js",
            "PIXEL_CODE": PIXEL,
            "ACCESS_TOKEN": TOKEN,
        }.items():
            monkeypatch.setenv(f"TIKTOK_{name}", value)
        url, site = stack.enter_context(example(shop))
        context = chromium.new_context(user_agent=AGENT)
        stack.callback(context.close)
        yield Shopper(context, url, manager, SimpleNamespace(deliver=site.close, events=[]))


def lands(shopper: Shopper) -> None:
    """From an ad to the shop's front, and by its own link to a product."""
    shopper.has_pixel = False
    shopper.goes(f"/?ttclid={CLICK}")

    assert shopper.traces() == NO_TRACES


def buys(shopper: Shopper, *, at_the_end: Callable[[], object] = lambda: None) -> None:
    """A product, the cart, the checkout, the payment page and its webhook, the thank-you page."""
    shopper.clicks("a[href='/products/cup']")
    shopper.clicks("form[action^='/cart'] button")
    shopper.clicks(ORDER, EMAIL)
    shopper.clicks(PAY)
    at_the_end()


def writes(shopper: Shopper) -> None:
    """The two forms besides, each by its link."""
    for path in ("/newsletter", "/contact"):
        shopper.clicks(f"a[href='{path}']")
        shopper.clicks("form:has(input[name=email]) button", EMAIL)


def test_plain(shopper: Shopper, counts: Counts) -> None:
    """Consent first; then each of the six events once on both channels, with the click and the address."""
    lands(shopper)
    shopper.has_pixel = True
    shopper.clicks(BANNER.format("yes"))
    buys(shopper)
    writes(shopper)

    counts(shopper, "an example shop, as it stands")

    assert (shopper.counted("both"), shopper.posts(), shopper.wrong) == (ALL, ALL, [])
    assert {"ttclid", "email", "external_id"} <= set(shopper.server_copy("Purchase")["identifiers"])


def test_thanked_again(shopper: Shopper, counts: Counts) -> None:
    """The thank-you page reloaded, and left and come back to."""
    lands(shopper)
    shopper.has_pixel = True
    shopper.clicks(BANNER.format("yes"))

    def at_the_end() -> None:
        shopper.reloads()
        shopper.clicks("a[href='/']")
        shopper.moves(-1)

    buys(shopper, at_the_end=at_the_end)
    writes(shopper)

    counts(shopper, "an example shop, as it stands")

    assert shopper.posts() == ALL


def test_the_banners_no(shopper: Shopper, counts: Counts) -> None:
    """Nothing is asked for, sent or kept, and everything can be bought all the same."""
    lands(shopper)
    shopper.clicks(BANNER.format("no"))
    buys(shopper)
    thanked = shopper.page.inner_text("body")
    writes(shopper)

    counts(shopper, "consent denied")

    assert "Thank you" in thanked
    assert shopper.traces() == NO_TRACES
    assert shopper.cookies() == {"consent"}


def test_the_banner_left_alone(shopper: Shopper, counts: Counts) -> None:
    """Who walks past it is not measured."""
    lands(shopper)
    buys(shopper)
    writes(shopper)

    counts(shopper, "consent not asked yet")

    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES, set())


def test_withdrawn(shopper: Shopper) -> None:
    """The yes is taken back at the foot of the page: from that answer on nothing is asked for, sent or kept."""
    lands(shopper)
    shopper.has_pixel = True
    shopper.clicks(BANNER.format("yes"))
    shopper.clicks("a[href='/products/cup']")
    shopper.delivery.deliver()

    assert {"_tte_id", "ttclid"} <= shopper.cookies()
    assert shopper.heard("ViewContent", "both") == 1

    shopper.forgets()
    shopper.has_pixel = False
    shopper.clicks(BANNER.format("no"))
    shopper.clicks("a[href='/']")
    buys(shopper)
    writes(shopper)
    shopper.delivery.deliver()

    assert shopper.traces() == NO_TRACES
    assert not {"_tte_id", "ttclid", "_tte_next"} & shopper.cookies()
    assert shopper.counted() == {"ViewContent": 1}
