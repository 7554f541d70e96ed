"""The stand-in for the pixel script: the queue it drains, and what it posts."""

from __future__ import annotations

from typing import Any

import pytest
from pages import LOAD, PIXEL, Tab, codes, names


def test_the_queue_is_drained_in_order(tab: Tab, manager: Any) -> None:
    """What was called before the script came is done first, in its order, and what is called later after it."""
    tab.opens(
        f"""{LOAD} ttq.page(); ttq.track("AddToCart", {{value: 1, currency: "EUR"}}, {{event_id: "a"}});
        ttq.track("Purchase", {{value: 2.5, currency: "EUR"}}, {{event_id: "b"}});
        ttq.instance("{PIXEL}").track("Lead", {{}}, {{event_id: "c"}});"""
    )
    tab.runs('ttq.track("Search", {query: "shoes"}, {event_id: "d"})')

    came = tab.arrived(5)

    assert names(came) == [("Pageview", None), ("AddToCart", "a"), ("Purchase", "b"), ("Lead", "c"), ("Search", "d")]
    assert tab.runs("ttq.length") == 0
    assert [event["event"] for event in manager.events()] == [body["event"] for body in came]
    assert {event["event_source_id"] for event in manager.events()} == {PIXEL}


def test_the_body(tab: Tab) -> None:
    """An event tells the page, the pixel, the visitor and what it was given, in the shape the manager reads."""
    tab.opens(f"{LOAD} ttq.track('Purchase', {{value: 2, currency: 'EUR'}}, {{event_id: 'b'}});", "/thanks?q=1#end")

    (body,) = tab.arrived(1)
    context = body["context"]

    assert context["page"] == {"url": tab.shop.url("/thanks?q=1#end"), "referrer": ""}
    assert context["pixel"] == {"code": PIXEL}
    assert context["user"] == {"ttp": tab.cookies()["_ttp"]["value"]}
    assert body["properties"] == {"value": 2, "currency": "EUR"}
    assert body["message_id"].startswith("messageId-")
    assert "limited_data_use" not in body


def test_it_is_posted_without_a_preflight(tab: Tab) -> None:
    """The post is a simple request, and nothing is asked before it."""
    sent: list[Any] = []
    tab.page.on("request", lambda one: sent.append(one))  # noqa: PLW0108 (playwright marks the handler)
    tab.opens(f"{LOAD} ttq.page();")
    tab.arrived(1)

    (post,) = [one for one in sent if "/pixel/act" in one.url]

    assert (post.method, post.headers["content-type"]) == ("POST", "text/plain;charset=UTF-8")
    assert "cookie" not in post.headers


def test_every_method_is_there(tab: Tab) -> None:
    """The stubs are replaced, on an instance too, by methods that never fail."""
    tab.opens(f'{LOAD} window.before = ttq.instance("{PIXEL}");')
    called = tab.runs(
        """() => [ttq, ttq.instance("C0EXAMPLE0EXAMPLE000"), window.before].map((one) =>
          [...ttq.methods, "instance", "load"].filter((name) => {
            one[name](); one[name](null, null, null); one[name](1n, Symbol("a"));
            return String(one[name]).includes("push");
          }))"""
    )

    assert called == [[], [], []]
    assert tab.wrong == []


def test_what_fails_stays_inside(tab: Tab) -> None:
    """Parameters that cannot be sent lose their event and nothing else, in the queue too."""
    tab.opens(
        f"""{LOAD} const ring = {{}}; ring.ring = ring; ttq.track("Purchase", ring); ttq.push(null, 7, "x", ["no"]);
        ttq.track("Lead", {{}}, {{event_id: "a"}});"""
    )
    tab.runs("() => { const ring = {}; ring.ring = ring; ttq.track('Purchase', ring); ttq.track('Search'); }")

    assert names(tab.arrived(2)) == [("Lead", "a"), ("Search", None)]


def test_a_manager_that_is_gone(tab: Tab) -> None:
    """The page does not notice, and what comes when it is back is sent."""
    tab.opens(LOAD)
    tab.page.route("**/pixel/act", lambda route: route.abort())
    tab.runs("ttq.track('Search')")
    tab.page.wait_for_timeout(200)
    tab.page.unroute("**/pixel/act")
    before = len(tab.bodies)
    tab.wrong.clear()  # the browser's own word about the request
    tab.runs("ttq.track('Lead')")

    assert tab.arrived(before + 1)[-1]["event"] == "Lead"


def test_a_slow_answer_changes_no_order(tab: Tab) -> None:
    """An event waits for the one before it, so that the manager lists them as they were tracked."""
    held: list[Any] = []
    tab.opens(LOAD)
    tab.page.route("**/pixel/act", lambda route: route.continue_() if held else held.append(route))
    tab.runs("() => { ttq.track('Lead'); ttq.track('Search'); }")
    tab.arrived(0)
    tab.wait(lambda: bool(held))
    held[0].continue_()

    assert names(tab.arrived(2)) == [("Lead", None), ("Search", None)]


def test_events_of_a_page_that_is_left(tab: Tab) -> None:
    """What was tracked just before the page is left arrives."""
    tab.opens(LOAD)
    tab.runs("() => { for (const n of [1, 2, 3, 4]) ttq.track('Search', {}, {event_id: String(n)}); location = '/2'; }")

    assert sorted(str(body.get("event_id")) for body in tab.arrived(4)) == ["1", "2", "3", "4"]


def test_a_large_event(tab: Tab) -> None:
    """More than browsers keep alive goes without that."""
    tab.opens(f"{LOAD} ttq.track('Search', {{query: 'x'.repeat(100000)}});")

    assert len(tab.arrived(1)[0]["properties"]["query"]) == 100_000


def test_parameters_are_taken_as_they_were(tab: Tab) -> None:
    """A page that goes on using the object changes nothing."""
    tab.opens(LOAD)
    tab.runs(
        "() => { ttq.holdConsent(); const p = {value: 1}; ttq.track('Lead', p); p.value = 2; ttq.grantConsent(); }"
    )

    assert tab.arrived(1)[0]["properties"] == {"value": 1}


def test_the_loader_again(tab: Tab) -> None:
    """A page that runs its base code twice has one pixel, whose stubs are replaced again."""
    tab.opens(f"{LOAD} ttq.page();")
    tab.arrived(1)
    tab.runs(f"() => {{ {tab.shop.script} }}")
    tab.page.wait_for_timeout(300)
    tab.runs("ttq.track('Search')")

    assert names(tab.arrived(3)) == [("Pageview", None), ("Pageview", None), ("Search", None)]


def test_another_global_name(tab: Tab) -> None:
    """The queue has the name that the loader wrote down."""
    tab.shop.script = f"""window.TiktokAnalyticsObject = "other"; window.other = [["page"]];
      const s = document.createElement("script"); s.src = "{tab.manager_url}/i18n/pixel/events.js?sdkid={PIXEL}";
      document.head.append(s);"""
    tab.page.goto(tab.shop.url())

    assert codes(tab.arrived(1)) == [("Pageview", PIXEL)]


@pytest.mark.parametrize("drained", [False, True])
def test_a_callable_stub(tab: Tab, drained: bool) -> None:
    """A function with a queue is not the protocol: what it holds is lost unless the switch is on."""
    tab.shop.script = f"""window.TiktokAnalyticsObject = "ttq"; window.ttq = function () {{}};
      ttq.queue = [["track", "Lead"]]; const s = document.createElement("script");
      s.src = "{tab.manager_url}/i18n/pixel/events.js?sdkid={PIXEL}&callable_queue={int(drained)}";
      s.onload = () => ttq.track("Search"); document.head.append(s);"""
    tab.page.goto(tab.shop.url())

    assert names(tab.arrived(1 + drained)) == [("Lead", None)] * drained + [("Search", None)]


@pytest.mark.parametrize("called", [False, True])
def test_ready(tab: Tab, called: bool) -> None:
    """A callback is called once the script is there; whether one that waited for it is, a switch says."""
    tab.opens(f"{LOAD} window.told = []; ttq.ready(() => told.push('early'));", calls_ready=called)
    tab.runs("() => { ttq.ready(() => told.push('late')); ttq.ready(() => { throw new Error('theirs'); }); }")

    assert tab.runs("told") == ["early"] * called + ["late"]
    assert tab.wrong == []
