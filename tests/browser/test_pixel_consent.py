"""The pixel script substitute: consent, and deduplication with the server's copy of an event."""

from __future__ import annotations

from typing import Any

import pytest
from pages import CLICK, LOAD, OTHER, PIXEL, TWO, Tab, codes, names

HELD = f"{LOAD} ttq.holdConsent(); ttq.page(); ttq.track('Lead', {{}}, {{event_id: 'a'}});"


@pytest.mark.parametrize("stores", [False, True])
def test_consent_is_held(tab: Tab, stores: bool) -> None:
    """Before the grant nothing is sent, and nothing is stored without the switch; then all events are sent in order."""
    tab.open(HELD, f"/?ttclid={CLICK}", cookies_while_held=stores)
    tab.wait_for_bodies(0)
    assert bool(tab.cookies()) is stores

    tab.evaluate("() => { history.pushState({}, '', '/two'); ttq.grantConsent(); ttq.track('Search'); }")
    came = tab.wait_for_bodies(4)

    assert names(came) == [("Pageview", None), ("Lead", "a"), ("Pageview", None), ("Search", None)]
    assert came[0]["context"]["page"]["url"].endswith(f"/?ttclid={CLICK}")
    assert came[0]["context"]["user"] == {"ttp": tab.cookies()["_ttp"]["value"]}
    assert [body["context"]["ad"].get("callback") for body in came[:2]] == [CLICK, CLICK]


def test_consent_is_held_on_this_page_only(tab: Tab) -> None:
    """Held events are lost when the page is left."""
    tab.open(HELD)
    tab.open(f"{LOAD} ttq.grantConsent(); ttq.page();", "/two")

    assert names(tab.wait_for_bodies(1)) == [("Pageview", None)]


@pytest.mark.parametrize("deletes", [False, True])
def test_consent_is_revoked(tab: Tab, deletes: bool) -> None:
    """While denied, nothing is sent or stored; after a grant the next event is sent."""
    tab.open(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", deletes_cookies=deletes)
    tab.wait_for_bodies(1)
    tab.evaluate("() => { ttq.revokeConsent(); ttq.page(); ttq.track('Lead'); history.pushState({}, '', '/two'); }")
    tab.wait_for_bodies(1)
    assert bool(tab.cookies()) is not deletes

    tab.evaluate("() => { ttq.grantConsent(); ttq.track('Search'); }")

    assert names(tab.wait_for_bodies(2)) == [("Pageview", None), ("Search", None)]


@pytest.mark.parametrize("keeps", [False, True])
def test_revocation_drops_held_events(tab: Tab, keeps: bool) -> None:
    """Denied consent drops the held events, unless the switch keeps them for a grant."""
    tab.open(HELD, keeps_denied=keeps)
    tab.evaluate("() => { ttq.revokeConsent(); ttq.track('Search'); ttq.grantConsent(); ttq.track('Purchase'); }")

    held = [("Pageview", None), ("Lead", "a"), ("Search", None)] if keeps else []
    assert names(tab.wait_for_bodies(len(held) + 1)) == [*held, ("Purchase", None)]


def test_revoked_before_the_load(tab: Tab) -> None:
    """Denied first, granted right before the first event: nothing is stored in between."""
    tab.open(f"ttq.revokeConsent(); {LOAD} ttq.page();")
    tab.wait_for_bodies(0)
    assert tab.cookies() == {}

    tab.evaluate(f"() => {{ ttq.load('{OTHER}'); ttq.page(); ttq.grantConsent(); ttq.track('Lead'); }}")

    assert codes(tab.wait_for_bodies(2)) == [("Lead", PIXEL), ("Lead", OTHER)]


def test_consent_of_one_pixel(tab: Tab) -> None:
    """An instance holds and releases only its own pixel's events."""
    tab.open(f"{TWO} ttq.instance('{OTHER}').holdConsent();")
    tab.evaluate("ttq.page()")
    assert codes(tab.wait_for_bodies(1)) == [("Pageview", PIXEL)]

    tab.evaluate(f"ttq.instance('{OTHER}').grantConsent()")

    assert codes(tab.wait_for_bodies(2)) == [("Pageview", PIXEL), ("Pageview", OTHER)]


# --- both channels ----------------------------------------------------------------------------------------------------


def test_both_channels_are_one_conversion(tab: Tab, manager: Any) -> None:
    """The browser's and the server's copy with one id count once."""
    import tiktok_events as tt

    tab.open(f"{LOAD} ttq.track('Purchase', {{value: 12.5, currency: 'EUR'}}, {{event_id: 'order-1'}});")
    tab.wait_for_bodies(1)
    with tt.Client(tt.EventSource.web(PIXEL, "local"), base_url=manager.api_url) as client:
        client.track(tt.Event("Purchase", event_id="order-1", user={"email": "zzpii.ada@example.com"}))

    summary = manager.summary()

    assert (summary["conversions"], summary["both"], summary["merged"]) == (1, 1, 1)
