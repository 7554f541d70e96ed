"""The stand-in for the pixel script: consent, and the server's copy of an event."""

from __future__ import annotations

from typing import Any

import pytest
from pages import CLICK, LOAD, OTHER, PIXEL, TWO, Tab, codes, names

HELD = f"{LOAD} ttq.holdConsent(); ttq.page(); ttq.track('Lead', {{}}, {{event_id: 'a'}});"


@pytest.mark.parametrize("stores", [False, True])
def test_consent_is_held(tab: Tab, stores: bool) -> None:
    """Nothing is sent, nor stored unless the switch is on, until the grant; then all of it goes in its order."""
    tab.opens(HELD, f"/?ttclid={CLICK}", cookies_while_held=stores)
    tab.arrived(0)
    assert bool(tab.cookies()) is stores

    tab.runs("() => { history.pushState({}, '', '/two'); ttq.grantConsent(); ttq.track('Search'); }")
    came = tab.arrived(4)

    assert names(came) == [("Pageview", None), ("Lead", "a"), ("Pageview", None), ("Search", None)]
    assert came[0]["context"]["page"]["url"].endswith(f"/?ttclid={CLICK}")
    assert came[0]["context"]["user"] == {"ttp": tab.cookies()["_ttp"]["value"]}
    assert [body["context"]["ad"].get("callback") for body in came[:2]] == [CLICK, CLICK]


def test_consent_is_held_on_this_page_only(tab: Tab) -> None:
    """What waits when the page is left is lost."""
    tab.opens(HELD)
    tab.opens(f"{LOAD} ttq.grantConsent(); ttq.page();", "/two")

    assert names(tab.arrived(1)) == [("Pageview", None)]


@pytest.mark.parametrize("deletes", [False, True])
def test_consent_is_revoked(tab: Tab, deletes: bool) -> None:
    """What is denied is not sent and not kept; after a grant the next event is sent."""
    tab.opens(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", deletes_cookies=deletes)
    tab.arrived(1)
    tab.runs("() => { ttq.revokeConsent(); ttq.page(); ttq.track('Lead'); history.pushState({}, '', '/two'); }")
    tab.arrived(1)
    assert bool(tab.cookies()) is not deletes

    tab.runs("() => { ttq.grantConsent(); ttq.track('Search'); }")

    assert names(tab.arrived(2)) == [("Pageview", None), ("Search", None)]


@pytest.mark.parametrize("keeps", [False, True])
def test_what_is_held_and_revoked(tab: Tab, keeps: bool) -> None:
    """A denial drops what was held, unless the switch keeps it for a grant."""
    tab.opens(HELD, keeps_denied=keeps)
    tab.runs("() => { ttq.revokeConsent(); ttq.track('Search'); ttq.grantConsent(); ttq.track('Purchase'); }")

    kept = [("Pageview", None), ("Lead", "a"), ("Search", None)] if keeps else []
    assert names(tab.arrived(len(kept) + 1)) == [*kept, ("Purchase", None)]


def test_revoked_before_the_load(tab: Tab) -> None:
    """The strict order: denied first, and granted right before the first event. Nothing is stored in between."""
    tab.opens(f"ttq.revokeConsent(); {LOAD} ttq.page();")
    tab.arrived(0)
    assert tab.cookies() == {}

    tab.runs(f"() => {{ ttq.load('{OTHER}'); ttq.page(); ttq.grantConsent(); ttq.track('Lead'); }}")

    assert codes(tab.arrived(2)) == [("Lead", PIXEL), ("Lead", OTHER)]


def test_consent_of_one_pixel(tab: Tab) -> None:
    """An instance holds and releases its own pixel's events."""
    tab.opens(f"{TWO} ttq.instance('{OTHER}').holdConsent();")
    tab.runs("ttq.page()")
    assert codes(tab.arrived(1)) == [("Pageview", PIXEL)]

    tab.runs(f"ttq.instance('{OTHER}').grantConsent()")

    assert codes(tab.arrived(2)) == [("Pageview", PIXEL), ("Pageview", OTHER)]


# --- both channels ----------------------------------------------------------------------------------------------------


def test_both_channels_are_one_conversion(tab: Tab, manager: Any) -> None:
    """The browser's copy and the server's, with one id, count once."""
    import tiktok_events as tt

    tab.opens(f"{LOAD} ttq.track('Purchase', {{value: 12.5, currency: 'EUR'}}, {{event_id: 'order-1'}});")
    tab.arrived(1)
    with tt.Client(tt.EventSource.web(PIXEL, "local"), base_url=manager.api_url) as client:
        client.track(tt.Event("Purchase", event_id="order-1", user={"email": "zzpii.ada@example.com"}))

    summary = manager.summary()

    assert (summary["conversions"], summary["both"], summary["merged"]) == (1, 1, 1)
