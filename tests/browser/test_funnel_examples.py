"""The shops of `examples/`, unchanged, in a real browser: through their links, forms and buttons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from expected import ALL
from serving import example
from shopper import AGENT, CLICK, EMAIL, NO_TRACES, PIXEL, TOKEN, CheckCounts, Shopper

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
    """A visitor without cookies, at a shop that reports to the local manager."""
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


def land(shopper: Shopper) -> None:
    """Open the shop's home page from an ad."""
    shopper.has_pixel = False
    shopper.goto(f"/?ttclid={CLICK}")

    assert shopper.traces() == NO_TRACES


def buy(shopper: Shopper, *, at_the_end: Callable[[], object] = lambda: None) -> None:
    """Product, cart, checkout, payment page with its webhook, thank-you page."""
    shopper.click("a[href='/products/cup']")
    shopper.click("form[action^='/cart'] button")
    shopper.click(ORDER, EMAIL)
    shopper.click(PAY)
    at_the_end()


def submit_forms(shopper: Shopper) -> None:
    """The newsletter and the contact form, each through its link."""
    for path in ("/newsletter", "/contact"):
        shopper.click(f"a[href='{path}']")
        shopper.click("form:has(input[name=email]) button", EMAIL)


def test_complete_funnel(shopper: Shopper, check_counts: CheckCounts) -> None:
    """Consent first; then each of the six events once on both channels, with the click and the email."""
    land(shopper)
    shopper.has_pixel = True
    shopper.click(BANNER.format("yes"))
    buy(shopper)
    submit_forms(shopper)

    check_counts(shopper, "example shop, unchanged")

    assert (shopper.manager_counts("both"), shopper.browser_posts(), shopper.errors) == (ALL, ALL, [])
    assert {"ttclid", "email", "external_id"} <= set(shopper.server_copy("Purchase")["identifiers"])


def test_thank_you_page_again(shopper: Shopper, check_counts: CheckCounts) -> None:
    """The thank-you page is reloaded, left and reopened."""
    land(shopper)
    shopper.has_pixel = True
    shopper.click(BANNER.format("yes"))

    def at_the_end() -> None:
        shopper.reload()
        shopper.click("a[href='/']")
        shopper.go_in_history(-1)

    buy(shopper, at_the_end=at_the_end)
    submit_forms(shopper)

    check_counts(shopper, "example shop, unchanged")

    assert shopper.browser_posts() == ALL


def test_consent_denied(shopper: Shopper, check_counts: CheckCounts) -> None:
    """Nothing is requested, sent or stored, and the shop still works."""
    land(shopper)
    shopper.click(BANNER.format("no"))
    buy(shopper)
    thanked = shopper.page.inner_text("body")
    submit_forms(shopper)

    check_counts(shopper, "consent denied")

    assert "Thank you" in thanked
    assert shopper.traces() == NO_TRACES
    assert shopper.cookies() == {"consent"}


def test_consent_unknown(shopper: Shopper, check_counts: CheckCounts) -> None:
    """A visitor who does not use the banner is not measured."""
    land(shopper)
    buy(shopper)
    submit_forms(shopper)

    check_counts(shopper, "consent unknown")

    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES, set())


def test_consent_withdrawn(shopper: Shopper) -> None:
    """From the response that withdraws consent on, nothing is requested, sent or stored."""
    land(shopper)
    shopper.has_pixel = True
    shopper.click(BANNER.format("yes"))
    shopper.click("a[href='/products/cup']")
    shopper.delivery.deliver()

    assert {"_tte_id", "ttclid"} <= shopper.cookies()
    assert shopper.manager_count("ViewContent", "both") == 1

    shopper.reset_traces()
    shopper.has_pixel = False
    shopper.click(BANNER.format("no"))
    shopper.click("a[href='/']")
    buy(shopper)
    submit_forms(shopper)
    shopper.delivery.deliver()

    assert shopper.traces() == NO_TRACES
    assert not {"_tte_id", "ttclid", "_tte_next"} & shopper.cookies()
    assert shopper.manager_counts() == {"ViewContent": 1}
