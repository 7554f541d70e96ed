"""What TikTok would count of a shop's whole funnel, against what happened: what each channel loses, and late servers.

The figures that must come out stand in `truth.py`, each beside the rule it follows from.
"""

from __future__ import annotations

import time

import pytest
from shopper import AGENT, CLICK, DAY, Calendar, Counts, Shopper, Visit
from truth import ALL, FUNNEL

MINUTE, HOUR = 60, 3600


def test_plain(visit: Visit, counts: Counts) -> None:
    """Every event comes on both channels and tells whose it is; each counts once, and nothing else is sent."""
    shopper = visit()
    shopper.walks(f"/product?ttclid={CLICK}")

    counts(shopper, "the whole funnel")

    assert (shopper.counted("both"), shopper.posts(), shopper.wrong) == (ALL, ALL, [])
    assert sorted(event.event for event in shopper.delivery.events) == sorted(FUNNEL)
    for name in FUNNEL:
        assert {"ttclid", "external_id", "user_agent"} <= set(shopper.server_copy(name)["identifiers"])


def test_pixel_blocked(visit: Visit, counts: Counts) -> None:
    """An ad blocker takes the browser's half; the server's counts."""
    shopper = visit()
    shopper.blocks_the_pixel()
    shopper.walks()

    counts(shopper, "pixel blocked")

    assert (shopper.counted("server_only"), shopper.posts()) == (ALL, {})


@pytest.mark.parametrize(
    ("late", "situation", "merged", "dropped"),
    [
        (3 * MINUTE, "server 3 minutes late", 6, 0),
        (10 * MINUTE, "server 10 minutes late", 0, 6),
        (50 * HOUR, "server 50 hours late", 0, 0),
    ],
)
def test_server_late(visit: Visit, counts: Counts, late: int, situation: str, merged: int, dropped: int) -> None:
    """The worker was down, and delivers when it is back. What TikTok makes of that is its own rule."""
    shopper = visit(held=True)
    shopper.walks()
    shopper.turns_clock(late)

    counts(shopper, situation)

    summary = shopper.manager.summary()
    assert (summary["merged"], summary["dropped"]) == (merged, dropped)


def comes_back_later(shopper: Shopper, days: int) -> None:
    """The browser is opened again, *days* after: what was for its session is gone, and what has expired since."""
    then = time.time() + days * DAY
    kept = [one for one in shopper.context.cookies() if one["expires"] > then]
    browser = shopper.context.browser
    shopper.leaves()
    context = browser.new_context(user_agent=AGENT)
    context.add_cookies([{**one, "expires": one["expires"] - days * DAY} for one in kept])
    shopper.opens(context)


@pytest.mark.parametrize("blocked", [False, True])
def test_later_visit(visit: Visit, counts: Counts, calendar: Calendar, blocked: bool) -> None:
    """The click id of the landing is told with the purchase 20 days after: the pixel's own cookie lives one day."""
    calendar.behind = 20 * DAY
    shopper = visit()
    shopper.context.clock.set_system_time(calendar())
    if blocked:
        shopper.blocks_the_pixel()
    shopper.goes(f"/product?ttclid={CLICK}")
    shopper.adds_to_cart()
    shopper.delivery.deliver()
    comes_back_later(shopper, 20)
    calendar.behind = 0
    if blocked:
        shopper.blocks_the_pixel()
    shopper.goes("/")
    shopper.buys()

    counts(shopper, "the same, pixel blocked" if blocked else "landing with a click id, purchase 20 days later")

    told = shopper.server_copy("Purchase")["identifiers"]
    assert {"ttclid", "email", "external_id", "user_agent"} <= set(told)
    assert ("ttp" in told) is not blocked
    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}
    assert len({event.user.external_id for event in shopper.delivery.events}) == 1


def test_landing_redirected(visit: Visit, counts: Counts) -> None:
    """The page that is shown has no click id in its address, and the purchase has it all the same."""
    shopper = visit()
    shopper.walks(f"/go?ttclid={CLICK}")

    counts(shopper, "landing through a redirect")

    assert f"{shopper.url}/product" in shopper.asked
    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}


def test_two_leads(visit: Visit, counts: Counts) -> None:
    """What really happened twice counts twice."""
    shopper = visit()
    shopper.walks()
    shopper.submits("contact", "zzpii.bo@example.com")

    counts(shopper, "two leads")

    assert shopper.heard("Lead", "both") == 2
