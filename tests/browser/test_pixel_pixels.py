"""The stand-in for the pixel script: event ids, several pixels, and the history it observes."""

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
def test_where_the_id_counts(tab: Tab, script: str, switches: dict[str, bool], event_id: str | None) -> None:
    """Argument three of track, and elsewhere only by a switch."""
    tab.opens(LOAD + script, **switches)

    assert tab.arrived(1)[0].get("event_id") == event_id


# --- pixels -----------------------------------------------------------------------------------------------------------


def test_two_pixels(tab: Tab) -> None:
    """An event goes to every pixel unless it names one, by its third argument or by an instance."""
    tab.opens(
        f"""{TWO} ttq.page(); ttq.track("Lead", {{}}, {{event_id: "a", pixel_code: "{OTHER}"}});
        ttq.instance("{PIXEL}").track("Search"); ttq.instance("{OTHER}").page();"""
    )
    tab.runs(f"ttq.instance('{OTHER}').track('Purchase')")
    tab.runs("ttq.track('Download', {}, {pixel_code: 'C0UNKNOWN0UNKNOWN000'})")
    tab.runs("ttq.instance('C0UNKNOWN0UNKNOWN000').track('Download')")
    tab.runs("ttq.instance('').track('Download')")

    assert codes(tab.arrived(6)) == [
        ("Pageview", PIXEL),
        ("Pageview", OTHER),
        ("Lead", OTHER),
        ("Search", PIXEL),
        ("Pageview", OTHER),
        ("Purchase", OTHER),
    ]
    assert tab.runs("ttq.instances().length") == 2


def test_an_instance_from_before(tab: Tab) -> None:
    """What a page took from ttq.instance before the script came works after it."""
    tab.opens(f'{TWO} window.mine = ttq.instance("{OTHER}");')
    tab.runs("mine.track('Lead')")

    assert codes(tab.arrived(1)) == [("Lead", OTHER)]


def test_a_pixel_that_is_loaded_later(tab: Tab) -> None:
    """Its instance comes to life with it; what is no pixel code is no pixel."""
    tab.opens(LOAD)
    tab.runs(
        f"""() => {{ window.late = ttq.instance("{OTHER}"); late.track("Search");
        ttq.load("</script>"); ttq.load("{OTHER}"); late.track("Lead"); ttq.track("Purchase"); }}"""
    )

    assert codes(tab.arrived(3)) == [("Lead", OTHER), ("Purchase", PIXEL), ("Purchase", OTHER)]


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
    """A pixel or an event says it."""
    tab.opens(f"ttq.load('{PIXEL}', {options}); ttq.track('Lead', {params});")

    assert tab.arrived(1)[0].get("limited_data_use") is is_limited


# --- history ----------------------------------------------------------------------------------------------------------

MOVES = """async () => {
  history.pushState({}, "", "/two"); history.replaceState({}, "", "/three"); history.pushState({}, "", "/four");
  const moved = new Promise((done) => addEventListener("popstate", () => setTimeout(done)));
  history.back(); await moved; location.hash = "here"; await new Promise((done) => setTimeout(done, 100));
}"""


def test_history_is_observed(tab: Tab) -> None:
    """Every change of the history is a page view without an id, with the address it led to."""
    tab.opens(LOAD)
    tab.runs(MOVES)

    came = tab.arrived(5)

    assert names(came) == [("Pageview", None)] * 5
    paths = [body["context"]["page"]["url"].removeprefix(tab.shop.url("")) for body in came]
    assert paths == ["/two", "/three", "/four", "/three", "/three#here"]


@pytest.mark.parametrize("how", ["option", "switch"])
def test_history_is_left_alone(tab: Tab, how: str) -> None:
    """The option of a pixel turns its observer off, the switch every pixel's."""
    load = f"ttq.load('{PIXEL}', {{historyObserver: false}});" if how == "option" else LOAD
    tab.opens(load, history_observer=how == "option")
    tab.runs(MOVES)
    tab.runs("ttq.track('Lead')")

    assert names(tab.arrived(1)) == [("Lead", None)]


def test_history_of_one_of_two(tab: Tab) -> None:
    """The other pixel goes on observing, and the page's own call works and fails as ever."""
    tab.opens(f"ttq.load('{PIXEL}', {{historyObserver: false}}); ttq.load('{OTHER}');")
    failed = tab.runs(
        """() => { history.pushState({kept: 1}, "", "/two");
        try { history.pushState({}, "", "https://evil.example/"); } catch (error) { return error.name; } }"""
    )

    assert codes(tab.arrived(1)) == [("Pageview", OTHER)]
    assert (failed, tab.runs("history.state")) == ("SecurityError", {"kept": 1})
