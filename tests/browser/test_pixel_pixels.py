"""The pixel script substitute: event ids, several pixels, and history changes."""

from __future__ import annotations

import pytest
from pages import LOAD, OTHER, PIXEL, TWO, Tab, codes, names

IN_PARAMS = "ttq.track('Lead', {event_id: 'a'});"


@pytest.mark.parametrize(
    ("script", "switches", "event_id"),
    [
        ("ttq.track('Lead', {}, {event_id: 'a'});", {}, "a"),
        ("ttq.track('Lead', undefined, {event_id: 'a'});", {}, "a"),
        (IN_PARAMS, {}, None),
        (IN_PARAMS, {"id_in_params": True}, "a"),
        ("ttq.track('Lead', {event_id: 'b'}, {event_id: 'a'});", {"id_in_params": True}, "a"),
        ("ttq.page({}, {event_id: 'a'});", {}, None),
        ("ttq.page({event_id: 'a'});", {}, None),
        ("ttq.page({}, {event_id: 'a'});", {"id_in_page": True}, "a"),
        ("ttq.page({event_id: 'a'});", {"id_in_page": True}, "a"),
    ],
)
def test_position_of_the_event_id(tab: Tab, script: str, switches: dict[str, bool], event_id: str | None) -> None:
    """The third argument of track; elsewhere only with a switch."""
    tab.open(LOAD + script, **switches)

    assert tab.wait_for_bodies(1)[0].get("event_id") == event_id


# --- pixels -----------------------------------------------------------------------------------------------------------


def test_two_pixels(tab: Tab) -> None:
    """An event goes to every pixel, unless its third argument or an instance names one."""
    tab.open(
        f"""{TWO} ttq.page(); ttq.track("Lead", {{}}, {{event_id: "a", pixel_code: "{OTHER}"}});
        ttq.instance("{PIXEL}").track("Search"); ttq.instance("{OTHER}").page();"""
    )
    tab.evaluate(f"ttq.instance('{OTHER}').track('Purchase')")
    tab.evaluate("ttq.track('Download', {}, {pixel_code: 'C0UNKNOWN0UNKNOWN000'})")
    tab.evaluate("ttq.instance('C0UNKNOWN0UNKNOWN000').track('Download')")
    tab.evaluate("ttq.instance('').track('Download')")

    assert codes(tab.wait_for_bodies(6)) == [
        ("Pageview", PIXEL),
        ("Pageview", OTHER),
        ("Lead", OTHER),
        ("Search", PIXEL),
        ("Pageview", OTHER),
        ("Purchase", OTHER),
    ]
    assert tab.evaluate("ttq.instances().length") == 2


def test_an_instance_from_before_the_script(tab: Tab) -> None:
    """An instance that a page got before the script was loaded works afterwards."""
    tab.open(f'{TWO} window.mine = ttq.instance("{OTHER}");')
    tab.evaluate("mine.track('Lead')")

    assert codes(tab.wait_for_bodies(1)) == [("Lead", OTHER)]


def test_a_pixel_that_is_loaded_later(tab: Tab) -> None:
    """Its instance works from then on; an invalid pixel code has no effect."""
    tab.open(LOAD)
    tab.evaluate(
        f"""() => {{ window.late = ttq.instance("{OTHER}"); late.track("Search");
        ttq.load("</script>"); ttq.load("{OTHER}"); late.track("Lead"); ttq.track("Purchase"); }}"""
    )

    assert codes(tab.wait_for_bodies(3)) == [("Lead", OTHER), ("Purchase", PIXEL), ("Purchase", OTHER)]


@pytest.mark.parametrize(
    ("options", "params", "is_limited"),
    [
        ("{}", "{}", None),
        ("{limited_data_use: true}", "{}", True),
        ("{}", "{limited_data_use: 1}", True),
        ("{autoConfig: false, partner: undefined}", "{limited_data_use: 0}", None),
    ],
)
def test_limited_data_use(tab: Tab, options: str, params: str, is_limited: bool | None) -> None:
    """Set by a pixel or by an event."""
    tab.open(f"ttq.load('{PIXEL}', {options}); ttq.track('Lead', {params});")

    assert tab.wait_for_bodies(1)[0].get("limited_data_use") is is_limited


# --- history ----------------------------------------------------------------------------------------------------------

MOVES = """async () => {
  history.pushState({}, "", "/two"); history.replaceState({}, "", "/three"); history.pushState({}, "", "/four");
  const moved = new Promise((done) => addEventListener("popstate", () => setTimeout(done)));
  history.back(); await moved; location.hash = "here"; await new Promise((done) => setTimeout(done, 100));
}"""


def test_history_is_observed(tab: Tab) -> None:
    """Every history change is a page view without an id, with the new URL."""
    tab.open(LOAD)
    tab.evaluate(MOVES)

    came = tab.wait_for_bodies(5)

    assert names(came) == [("Pageview", None)] * 5
    paths = [body["context"]["page"]["url"].removeprefix(tab.shop.url("")) for body in came]
    assert paths == ["/two", "/three", "/four", "/three", "/three#here"]


@pytest.mark.parametrize("how", ["option", "switch"])
def test_history_is_not_observed(tab: Tab, how: str) -> None:
    """A pixel's option turns its observer off, the switch turns off all."""
    load = f"ttq.load('{PIXEL}', {{historyObserver: false}});" if how == "option" else LOAD
    tab.open(load, history_observer=how == "option")
    tab.evaluate(MOVES)
    tab.evaluate("ttq.track('Lead')")

    assert names(tab.wait_for_bodies(1)) == [("Lead", None)]


def test_history_of_one_of_two(tab: Tab) -> None:
    """The other pixel still observes, and the page's own history call works and fails as before."""
    tab.open(f"ttq.load('{PIXEL}', {{historyObserver: false}}); ttq.load('{OTHER}');")
    failed = tab.evaluate(
        """() => { history.pushState({kept: 1}, "", "/two");
        try { history.pushState({}, "", "https://evil.example/"); } catch (error) { return error.name; } }"""
    )

    assert codes(tab.wait_for_bodies(1)) == [("Pageview", OTHER)]
    assert (failed, tab.evaluate("history.state")) == ("SecurityError", {"kept": 1})
