"""Counts of a complete funnel: both channels, one channel lost, and late servers.

The expected counts are in `expected.py`, each with the rule it follows from.
"""

from __future__ import annotations

import time

import pytest
from expected import ALL, FUNNEL
from shopper import AGENT, CLICK, DAY, Calendar, CheckCounts, Shopper, Visit

MINUTE, HOUR = 60, 3600


def test_complete_funnel(visit: Visit, check_counts: CheckCounts) -> None:
    """Each event arrives on both channels with identifiers and counts once, and nothing else is sent."""
    shopper = visit()
    shopper.complete_funnel(f"/product?ttclid={CLICK}")

    check_counts(shopper, "complete funnel")

    assert (shopper.manager_counts("both"), shopper.browser_posts(), shopper.errors) == (ALL, ALL, [])
    assert sorted(event.event for event in shopper.delivery.events) == sorted(FUNNEL)
    for name in FUNNEL:
        assert {"ttclid", "external_id", "user_agent"} <= set(shopper.server_copy(name)["identifiers"])


def test_pixel_blocked(visit: Visit, check_counts: CheckCounts) -> None:
    """With an ad blocker only the server event arrives, and it counts."""
    shopper = visit()
    shopper.block_pixel()
    shopper.complete_funnel()

    check_counts(shopper, "pixel blocked")

    assert (shopper.manager_counts("server_only"), shopper.browser_posts()) == (ALL, {})


@pytest.mark.parametrize(
    ("late", "situation", "merged", "dropped"),
    [
        (3 * MINUTE, "server 3 minutes late", 6, 0),
        (10 * MINUTE, "server 10 minutes late", 0, 6),
        (50 * HOUR, "server 50 hours late, no max_event_age", 0, 0),
    ],
)
def test_late_server_events(
    visit: Visit, check_counts: CheckCounts, late: int, situation: str, merged: int, dropped: int
) -> None:
    """The worker was down and delivers late. TikTok's rules decide what counts."""
    shopper = visit(held=True)
    shopper.complete_funnel()
    shopper.advance_clock(late)

    check_counts(shopper, situation)

    summary = shopper.manager.summary()
    assert (summary["merged"], summary["dropped"]) == (merged, dropped)


def test_a_server_event_after_48_hours_is_a_dead_letter(visit: Visit, check_counts: CheckCounts) -> None:
    """With `max_event_age` the worker does not deliver what TikTok would count again. It keeps it."""
    shopper = visit(held=True, max_event_age=48 * HOUR)
    shopper.complete_funnel()
    shopper.advance_clock(50 * HOUR)

    check_counts(shopper, "server 50 hours late")

    assert len(shopper.delivery.outbox.dead()) == 6


def reopen_browser_later(shopper: Shopper, days: int) -> None:
    """Open the browser again after *days*, without session cookies and expired cookies."""
    then = time.time() + days * DAY
    stored = [cookie for cookie in shopper.context.cookies() if cookie["expires"] > then]
    browser = shopper.context.browser
    shopper.close()
    context = browser.new_context(user_agent=AGENT)
    context.add_cookies([{**cookie, "expires": cookie["expires"] - days * DAY} for cookie in stored])
    shopper.open(context)


@pytest.mark.parametrize("blocked", [False, True])
def test_purchase_20_days_after_the_click(
    visit: Visit, check_counts: CheckCounts, calendar: Calendar, blocked: bool
) -> None:
    """The purchase has the click id of the landing 20 days before; the pixel's own cookie lives one day."""
    calendar.behind = 20 * DAY
    shopper = visit()
    shopper.context.clock.set_system_time(calendar())
    if blocked:
        shopper.block_pixel()
    shopper.goto(f"/product?ttclid={CLICK}")
    shopper.add_to_cart()
    shopper.delivery.deliver()
    reopen_browser_later(shopper, 20)
    calendar.behind = 0
    if blocked:
        shopper.block_pixel()
    shopper.goto("/")
    shopper.complete_checkout()

    check_counts(
        shopper,
        "purchase 20 days later, pixel blocked" if blocked else "landing with a click id, purchase 20 days later",
    )

    identifiers = shopper.server_copy("Purchase")["identifiers"]
    assert {"ttclid", "email", "external_id", "user_agent"} <= set(identifiers)
    assert ("ttp" in identifiers) is not blocked
    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}
    assert len({event.user.external_id for event in shopper.delivery.events}) == 1


def test_landing_through_a_redirect(visit: Visit, check_counts: CheckCounts) -> None:
    """The page shown has no click id in its URL, but the purchase has it."""
    shopper = visit()
    shopper.complete_funnel(f"/go?ttclid={CLICK}")

    check_counts(shopper, "landing through a redirect")

    assert f"{shopper.url}/product" in shopper.requested
    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}


def test_two_leads(visit: Visit, check_counts: CheckCounts) -> None:
    """Two real events without a key count twice."""
    shopper = visit()
    shopper.complete_funnel()
    shopper.submit("contact", "zzpii.bo@example.com")

    check_counts(shopper, "two leads")

    assert shopper.manager_count("Lead", "both") == 2
