"""Repeated pages and webhooks, at once and after days: counted once, and sent once per browser."""

from __future__ import annotations

from typing import Any

import pytest
from expected import ALL
from shopper import AGENT, DAY, Calendar, CheckCounts, Shopper, Visit


def test_reload(visit: Visit, check_counts: CheckCounts) -> None:
    """A browser reports the thank-you page once, however often it is reloaded."""
    shopper = visit()

    def pays() -> None:
        shopper.pay()
        for _ in range(3):
            shopper.reload()

    shopper.complete_funnel(pays=pays)

    check_counts(shopper, "thank-you page reloaded")

    assert shopper.browser_posts() == ALL


def test_back_and_forward(visit: Visit, check_counts: CheckCounts) -> None:
    """The history loads the thank-you page and the page before it again."""
    shopper = visit()

    def pays() -> None:
        shopper.pay()
        assert [shopper.go_in_history(step) for step in (-1, 1, -1, 1)] == ["loaded"] * 4

    shopper.complete_funnel(pays=pays)

    check_counts(shopper, "back and forward")

    assert shopper.browser_posts() == ALL


def test_back_and_forward_revived(visit: Visit, check_counts: CheckCounts, reviving_chromium: Any) -> None:
    """The history shows pages from memory, so their scripts do not run again."""
    shopper = visit(browser=reviving_chromium)

    def pays() -> None:
        shopper.pay()
        assert [shopper.go_in_history(step) for step in (-1, 1, -1, 1)] == ["revived"] * 4

    shopper.complete_funnel(pays=pays)

    check_counts(shopper, "back and forward")

    assert shopper.browser_posts() == ALL


def test_post_redirect_get(visit: Visit, check_counts: CheckCounts) -> None:
    """The event of a form is rendered by the next page, and not again when that is reloaded."""
    shopper = visit()

    def pays() -> None:
        shopper.reload()
        shopper.pay()

    shopper.complete_funnel(pays=pays)
    shopper.reload()

    check_counts(shopper, "POST, redirect, GET, reload")

    assert shopper.page.url == f"{shopper.url}/welcome"
    assert shopper.browser_posts() == ALL
    assert "_tte_next" not in shopper.cookies()


def paid_before(shopper: Shopper) -> None:
    """The webhook comes before the visitor."""
    shopper.send_payment_webhook()
    shopper.delivery.deliver()
    assert shopper.manager_count("Purchase", "server_only") == 1
    shopper.goto("/thanks/1001")


def paid_after(shopper: Shopper) -> None:
    """The webhook comes after the visitor."""
    shopper.goto("/thanks/1001")
    assert shopper.manager_count("Purchase", "browser_only") == 1
    shopper.send_payment_webhook()


def paid_twice(shopper: Shopper) -> None:
    """The webhook comes twice."""
    shopper.send_payment_webhook()
    shopper.goto("/thanks/1001")
    shopper.send_payment_webhook()


@pytest.mark.parametrize(
    ("paid", "situation", "webhooks"),
    [
        (paid_before, "payment webhook before the thank-you page", 1),
        (paid_after, "payment webhook after the thank-you page", 1),
        (paid_twice, "payment webhook twice", 2),
    ],
)
def test_webhook(visit: Visit, check_counts: CheckCounts, paid: Any, situation: str, webhooks: int) -> None:
    """In any order and number, there is one purchase on both channels."""
    shopper = visit()
    shopper.complete_funnel(pays=lambda: paid(shopper))

    check_counts(shopper, situation)

    assert shopper.manager_count("Purchase", "both") == 1
    assert [event.event for event in shopper.delivery.events].count("Purchase") == webhooks


def test_two_tabs(visit: Visit, check_counts: CheckCounts) -> None:
    """The thank-you page is open twice, and the second tab reports nothing."""
    shopper = visit()

    def pays() -> None:
        shopper.pay()
        shopper.new_tab()
        shopper.goto("/thanks/1001")

    shopper.complete_funnel(pays=pays)

    check_counts(shopper, "two tabs")

    assert shopper.browser_posts() == ALL
    assert shopper.manager.summary()["dropped"] == 0


def funnel_3_days_ago(visit: Visit, calendar: Calendar) -> Shopper:
    """A visitor who completed the funnel 3 days ago, in the same browser today."""
    calendar.behind = 3 * DAY
    shopper = visit()
    shopper.context.clock.set_system_time(calendar())
    shopper.complete_funnel()
    shopper.delivery.deliver()
    calendar.behind = 0
    shopper.context.clock.set_system_time(calendar())
    return shopper


def test_webhook_repeated_after_3_days(visit: Visit, check_counts: CheckCounts, calendar: Calendar) -> None:
    """Payment providers try for days; TikTok remembers an id for 48 hours, the outbox for 28 days."""
    shopper = funnel_3_days_ago(visit, calendar)
    shopper.send_payment_webhook(3)

    check_counts(shopper, "payment webhook repeated after 3 days")

    assert [event.event for event in shopper.delivery.events].count("Purchase") == 4
    assert shopper.delivery.background.stats().repeated == 3


@pytest.mark.parametrize("other_browser", [False, True])
def test_thank_you_page_after_3_days(
    visit: Visit, check_counts: CheckCounts, calendar: Calendar, other_browser: bool
) -> None:
    """The link in an old e-mail opens the page again, perhaps on another device."""
    shopper = funnel_3_days_ago(visit, calendar)
    if other_browser:
        browser = shopper.context.browser
        shopper.close()
        shopper.open(browser.new_context(user_agent=AGENT))
    shopper.goto("/thanks/1001")

    where = " in another browser" if other_browser else ""
    check_counts(shopper, f"thank-you page opened after 3 days{where}")

    assert "Purchase" not in {event["event"] for event in shopper.manager.events()[-3:]}


def test_redirect_then_another_tab(visit: Visit) -> None:
    """Two tabs report the event of a form once: only the next page uses the redirect cookie (3.8)."""
    shopper = visit()
    shopper.goto("/")
    shopper.submit("newsletter", "zzpii.ada@example.com")
    shopper.new_tab()
    shopper.goto("/welcome")
    shopper.delivery.deliver()

    assert (shopper.manager_count("Subscribe", "both"), shopper.browser_posts()) == (1, {"Subscribe": 1})


# --- random ids, which only the page has ------------------------------------------------------------------------------


def test_a_page_from_the_browsers_cache(visit: Visit) -> None:
    """Going back runs the page's HTML from the cache with its old id: no request, and nothing is sent."""
    shopper = visit()
    shopper.goto("/product")
    shopper.goto("/")
    before = len(shopper.delivery.events)

    assert shopper.go_in_history(-1) == "loaded"
    assert shopper.page.url == f"{shopper.url}/product"
    assert len(shopper.delivery.events) == before
    assert shopper.browser_posts() == {"ViewContent": 1}


def test_a_page_revived(visit: Visit, reviving_chromium: Any) -> None:
    """A page from memory sends nothing."""
    shopper = visit(browser=reviving_chromium)
    shopper.goto("/product")
    shopper.goto("/")

    assert shopper.go_in_history(-1) == "revived"
    assert shopper.browser_posts() == {"ViewContent": 1}


def test_markup_executed_again(visit: Visit) -> None:
    """A client-side router that restores a copy of the page runs its scripts again: they send nothing more."""
    shopper = visit()
    shopper.goto("/product")
    shopper.page.evaluate(
        """() => {
          const copied = document.documentElement.innerHTML;
          history.pushState({}, "", "/elsewhere");
          document.body.replaceChildren();
          const copy = new DOMParser().parseFromString(copied, "text/html");
          for (const original of copy.querySelectorAll("script:not([src])")) {
            const script = document.createElement("script");
            script.textContent = original.textContent;
            document.body.append(script);
          }
        }"""
    )
    shopper.wait_for_events()

    assert shopper.browser_posts() == {"ViewContent": 1}


def test_a_reload_is_a_new_view(visit: Visit) -> None:
    """Without a key, a reload is a new event on both channels, with a new id."""
    shopper = visit()
    shopper.goto("/product")
    shopper.reload()
    shopper.delivery.deliver()

    assert (shopper.manager_count("ViewContent", "both"), set(shopper.posted_ids().values())) == (2, {1})
