"""The pixel script substitute: the queue it drains, and what it posts."""

from __future__ import annotations

from typing import Any

import pytest
from pages import LOAD, PIXEL, Tab, codes, names


def test_the_queue_is_drained_in_order(tab: Tab, manager: Any) -> None:
    """Calls from before the script was loaded come first, in order, then later calls."""
    tab.open(
        f"""{LOAD} ttq.page(); ttq.track("AddToCart", {{value: 1, currency: "EUR"}}, {{event_id: "a"}});
        ttq.track("Purchase", {{value: 2.5, currency: "EUR"}}, {{event_id: "b"}});
        ttq.instance("{PIXEL}").track("Lead", {{}}, {{event_id: "c"}});"""
    )
    tab.evaluate('ttq.track("Search", {query: "shoes"}, {event_id: "d"})')

    came = tab.wait_for_bodies(5)

    assert names(came) == [("Pageview", None), ("AddToCart", "a"), ("Purchase", "b"), ("Lead", "c"), ("Search", "d")]
    assert tab.evaluate("ttq.length") == 0
    assert [event["event"] for event in manager.events()] == [body["event"] for body in came]
    assert {event["event_source_id"] for event in manager.events()} == {PIXEL}


def test_the_body(tab: Tab) -> None:
    """An event has the page, the pixel, the visitor and its parameters, in the format that the manager reads."""
    tab.open(f"{LOAD} ttq.track('Purchase', {{value: 2, currency: 'EUR'}}, {{event_id: 'b'}});", "/thanks?q=1#end")

    (body,) = tab.wait_for_bodies(1)
    context = body["context"]

    assert context["page"] == {"url": tab.shop.url("/thanks?q=1#end"), "referrer": ""}
    assert context["pixel"] == {"code": PIXEL}
    assert context["user"] == {"ttp": tab.cookies()["_ttp"]["value"]}
    assert body["properties"] == {"value": 2, "currency": "EUR"}
    assert body["message_id"].startswith("messageId-")
    assert "limited_data_use" not in body


def test_it_is_posted_without_a_preflight(tab: Tab) -> None:
    """The post is a simple request, without a CORS preflight."""
    sent: list[Any] = []
    tab.page.on("request", lambda request: sent.append(request))  # noqa: PLW0108 (playwright marks the handler)
    tab.open(f"{LOAD} ttq.page();")
    tab.wait_for_bodies(1)

    (post,) = [one for one in sent if "/pixel/act" in one.url]

    assert (post.method, post.headers["content-type"]) == ("POST", "text/plain;charset=UTF-8")
    assert "cookie" not in post.headers


def test_every_method_is_there(tab: Tab) -> None:
    """The stubs, also of an instance, are replaced by methods that never fail."""
    tab.open(f'{LOAD} window.before = ttq.instance("{PIXEL}");')
    called = tab.evaluate(
        """() => [ttq, ttq.instance("C0EXAMPLE0EXAMPLE000"), window.before].map((one) =>
          [...ttq.methods, "instance", "load"].filter((name) => {
            one[name](); one[name](null, null, null); one[name](1n, Symbol("a"));
            return String(one[name]).includes("push");
          }))"""
    )

    assert called == [[], [], []]
    assert tab.errors == []


def test_unsendable_parameters_lose_their_event_only(tab: Tab) -> None:
    """Parameters that cannot be sent lose their event and no other, also in the queue."""
    tab.open(
        f"""{LOAD} const ring = {{}}; ring.ring = ring; ttq.track("Purchase", ring); ttq.push(null, 7, "x", ["no"]);
        ttq.track("Lead", {{}}, {{event_id: "a"}});"""
    )
    tab.evaluate("() => { const ring = {}; ring.ring = ring; ttq.track('Purchase', ring); ttq.track('Search'); }")

    assert names(tab.wait_for_bodies(2)) == [("Lead", "a"), ("Search", None)]


def test_a_stopped_manager(tab: Tab) -> None:
    """The page gets no error, and events after a restart are sent."""
    tab.open(LOAD)
    tab.page.route("**/pixel/act", lambda route: route.abort())
    tab.evaluate("ttq.track('Search')")
    tab.page.wait_for_timeout(200)
    tab.page.unroute("**/pixel/act")
    before = len(tab.bodies)
    tab.errors.clear()  # the browser logs the failed request
    tab.evaluate("ttq.track('Lead')")

    assert tab.wait_for_bodies(before + 1)[-1]["event"] == "Lead"


def test_a_slow_response_keeps_the_order(tab: Tab) -> None:
    """An event waits for the one before it, so that the manager lists them in order."""
    held: list[Any] = []
    tab.open(LOAD)
    tab.page.route("**/pixel/act", lambda route: route.continue_() if held else held.append(route))
    tab.evaluate("() => { ttq.track('Lead'); ttq.track('Search'); }")
    tab.wait_for_bodies(0)
    tab.wait(lambda: bool(held))
    held[0].continue_()

    assert names(tab.wait_for_bodies(2)) == [("Lead", None), ("Search", None)]


def test_events_of_a_page_that_is_left(tab: Tab) -> None:
    """An event tracked just before the page is left arrives."""
    tab.open(LOAD)
    tab.evaluate(
        "() => { for (const n of [1, 2, 3, 4]) ttq.track('Search', {}, {event_id: String(n)}); location = '/2'; }"
    )

    assert sorted(str(body.get("event_id")) for body in tab.wait_for_bodies(4)) == ["1", "2", "3", "4"]


def test_a_large_event(tab: Tab) -> None:
    """A body above the browser's keepalive limit is sent without keepalive."""
    tab.open(f"{LOAD} ttq.track('Search', {{query: 'x'.repeat(100000)}});")

    assert len(tab.wait_for_bodies(1)[0]["properties"]["query"]) == 100_000


def test_parameters_are_copied(tab: Tab) -> None:
    """A page that changes the object later changes nothing in the event."""
    tab.open(LOAD)
    tab.evaluate(
        "() => { ttq.holdConsent(); const p = {value: 1}; ttq.track('Lead', p); p.value = 2; ttq.grantConsent(); }"
    )

    assert tab.wait_for_bodies(1)[0]["properties"] == {"value": 1}


def test_the_loader_again(tab: Tab) -> None:
    """A page that runs its base code twice has one pixel, whose stubs are replaced again."""
    tab.open(f"{LOAD} ttq.page();")
    tab.wait_for_bodies(1)
    tab.evaluate(f"() => {{ {tab.shop.script} }}")
    tab.page.wait_for_timeout(300)
    tab.evaluate("ttq.track('Search')")

    assert names(tab.wait_for_bodies(3)) == [("Pageview", None), ("Pageview", None), ("Search", None)]


def test_another_global_name(tab: Tab) -> None:
    """The queue has the name that the loader recorded."""
    tab.shop.script = f"""window.TiktokAnalyticsObject = "other"; window.other = [["page"]];
      const s = document.createElement("script"); s.src = "{tab.manager_url}/i18n/pixel/events.js?sdkid={PIXEL}";
      document.head.append(s);"""
    tab.page.goto(tab.shop.url())

    assert codes(tab.wait_for_bodies(1)) == [("Pageview", PIXEL)]


@pytest.mark.parametrize("drained", [False, True])
def test_a_callable_stub(tab: Tab, drained: bool) -> None:
    """A function with a queue is not the protocol: its calls are lost unless the switch is on."""
    tab.shop.script = f"""window.TiktokAnalyticsObject = "ttq"; window.ttq = function () {{}};
      ttq.queue = [["track", "Lead"]]; const s = document.createElement("script");
      s.src = "{tab.manager_url}/i18n/pixel/events.js?sdkid={PIXEL}&callable_queue={int(drained)}";
      s.onload = () => ttq.track("Search"); document.head.append(s);"""
    tab.page.goto(tab.shop.url())

    assert names(tab.wait_for_bodies(1 + drained)) == [("Lead", None)] * drained + [("Search", None)]


@pytest.mark.parametrize("called", [False, True])
def test_ready(tab: Tab, called: bool) -> None:
    """A callback is called once the script is loaded; a switch says whether earlier callbacks are."""
    tab.open(f"{LOAD} window.called = []; ttq.ready(() => called.push('early'));", calls_ready=called)
    tab.evaluate("() => { ttq.ready(() => called.push('late')); ttq.ready(() => { throw new Error('theirs'); }); }")

    assert tab.evaluate("called") == ["early"] * called + ["late"]
    assert tab.errors == []
