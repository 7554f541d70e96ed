"""The stand-in for TikTok's pixel script in a real Chromium, against what is known of the pixel."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the dependency group `browser`")
pytest.importorskip("starlette", reason="needs the extra `manager`")
if not CHROMIUM.exists():
    pytest.skip(f"needs Chromium at {CHROMIUM}", allow_module_level=True)

from pages import OTHER, PIXEL, Visit, site  # noqa: E402

from tiktok_events import _json  # noqa: E402
from tiktok_events._events.normalize import hash_email, hash_name, hash_phone, hash_zip_code  # noqa: E402
from tiktok_events.events_manager import pixel, running  # noqa: E402

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
CLICK = "E.C.P.zzpii-click.1"
OTHER_CLICK = "E.C.P.zzpii-other"
LOAD = f'ttq.load("{PIXEL}");'
TWO = f'{LOAD} ttq.load("{OTHER}");'


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        flags = [*QUIET.split(), "--disable-component-update", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What pages post, as it comes: the manager itself keeps no identifier."""
    kept: list[dict[str, Any]] = []
    really = pixel.browser_event

    def reading(body: bytes, *, now: float) -> Any:
        kept.append(_json.loads(body))
        return really(body, now=now)

    monkeypatch.setattr(pixel, "browser_event", reading)
    return kept


@pytest.fixture
def manager() -> Iterator[Any]:
    with running() as one:
        yield one


@pytest.fixture
def visit(chromium: Any, manager: Any, bodies: list[dict[str, Any]]) -> Iterator[Visit]:
    """A visitor without cookies."""
    with site() as shop:
        context = chromium.new_context()
        yield Visit(context, shop, manager.url, bodies)
        context.close()


def names(bodies: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    return [(body["event"], body.get("event_id")) for body in bodies]


def codes(bodies: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(body["event"], body["context"]["pixel"]["code"]) for body in bodies]


def users(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in body["context"]["user"].items() if key != "ttp"} for body in bodies]


# --- the queue --------------------------------------------------------------------------------------------------


def test_the_queue_is_drained_in_order(visit: Visit, manager: Any) -> None:
    """What was called before the script came is done first, in its order, and what is called later after it."""
    visit.opens(
        f"""{LOAD} ttq.page(); ttq.track("AddToCart", {{value: 1, currency: "EUR"}}, {{event_id: "a"}});
        ttq.track("Purchase", {{value: 2.5, currency: "EUR"}}, {{event_id: "b"}});
        ttq.instance("{PIXEL}").track("Lead", {{}}, {{event_id: "c"}});"""
    )
    visit.runs('ttq.track("Search", {query: "shoes"}, {event_id: "d"})')

    came = visit.arrived(5)

    assert names(came) == [("Pageview", None), ("AddToCart", "a"), ("Purchase", "b"), ("Lead", "c"), ("Search", "d")]
    assert visit.runs("ttq.length") == 0
    assert [event["event"] for event in manager.events()] == [body["event"] for body in came]
    assert {event["event_source_id"] for event in manager.events()} == {PIXEL}


def test_the_body(visit: Visit) -> None:
    """An event tells the page, the pixel, the visitor and what it was given, in the shape the manager reads."""
    visit.opens(f"{LOAD} ttq.track('Purchase', {{value: 2, currency: 'EUR'}}, {{event_id: 'b'}});", "/thanks?q=1#end")

    (body,) = visit.arrived(1)
    context = body["context"]

    assert context["page"] == {"url": visit.shop.url("/thanks?q=1#end"), "referrer": ""}
    assert context["pixel"] == {"code": PIXEL}
    assert context["user"] == {"ttp": visit.cookies()["_ttp"]["value"]}
    assert body["properties"] == {"value": 2, "currency": "EUR"}
    assert body["message_id"].startswith("messageId-")
    assert "limited_data_use" not in body


def test_it_is_posted_without_a_preflight(visit: Visit) -> None:
    """The post is a simple request, and nothing is asked before it."""
    sent: list[Any] = []
    visit.page.on("request", lambda one: sent.append(one))  # noqa: PLW0108 (playwright marks the handler)
    visit.opens(f"{LOAD} ttq.page();")
    visit.arrived(1)

    (post,) = [one for one in sent if "/pixel/act" in one.url]

    assert (post.method, post.headers["content-type"]) == ("POST", "text/plain;charset=UTF-8")
    assert "cookie" not in post.headers


def test_every_method_is_there(visit: Visit) -> None:
    """The stubs are replaced, on an instance too, by methods that never fail."""
    visit.opens(f'{LOAD} window.before = ttq.instance("{PIXEL}");')
    called = visit.runs(
        """() => [ttq, ttq.instance("C0EXAMPLE0EXAMPLE000"), window.before].map((one) =>
          [...ttq.methods, "instance", "load"].filter((name) => {
            one[name](); one[name](null, null, null); one[name](1n, Symbol("a"));
            return String(one[name]).includes("push");
          }))"""
    )

    assert called == [[], [], []]
    assert visit.wrong == []


def test_what_fails_stays_inside(visit: Visit) -> None:
    """Parameters that cannot be sent lose their event and nothing else, in the queue too."""
    visit.opens(
        f"""{LOAD} const ring = {{}}; ring.ring = ring; ttq.track("Purchase", ring); ttq.push(null, 7, "x", ["no"]);
        ttq.track("Lead", {{}}, {{event_id: "a"}});"""
    )
    visit.runs("() => { const ring = {}; ring.ring = ring; ttq.track('Purchase', ring); ttq.track('Search'); }")

    assert names(visit.arrived(2)) == [("Lead", "a"), ("Search", None)]


def test_a_manager_that_is_gone(visit: Visit) -> None:
    """The page does not notice, and what comes when it is back is sent."""
    visit.opens(LOAD)
    visit.page.route("**/pixel/act", lambda route: route.abort())
    visit.runs("ttq.track('Search')")
    visit.page.wait_for_timeout(200)
    visit.page.unroute("**/pixel/act")
    before = len(visit.bodies)
    visit.wrong.clear()  # the browser's own word about the request
    visit.runs("ttq.track('Lead')")

    assert visit.arrived(before + 1)[-1]["event"] == "Lead"


def test_a_slow_answer_changes_no_order(visit: Visit) -> None:
    """An event waits for the one before it, so that the manager lists them as they were tracked."""
    held: list[Any] = []
    visit.opens(LOAD)
    visit.page.route("**/pixel/act", lambda route: route.continue_() if held else held.append(route))
    visit.runs("() => { ttq.track('Lead'); ttq.track('Search'); }")
    visit.arrived(0)
    visit.wait(lambda: bool(held))
    held[0].continue_()

    assert names(visit.arrived(2)) == [("Lead", None), ("Search", None)]


def test_events_of_a_page_that_is_left(visit: Visit) -> None:
    """What was tracked just before the page is left arrives."""
    visit.opens(LOAD)
    visit.runs(
        "() => { for (const n of [1, 2, 3, 4]) ttq.track('Search', {}, {event_id: String(n)}); location = '/2'; }"
    )

    assert sorted(str(body.get("event_id")) for body in visit.arrived(4)) == ["1", "2", "3", "4"]


def test_a_large_event(visit: Visit) -> None:
    """More than browsers keep alive goes without that."""
    visit.opens(f"{LOAD} ttq.track('Search', {{query: 'x'.repeat(100000)}});")

    assert len(visit.arrived(1)[0]["properties"]["query"]) == 100_000


def test_parameters_are_taken_as_they_were(visit: Visit) -> None:
    """A page that goes on using the object changes nothing."""
    visit.opens(LOAD)
    visit.runs(
        "() => { ttq.holdConsent(); const p = {value: 1}; ttq.track('Lead', p); p.value = 2; ttq.grantConsent(); }"
    )

    assert visit.arrived(1)[0]["properties"] == {"value": 1}


def test_the_loader_again(visit: Visit) -> None:
    """A page that runs its base code twice has one pixel, whose stubs are replaced again."""
    visit.opens(f"{LOAD} ttq.page();")
    visit.arrived(1)
    visit.runs(f"() => {{ {visit.shop.script} }}")
    visit.page.wait_for_timeout(300)
    visit.runs("ttq.track('Search')")

    assert names(visit.arrived(3)) == [("Pageview", None), ("Pageview", None), ("Search", None)]


def test_another_global_name(visit: Visit) -> None:
    """The queue has the name that the loader wrote down."""
    visit.shop.script = f"""window.TiktokAnalyticsObject = "other"; window.other = [["page"]];
      const s = document.createElement("script"); s.src = "{visit.manager_url}/i18n/pixel/events.js?sdkid={PIXEL}";
      document.head.append(s);"""
    visit.page.goto(visit.shop.url())

    assert codes(visit.arrived(1)) == [("Pageview", PIXEL)]


@pytest.mark.parametrize("drained", [False, True])
def test_a_callable_stub(visit: Visit, drained: bool) -> None:
    """A function with a queue is not the protocol: what it holds is lost unless the switch is on."""
    visit.shop.script = f"""window.TiktokAnalyticsObject = "ttq"; window.ttq = function () {{}};
      ttq.queue = [["track", "Lead"]]; const s = document.createElement("script");
      s.src = "{visit.manager_url}/i18n/pixel/events.js?sdkid={PIXEL}&callable_queue={int(drained)}";
      s.onload = () => ttq.track("Search"); document.head.append(s);"""
    visit.page.goto(visit.shop.url())

    assert names(visit.arrived(1 + drained)) == [("Lead", None)] * drained + [("Search", None)]


@pytest.mark.parametrize("called", [False, True])
def test_ready(visit: Visit, called: bool) -> None:
    """A callback is called once the script is there; whether one that waited for it is, a switch says."""
    visit.opens(f"{LOAD} window.told = []; ttq.ready(() => told.push('early'));", calls_ready=called)
    visit.runs("() => { ttq.ready(() => told.push('late')); ttq.ready(() => { throw new Error('theirs'); }); }")

    assert visit.runs("told") == ["early"] * called + ["late"]
    assert visit.wrong == []


# --- event ids ----------------------------------------------------------------------------------------------------

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
def test_where_the_id_counts(visit: Visit, script: str, switches: dict[str, bool], event_id: str | None) -> None:
    """Argument three of track, and elsewhere only by a switch."""
    visit.opens(LOAD + script, **switches)

    assert visit.arrived(1)[0].get("event_id") == event_id


# --- pixels -------------------------------------------------------------------------------------------------------


def test_two_pixels(visit: Visit) -> None:
    """An event goes to every pixel unless it names one, by its third argument or by an instance."""
    visit.opens(
        f"""{TWO} ttq.page(); ttq.track("Lead", {{}}, {{event_id: "a", pixel_code: "{OTHER}"}});
        ttq.instance("{PIXEL}").track("Search"); ttq.instance("{OTHER}").page();"""
    )
    visit.runs(f"ttq.instance('{OTHER}').track('Purchase')")
    visit.runs("ttq.track('Download', {}, {pixel_code: 'C0UNKNOWN0UNKNOWN000'})")
    visit.runs("ttq.instance('C0UNKNOWN0UNKNOWN000').track('Download')")
    visit.runs("ttq.instance('').track('Download')")

    assert codes(visit.arrived(6)) == [
        ("Pageview", PIXEL),
        ("Pageview", OTHER),
        ("Lead", OTHER),
        ("Search", PIXEL),
        ("Pageview", OTHER),
        ("Purchase", OTHER),
    ]
    assert visit.runs("ttq.instances().length") == 2


def test_an_instance_from_before(visit: Visit) -> None:
    """What a page took from ttq.instance before the script came works after it."""
    visit.opens(f'{TWO} window.mine = ttq.instance("{OTHER}");')
    visit.runs("mine.track('Lead')")

    assert codes(visit.arrived(1)) == [("Lead", OTHER)]


def test_a_pixel_that_is_loaded_later(visit: Visit) -> None:
    """Its instance comes to life with it; what is no pixel code is no pixel."""
    visit.opens(LOAD)
    visit.runs(
        f"""() => {{ window.late = ttq.instance("{OTHER}"); late.track("Search");
        ttq.load("</script>"); ttq.load("{OTHER}"); late.track("Lead"); ttq.track("Purchase"); }}"""
    )

    assert codes(visit.arrived(3)) == [("Lead", OTHER), ("Purchase", PIXEL), ("Purchase", OTHER)]


@pytest.mark.parametrize(
    ("options", "params", "is_limited"),
    [
        ("{}", "{}", None),
        ("{limited_data_use: true}", "{}", True),
        ("{}", "{limited_data_use: 1}", True),
        ("{autoConfig: false, partner: undefined}", "{limited_data_use: 0}", None),
    ],
)
def test_limited_data_use(visit: Visit, options: str, params: str, is_limited: bool | None) -> None:
    """A pixel or an event says it."""
    visit.opens(f"ttq.load('{PIXEL}', {options}); ttq.track('Lead', {params});")

    assert visit.arrived(1)[0].get("limited_data_use") is is_limited


# --- history ------------------------------------------------------------------------------------------------------

MOVES = """async () => {
  history.pushState({}, "", "/two"); history.replaceState({}, "", "/three"); history.pushState({}, "", "/four");
  const moved = new Promise((done) => addEventListener("popstate", () => setTimeout(done)));
  history.back(); await moved; location.hash = "here"; await new Promise((done) => setTimeout(done, 100));
}"""


def test_history_is_observed(visit: Visit) -> None:
    """Every change of the history is a page view without an id, with the address it led to."""
    visit.opens(LOAD)
    visit.runs(MOVES)

    came = visit.arrived(5)

    assert names(came) == [("Pageview", None)] * 5
    paths = [body["context"]["page"]["url"].removeprefix(visit.shop.url("")) for body in came]
    assert paths == ["/two", "/three", "/four", "/three", "/three#here"]


@pytest.mark.parametrize("how", ["option", "switch"])
def test_history_is_left_alone(visit: Visit, how: str) -> None:
    """The option of a pixel turns its observer off, the switch every pixel's."""
    load = f"ttq.load('{PIXEL}', {{historyObserver: false}});" if how == "option" else LOAD
    visit.opens(load, history_observer=how == "option")
    visit.runs(MOVES)
    visit.runs("ttq.track('Lead')")

    assert names(visit.arrived(1)) == [("Lead", None)]


def test_history_of_one_of_two(visit: Visit) -> None:
    """The other pixel goes on observing, and the page's own call works and fails as ever."""
    visit.opens(f"ttq.load('{PIXEL}', {{historyObserver: false}}); ttq.load('{OTHER}');")
    failed = visit.runs(
        """() => { history.pushState({kept: 1}, "", "/two");
        try { history.pushState({}, "", "https://evil.example/"); } catch (error) { return error.name; } }"""
    )

    assert codes(visit.arrived(1)) == [("Pageview", OTHER)]
    assert (failed, visit.runs("history.state")) == ("SecurityError", {"kept": 1})


# --- identifiers --------------------------------------------------------------------------------------------------

EMAIL, PHONE = " ZZPII.Ada+1@Gmail.COM ", "+1 (555) 010-0199"
DIGEST = "0123456789ABCDEF" * 4


def test_identify_hashes_as_python_does(visit: Visit) -> None:
    """What the page gives in plain leaves as the digest the server sends, with the next event and all later ones."""
    plain = {"email": EMAIL, "phone_number": PHONE, "external_id": "zzpii-user-1"}
    visit.opens(f"{LOAD} ttq.page();")
    visit.arrived(1)
    visit.page.evaluate("(one) => { ttq.identify(one); ttq.track('Lead'); ttq.track('Search'); }", plain)

    first, *later = users(visit.arrived(3))

    assert first == {}
    expected = {"email": hash_email(EMAIL), "phone_number": hash_phone(PHONE), "external_id": "zzpii-user-1"}
    assert later == [expected, expected]


def test_identify_before_the_script(visit: Visit, manager: Any) -> None:
    """It works from the queue, and the manager finds nothing to say about what came."""
    visit.opens(
        f"""{LOAD} ttq.identify({{email: "zzpii.ada@example.com", phone_number: "+15550100199"}});
        ttq.track("Lead", {{}}, {{event_id: "a"}});"""
    )
    visit.arrived(1)

    (event,) = manager.events()

    assert event["identifiers"] == ["email", "phone", "ttp", "ip", "user_agent"]
    assert [one["rule"] for one in event["problems"]] == []


def test_hashes_of_every_length(visit: Visit) -> None:
    """The browser's SHA-256 is Python's, whatever the length and the script."""
    emails = [f"zzpii{'x' * count}@example.com" for count in range(130)] + [
        "zzpii.żółw@example.com",
        "zzpii😀@b.example",
    ]
    visit.opens(LOAD)
    visit.page.evaluate(
        """(emails) => { ttq.holdConsent(); for (const email of emails) { ttq.identify({email}); ttq.track("Lead"); }
        ttq.grantConsent(); }""",
        emails,
    )

    assert [user["email"] for user in users(visit.arrived(len(emails)))] == [hash_email(email) for email in emails]


def test_ready_digests_are_kept(visit: Visit) -> None:
    """Digests under their own names stay; under the plain names too, unless the switch says to hash them again."""
    visit.opens(LOAD)
    given = {"sha256_email": DIGEST.lower(), "sha256_phone_number": DIGEST.lower(), "phone_number": DIGEST}
    visit.page.evaluate("(one) => { ttq.identify(one); ttq.page(); }", given)

    assert users(visit.arrived(1)) == [given | {"phone_number": DIGEST.lower()}]


@pytest.mark.parametrize(
    ("given", "switches", "sent"),
    [
        ({"email": EMAIL}, {"folds_gmail": True}, {"email": hash_email("zzpiiada@gmail.com")}),
        ({"email": "Zzpii.Ada@Example.com"}, {"folds_gmail": True}, {"email": hash_email("zzpii.ada@example.com")}),
        ({"email": EMAIL, "phone_number": PHONE}, {"hashes_plain": False}, {}),
        ({"email": DIGEST}, {"hashes_plain": False}, {"email": DIGEST.lower()}),
        ({"email": DIGEST}, {"detects_digests": False}, {}),
        ({"email": "zzpii", "phone_number": "555 zzpii", "external_id": ""}, {}, {}),
        ({"phone_number": "555 010-0199"}, {}, {}),
        ({"phone_number": "0555 010-0199"}, {"calling_code": 49}, {"phone_number": hash_phone("+495550100199")}),
        ({"email": None, "phone": PHONE, "external_id": 17}, {}, {"external_id": "17"}),
        ({"first_name": "Zzpiiada", "zip_code": "ZZPII1"}, {"wide_identify": False}, {}),
        (
            {"first_name": "Zzpiiada", "zip_code": "ZZPII1", "city": "Zzpiitown", "locale": "en-GB"},
            {},
            {
                "first_name": hash_name("Zzpiiada"),
                "zip_code": hash_zip_code("ZZPII1"),
                "city": "zzpiitown",
                "locale": "en-GB",
            },
        ),
    ],
)
def test_identifiers(visit: Visit, given: dict[str, Any], switches: dict[str, Any], sent: dict[str, Any]) -> None:
    """What becomes of what the page says, by the switches."""
    visit.opens(LOAD, **switches)
    visit.page.evaluate("(one) => { ttq.identify(one); ttq.page(); }", given)

    assert users(visit.arrived(1)) == [sent]


def test_identify_with_an_external_id(visit: Visit) -> None:
    """An external id may come first, on its own or before the object; later calls add to earlier ones."""
    visit.opens(LOAD)
    visit.runs(
        "() => { ttq.identify('zzpii-1'); ttq.page(); ttq.identify('zzpii-2', {email: 'zzpii.ada@example.com'}); }"
    )
    visit.runs("() => { ttq.identify(null); ttq.identify(); ttq.page(); }")

    assert users(visit.arrived(2)) == [
        {"external_id": "zzpii-1"},
        {"external_id": "zzpii-2", "email": hash_email("zzpii.ada@example.com")},
    ]


def test_identify_one_pixel(visit: Visit) -> None:
    """What an instance is told stays with its pixel."""
    visit.opens(f"{TWO} ttq.instance('{OTHER}').identify({{external_id: 'zzpii-1'}});")
    visit.runs("ttq.page()")

    assert users(visit.arrived(2)) == [{}, {"external_id": "zzpii-1"}]


# --- cookies ------------------------------------------------------------------------------------------------------


def test_cookies(visit: Visit) -> None:
    """The pixel's own cookies, with its lifetimes and attributes."""
    visit.opens(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}")
    (body,) = visit.arrived(1)
    cookies, now = visit.cookies(), time.time()

    assert set(cookies) == {"_ttp", "_tt_enable_cookie", "ttclid"}
    assert cookies["_tt_enable_cookie"]["value"] == "1"
    assert re.fullmatch(r"[A-Za-z0-9._-]{20,256}", cookies["_ttp"]["value"])
    assert abs(cookies["_ttp"]["expires"] - now - 390 * 86400) < 60
    assert abs(cookies["ttclid"]["expires"] - now - 86400) < 60
    click, written = re.fullmatch(r"(.*)\.(\d{13})", cookies["ttclid"]["value"]).groups()  # type: ignore[union-attr]
    assert click == CLICK
    assert abs(int(written) / 1000 - now) < 60
    for cookie in cookies.values():
        assert (cookie["path"], cookie["domain"], cookie["httpOnly"], cookie["secure"]) == (
            "/",
            "127.0.0.1",
            False,
            False,
        )
    assert (body["context"]["ad"], body["context"]["user"]["ttp"]) == ({"callback": CLICK}, cookies["_ttp"]["value"])


def test_cookies_of_a_domain(visit: Visit) -> None:
    """They hold for the whole registrable domain, and nothing is left of finding out which that is."""
    visit.opens(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", host="www.shop.localhost")
    visit.arrived(1)
    found = {(name, cookie["domain"]) for name, cookie in visit.cookies().items()}

    assert found == {(name, ".shop.localhost") for name in ("_ttp", "_tt_enable_cookie", "ttclid")}


def test_ttp_is_kept_and_prolonged(visit: Visit) -> None:
    """An existing value, whatever its form, is kept as it is and lives longer with each use."""
    week = int(time.time()) + 7 * 86400
    visit.context.add_cookies([{"name": "_ttp", "value": "zzpii-old_1", "url": visit.shop.url(), "expires": week}])
    visit.opens(f"{LOAD} ttq.page();", ttp_days=90)

    assert visit.arrived(1)[0]["context"]["user"]["ttp"] == "zzpii-old_1"
    assert visit.cookies()["_ttp"]["value"] == "zzpii-old_1"
    assert abs(visit.cookies()["_ttp"]["expires"] - time.time() - 90 * 86400) < 60


@pytest.mark.parametrize(
    ("there", "in_url", "is_kept", "sent"),
    [
        (f"{CLICK}.1700000000000", CLICK, True, CLICK),
        (CLICK, CLICK, True, CLICK),
        (f"{CLICK}.1700000000000", OTHER_CLICK, False, OTHER_CLICK),
        (f"{CLICK}.170000000000", CLICK, False, CLICK),
        (f"{CLICK}.1700000000000", None, True, CLICK),
        (CLICK, None, True, CLICK),
        (f"{CLICK}.1700000000000", "a;b", True, CLICK),
        (None, "a%20b", True, None),
        (None, "", True, None),
    ],
)
def test_ttclid(visit: Visit, there: str | None, in_url: str | None, is_kept: bool, sent: str | None) -> None:
    """The cookie is written only for another click than it holds; what is sent has no time behind it."""
    if there:
        visit.context.add_cookies([{"name": "ttclid", "value": there, "url": visit.shop.url()}])
    visit.opens(f"{LOAD} ttq.page();", "/" if in_url is None else f"/?ttclid={in_url}")
    (body,) = visit.arrived(1)
    value = visit.cookies().get("ttclid", {}).get("value")

    assert (value == there) is is_kept
    assert is_kept or re.fullmatch(re.escape(str(in_url)) + r"\.\d{13}", str(value))
    assert body["context"]["ad"].get("callback") == sent


@pytest.mark.parametrize(
    ("switches", "written"),
    [
        ({"first_party_cookies": False}, set()),
        ({"writes_ttp": False}, {"_tt_enable_cookie", "ttclid"}),
        ({"writes_ttclid": False}, {"_tt_enable_cookie", "_ttp"}),
        ({"writes_ttp": False, "writes_ttclid": False}, {"_tt_enable_cookie"}),
    ],
)
def test_cookies_by_switch(visit: Visit, switches: dict[str, bool], written: set[str]) -> None:
    """Each can be left out; the click id of the URL is sent all the same."""
    visit.opens(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", **switches)

    assert visit.arrived(1)[0]["context"]["ad"] == {"callback": CLICK}
    assert set(visit.cookies()) == written


@pytest.mark.parametrize("deletes", [False, True])
def test_cookies_are_switched_on_and_off(visit: Visit, deletes: bool) -> None:
    """From then on they are used or not; a switch says whether they are deleted."""
    visit.opens(f"{LOAD} ttq.disableCookie(); ttq.page();", f"/?ttclid={CLICK}", deletes_cookies=deletes)
    visit.arrived(1)
    assert visit.cookies() == {}

    visit.runs("() => { ttq.enableCookie(); ttq.page(); }")
    visit.arrived(2)
    assert set(visit.cookies()) == {"_ttp", "_tt_enable_cookie", "ttclid"}

    visit.runs("() => { ttq.disableCookie(); ttq.page(); }")
    assert [body["context"]["user"].get("ttp") is not None for body in visit.arrived(3)] == [False, True, False]
    assert bool(visit.cookies()) is not deletes


# --- consent ------------------------------------------------------------------------------------------------------

HELD = f"{LOAD} ttq.holdConsent(); ttq.page(); ttq.track('Lead', {{}}, {{event_id: 'a'}});"


@pytest.mark.parametrize("stores", [False, True])
def test_consent_is_held(visit: Visit, stores: bool) -> None:
    """Nothing is sent, nor stored unless the switch is on, until the grant; then all of it goes in its order."""
    visit.opens(HELD, f"/?ttclid={CLICK}", cookies_while_held=stores)
    visit.arrived(0)
    assert bool(visit.cookies()) is stores

    visit.runs("() => { history.pushState({}, '', '/two'); ttq.grantConsent(); ttq.track('Search'); }")
    came = visit.arrived(4)

    assert names(came) == [("Pageview", None), ("Lead", "a"), ("Pageview", None), ("Search", None)]
    assert came[0]["context"]["page"]["url"].endswith(f"/?ttclid={CLICK}")
    assert came[0]["context"]["user"] == {"ttp": visit.cookies()["_ttp"]["value"]}
    assert [body["context"]["ad"].get("callback") for body in came[:2]] == [CLICK, CLICK]


def test_consent_is_held_on_this_page_only(visit: Visit) -> None:
    """What waits when the page is left is lost."""
    visit.opens(HELD)
    visit.opens(f"{LOAD} ttq.grantConsent(); ttq.page();", "/two")

    assert names(visit.arrived(1)) == [("Pageview", None)]


@pytest.mark.parametrize("deletes", [False, True])
def test_consent_is_revoked(visit: Visit, deletes: bool) -> None:
    """What is denied is not sent and not kept; after a grant the next event is sent."""
    visit.opens(f"{LOAD} ttq.page();", f"/?ttclid={CLICK}", deletes_cookies=deletes)
    visit.arrived(1)
    visit.runs("() => { ttq.revokeConsent(); ttq.page(); ttq.track('Lead'); history.pushState({}, '', '/two'); }")
    visit.arrived(1)
    assert bool(visit.cookies()) is not deletes

    visit.runs("() => { ttq.grantConsent(); ttq.track('Search'); }")

    assert names(visit.arrived(2)) == [("Pageview", None), ("Search", None)]


@pytest.mark.parametrize("keeps", [False, True])
def test_what_is_held_and_revoked(visit: Visit, keeps: bool) -> None:
    """A denial drops what was held, unless the switch keeps it for a grant."""
    visit.opens(HELD, keeps_denied=keeps)
    visit.runs("() => { ttq.revokeConsent(); ttq.track('Search'); ttq.grantConsent(); ttq.track('Purchase'); }")

    kept = [("Pageview", None), ("Lead", "a"), ("Search", None)] if keeps else []
    assert names(visit.arrived(len(kept) + 1)) == [*kept, ("Purchase", None)]


def test_revoked_before_the_load(visit: Visit) -> None:
    """The strict order: denied first, and granted right before the first event. Nothing is stored in between."""
    visit.opens(f"ttq.revokeConsent(); {LOAD} ttq.page();")
    visit.arrived(0)
    assert visit.cookies() == {}

    visit.runs(f"() => {{ ttq.load('{OTHER}'); ttq.page(); ttq.grantConsent(); ttq.track('Lead'); }}")

    assert codes(visit.arrived(2)) == [("Lead", PIXEL), ("Lead", OTHER)]


def test_consent_of_one_pixel(visit: Visit) -> None:
    """An instance holds and releases its own pixel's events."""
    visit.opens(f"{TWO} ttq.instance('{OTHER}').holdConsent();")
    visit.runs("ttq.page()")
    assert codes(visit.arrived(1)) == [("Pageview", PIXEL)]

    visit.runs(f"ttq.instance('{OTHER}').grantConsent()")

    assert codes(visit.arrived(2)) == [("Pageview", PIXEL), ("Pageview", OTHER)]


# --- both channels ------------------------------------------------------------------------------------------------


def test_both_channels_are_one_conversion(visit: Visit, manager: Any) -> None:
    """The browser's copy and the server's, with one id, count once."""
    import tiktok_events as tt

    visit.opens(f"{LOAD} ttq.track('Purchase', {{value: 12.5, currency: 'EUR'}}, {{event_id: 'order-1'}});")
    visit.arrived(1)
    with tt.Client(tt.EventSource.web(PIXEL, "local"), base_url=manager.api_url) as client:
        client.track(tt.Event("Purchase", event_id="order-1", user={"email": "zzpii.ada@example.com"}))

    summary = manager.summary()

    assert (summary["conversions"], summary["both"], summary["merged"]) == (1, 1, 1)
