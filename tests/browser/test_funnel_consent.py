"""Consent in a real browser: what is counted, and that nothing at all is asked, kept or sent that the answer forbids."""

from __future__ import annotations

from typing import Any

import pytest
from shopper import CLICK, NO_TRACES, PIXEL, Counts, Shopper, Visit
from truth import FUNNEL

from tiktok_events import web

COOKIE = web.ConsentCookie("shop_consent", {"yes"}, {"no"})
LANDING = f"/product?ttclid={CLICK}"
OURS = {"_tte_id", "ttclid", "_tte_next"}


def asks(request: Any) -> bool | None:
    """As a shop writes it."""
    return {"yes": True, "no": False}.get(request.cookies.get("shop_consent"))


RULES = pytest.mark.parametrize("rule", [asks, COOKIE], ids=["callable", "cookie"])


def answers(shopper: Shopper, word: str) -> None:
    """The visitor has answered on an earlier visit."""
    shopper.context.add_cookies([{"name": "shop_consent", "value": word, "url": shopper.url}])


@RULES
def test_denied(visit: Visit, counts: Counts, rule: Any) -> None:
    """Nothing is asked for, sent or kept; the shop's own cookie is all there is."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    answers(shopper, "no")
    shopper.walks(LANDING)

    counts(shopper, "consent denied")

    assert shopper.traces() == NO_TRACES
    assert shopper.cookies() == {"shop_consent"}
    assert shopper.page.evaluate("window.ttq === undefined")


@RULES
def test_not_asked(visit: Visit, counts: Counts, rule: Any) -> None:
    """Who was not asked yet is not measured, whatever waits in the page."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.walks(LANDING)

    counts(shopper, "consent not asked yet")

    assert shopper.traces() == NO_TRACES
    assert shopper.cookies() == set()


@RULES
def test_granted_late(visit: Visit, counts: Counts, rule: Any) -> None:
    """The banner is answered after the purchase: what follows is measured, what was is not made up for."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.goes(LANDING)
    shopper.adds_to_cart()
    shopper.submits("checkout", "zzpii.ada@example.com")
    shopper.pays()

    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES, set())

    shopper.goes("/")
    shopper.has_pixel = True
    shopper.submits("yes")
    shopper.submits("contact", "zzpii.ada@example.com")
    shopper.submits("newsletter", "zzpii.ada@example.com")

    counts(shopper, "consent granted late")

    assert {"_tte_id", "_ttp"} <= shopper.cookies()
    assert shopper.traces().tracked == ["Lead", "Subscribe"]


@RULES
def test_granted_on_the_landing(visit: Visit, rule: Any) -> None:
    """The banner's answer keeps the click id of the page that the visitor looks at."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.goes(LANDING)

    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES, set())

    shopper.has_pixel = True
    shopper.submits("yes")
    shopper.goes("/")
    shopper.buys()
    shopper.delivery.deliver()

    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}


@RULES
def test_revoked(visit: Visit, counts: Counts, rule: Any) -> None:
    """From the very answer to the no on nothing is asked for, sent or written, and our cookies are gone."""
    shopper = visit(consent=rule)
    answers(shopper, "yes")
    shopper.goes(LANDING)
    shopper.adds_to_cart()
    shopper.delivery.deliver()

    assert {"_tte_id", "ttclid"} <= shopper.cookies()

    shopper.has_pixel = False
    shopper.forgets()
    shopper.submits("no")
    shopper.buys()

    counts(shopper, "consent revoked")

    assert shopper.traces() == NO_TRACES
    assert not OURS & shopper.cookies()


def lands_and_waits(shopper: Shopper) -> None:
    """The landing loads the pixel, which holds what it is told."""
    shopper.has_pixel = False
    shopper.goes(LANDING)
    shopper.page.wait_for_function("() => window.ttq && window.ttq._standIn")

    loaded = {f"{shopper.manager.url}/i18n/pixel/events.js"}
    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES._replace(asked=loaded), set())


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (COOKIE, "document.cookie = 'shop_consent=yes'; tiktokEvents.fire([])"),
        (asks, "document.cookie = 'shop_consent=yes'; ttq.grantConsent()"),
    ],
    ids=["cookie", "callable"],
)
def test_held_then_granted(visit: Visit, counts: Counts, rule: Any, says: str) -> None:
    """With "hold" the browser's half waits for the banner; the server's is not sent without a yes (3.11)."""
    shopper = visit(consent=rule, on_unknown_consent="hold")
    lands_and_waits(shopper)
    shopper.page.evaluate(f"() => {{ {says} }}")
    shopper.wait(lambda: shopper.heard("ViewContent") == 1)
    shopper.has_pixel = True
    shopper.adds_to_cart()
    shopper.buys()

    counts(shopper, "consent held, then granted")

    assert shopper.counted("browser_only") == {"ViewContent": 1}
    assert {event.user.ttclid for event in shopper.delivery.events} == {CLICK}


@RULES
def test_held_then_denied(visit: Visit, counts: Counts, rule: Any) -> None:
    """What waited is never sent, nor anything after it."""
    shopper = visit(consent=rule, on_unknown_consent="hold")
    lands_and_waits(shopper)
    shopper.submits("no")
    shopper.forgets()
    shopper.adds_to_cart()
    shopper.buys()

    counts(shopper, "consent held, then denied")

    assert (shopper.traces(), shopper.posts()) == (NO_TRACES, {})
    assert shopper.cookies() == {"shop_consent"}


@RULES
def test_held_for_ever(visit: Visit, rule: Any) -> None:
    """Nobody answers: each page loads the pixel and tells it, and nothing is sent or kept."""
    shopper = visit(consent=rule, on_unknown_consent="hold")
    lands_and_waits(shopper)
    shopper.adds_to_cart()
    shopper.buys()

    assert shopper.traces()._replace(asked=set()) == NO_TRACES
    assert shopper.cookies() == set()


def test_held_and_denied_on_the_page(visit: Visit) -> None:
    """The banner's script says no: what waits is dropped there and then, and a later yes does not bring it back."""
    shopper = visit(consent=COOKIE, on_unknown_consent="hold")
    lands_and_waits(shopper)
    shopper.forgets()
    shopper.page.evaluate("() => { document.cookie = 'shop_consent=no'; tiktokEvents.fire([]); }")
    shopper.adds_to_cart()

    assert (shopper.traces(), shopper.posts()) == (NO_TRACES, {})

    shopper.page.evaluate("() => { document.cookie = 'shop_consent=yes'; tiktokEvents.fire([]); }")
    shopper.has_pixel = True
    shopper.settles()

    assert shopper.posts() == {}


# --- Global Privacy Control -------------------------------------------------------------------------------------------


def signals(visit: Visit, **settings: Any) -> Shopper:
    """A browser that sends the header and tells scripts the same."""
    shopper = visit(headers={"Sec-GPC": "1"}, **settings)
    shopper.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    return shopper


def test_gpc(visit: Visit, counts: Counts) -> None:
    """The browser's signal limits what both halves may be used for."""
    shopper = signals(visit)
    shopper.walks()

    counts(shopper, "Sec-GPC")

    assert [event.limited_data_use for event in shopper.delivery.events] == [True] * len(FUNNEL)
    assert shopper.page.evaluate(f"ttq._o['{PIXEL}'].limited_data_use") is True


def test_gpc_denies(visit: Visit, counts: Counts) -> None:
    """With gpc="deny" the browser's signal is a no where nobody was asked (3.11, section 5)."""
    shopper = signals(visit, gpc="deny")
    shopper.has_pixel = False
    shopper.walks(LANDING)

    counts(shopper, "Sec-GPC, taken as a no")

    assert (shopper.traces(), shopper.cookies()) == (NO_TRACES, set())


def test_gpc_and_a_yes(visit: Visit) -> None:
    """A yes of the visitor's own weighs more than the signal; the use stays limited."""
    shopper = signals(visit, gpc="deny", consent=COOKIE)
    answers(shopper, "yes")
    shopper.goes("/product")
    shopper.delivery.deliver()

    assert shopper.heard("ViewContent", "both") == 1
    assert [event.limited_data_use for event in shopper.delivery.events] == [True]
