"""Consent in a real browser: the counts, and that nothing is requested, stored or sent without consent."""

from __future__ import annotations

from typing import Any

import pytest
from expected import FUNNEL
from shopper import CLICK, NO_TRACES, PIXEL, CheckCounts, Shopper, Visit

from tiktok_events import web

COOKIE = web.ConsentCookie("shop_consent", {"yes"}, {"no"})
LANDING = f"/product?ttclid={CLICK}"
OURS = {"_tte_id", "ttclid", "_tte_next"}


def consent_rule(request: Any) -> bool | None:
    """A typical consent callable of a shop."""
    return {"yes": True, "no": False}.get(request.cookies.get("shop_consent"))


RULES = pytest.mark.parametrize("rule", [consent_rule, COOKIE], ids=["callable", "cookie"])


def set_consent(shopper: Shopper, value: str) -> None:
    """Set the consent cookie, as after an earlier visit."""
    shopper.context.add_cookies([{"name": "shop_consent", "value": value, "url": shopper.url}])


@RULES
def test_denied(visit: Visit, check_counts: CheckCounts, rule: Any) -> None:
    """Nothing is requested, sent or stored; there is only the shop's consent cookie."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    set_consent(shopper, "no")
    shopper.complete_funnel(LANDING)

    check_counts(shopper, "consent denied")

    assert shopper.traces() == NO_TRACES
    assert shopper.cookies() == {"shop_consent"}
    assert shopper.page.evaluate("window.ttq === undefined")


@RULES
def test_consent_unknown(visit: Visit, check_counts: CheckCounts, rule: Any) -> None:
    """Nothing is requested, sent or stored while consent is unknown."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.complete_funnel(LANDING)

    check_counts(shopper, "consent unknown")

    assert shopper.traces() == NO_TRACES
    assert shopper.cookies() == set()


@RULES
def test_granted_late(visit: Visit, check_counts: CheckCounts, rule: Any) -> None:
    """Consent is granted after the purchase: later events count, earlier events are not sent."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.goto(LANDING)
    shopper.add_to_cart()
    shopper.submit("checkout", "zzpii.ada@example.com")
    shopper.pay()

    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES, set())

    shopper.goto("/")
    shopper.has_pixel = True
    shopper.submit("yes")
    shopper.submit("contact", "zzpii.ada@example.com")
    shopper.submit("newsletter", "zzpii.ada@example.com")

    check_counts(shopper, "consent granted late")

    assert {"_tte_id", "_ttp"} <= shopper.cookies()
    assert shopper.traces().tracked == ["Lead", "Subscribe"]


@RULES
def test_granted_on_the_landing(visit: Visit, rule: Any) -> None:
    """The response to the banner stores the click id of the current page."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.goto(LANDING)

    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES, set())

    shopper.has_pixel = True
    shopper.submit("yes")
    shopper.goto("/")
    shopper.complete_checkout()
    shopper.delivery.deliver()

    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}


@RULES
def test_revoked(visit: Visit, check_counts: CheckCounts, rule: Any) -> None:
    """From the response that revokes consent on, nothing is requested, sent or written, and our cookies are deleted."""
    shopper = visit(consent=rule)
    set_consent(shopper, "yes")
    shopper.goto(LANDING)
    shopper.add_to_cart()
    shopper.delivery.deliver()

    assert {"_tte_id", "ttclid"} <= shopper.cookies()

    shopper.has_pixel = False
    shopper.reset_traces()
    shopper.submit("no")
    shopper.complete_checkout()

    check_counts(shopper, "consent revoked")

    assert shopper.traces() == NO_TRACES
    assert not OURS & shopper.cookies()


def land_with_held_calls(shopper: Shopper) -> None:
    """Open the landing page. It loads the pixel, which holds the calls."""
    shopper.has_pixel = False
    shopper.goto(LANDING)
    shopper.page.wait_for_function("() => window.ttq && window.ttq._standIn")

    loaded = {f"{shopper.manager.url}/i18n/pixel/events.js"}
    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES._replace(requested=loaded), set())


@pytest.mark.parametrize(
    ("rule", "script"),
    [
        (COOKIE, "document.cookie = 'shop_consent=yes'; tiktokEvents.fire([])"),
        (consent_rule, "document.cookie = 'shop_consent=yes'; ttq.grantConsent()"),
    ],
    ids=["cookie", "callable"],
)
def test_held_then_granted(visit: Visit, check_counts: CheckCounts, rule: Any, script: str) -> None:
    """With "hold" pixel calls wait for the banner; server events without consent are not sent (3.11)."""
    shopper = visit(consent=rule, on_unknown_consent="hold")
    land_with_held_calls(shopper)
    shopper.page.evaluate(f"() => {{ {script} }}")
    shopper.wait(lambda: shopper.manager_count("ViewContent") == 1)
    shopper.has_pixel = True
    shopper.add_to_cart()
    shopper.complete_checkout()

    check_counts(shopper, "consent held, then granted")

    assert shopper.manager_counts("browser_only") == {"ViewContent": 1}
    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}


@RULES
def test_held_then_denied(visit: Visit, check_counts: CheckCounts, rule: Any) -> None:
    """The held calls are never sent, nor any later event."""
    shopper = visit(consent=rule, on_unknown_consent="hold")
    land_with_held_calls(shopper)
    shopper.submit("no")
    shopper.reset_traces()
    shopper.add_to_cart()
    shopper.complete_checkout()

    check_counts(shopper, "consent held, then denied")

    assert (shopper.traces(), shopper.browser_posts()) == (NO_TRACES, {})
    assert shopper.cookies() == {"shop_consent"}


@RULES
def test_held_without_an_answer(visit: Visit, rule: Any) -> None:
    """Consent stays unknown: each page loads the pixel, and nothing is sent or stored."""
    shopper = visit(consent=rule, on_unknown_consent="hold")
    land_with_held_calls(shopper)
    shopper.add_to_cart()
    shopper.complete_checkout()

    assert shopper.traces()._replace(requested=set()) == NO_TRACES
    assert shopper.cookies() == set()


def test_held_and_denied_on_the_page(visit: Visit) -> None:
    """The banner's script denies consent: held calls are dropped at once, and a later grant does not restore them."""
    shopper = visit(consent=COOKIE, on_unknown_consent="hold")
    land_with_held_calls(shopper)
    shopper.reset_traces()
    shopper.page.evaluate("() => { document.cookie = 'shop_consent=no'; tiktokEvents.fire([]); }")
    shopper.add_to_cart()

    assert (shopper.traces(), shopper.browser_posts()) == (NO_TRACES, {})

    shopper.page.evaluate("() => { document.cookie = 'shop_consent=yes'; tiktokEvents.fire([]); }")
    shopper.has_pixel = True
    shopper.wait_for_events()

    assert shopper.browser_posts() == {}


# --- Global Privacy Control -------------------------------------------------------------------------------------------


def visit_with_gpc(visit: Visit, **settings: Any) -> Shopper:
    """A browser that sends `Sec-GPC` and sets `navigator.globalPrivacyControl`."""
    shopper = visit(headers={"Sec-GPC": "1"}, **settings)
    shopper.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    return shopper


def test_gpc(visit: Visit, check_counts: CheckCounts) -> None:
    """The signal limits data use in both halves."""
    shopper = visit_with_gpc(visit)
    shopper.complete_funnel()

    check_counts(shopper, "Sec-GPC")

    assert [event.limited_data_use for event in shopper.delivery.events] == [True] * len(FUNNEL)
    assert shopper.page.evaluate(f"ttq._o['{PIXEL}'].limited_data_use") is True


def test_gpc_denies(visit: Visit, check_counts: CheckCounts) -> None:
    """With gpc="deny" the signal denies consent if it is unknown (3.11, section 5)."""
    shopper = visit_with_gpc(visit, gpc="deny")
    shopper.has_pixel = False
    shopper.complete_funnel(LANDING)

    check_counts(shopper, "Sec-GPC, denies consent")

    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES, set())


def test_gpc_with_consent_granted(visit: Visit) -> None:
    """Consent that the visitor has granted overrides the signal; data use stays limited."""
    shopper = visit_with_gpc(visit, gpc="deny", consent=COOKIE)
    set_consent(shopper, "yes")
    shopper.goto("/product")
    shopper.delivery.deliver()

    assert shopper.manager_count("ViewContent", "both") == 1
    assert [event.limited_data_use for event in shopper.delivery.events] == [True]
