"""What TikTok would count of a shop's funnel, against what happened, in a real Chromium.

Every test names the rule its figures follow from; the figures of all are printed at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the dependency group `browser`")
for needed in ("starlette", "flask", "tiktok_events_flask", "tiktok_events_starlette"):
    pytest.importorskip(needed)
if not CHROMIUM.exists():
    pytest.skip(f"needs Chromium at {CHROMIUM}", allow_module_level=True)

from funnel import AGENT, CLICK, EMAIL, FUNNEL, PIXEL, SECRET, SHOPS, TOKEN, Delivery, Shopper, example  # noqa: E402

import tiktok_events as tt  # noqa: E402
from tiktok_events import web  # noqa: E402
from tiktok_events.events_manager import running  # noqa: E402

QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
COOKIE = web.ConsentCookie("shop_consent", {"yes"}, {"no"})
MINUTE, HOUR = 60, 3600
ALL = dict.fromkeys(FUNNEL, 1)
ONE = {"Purchase": 1}

# The situation: (what happened, what TikTok counts), and the rule that makes it so.
EXPECTED: dict[str, tuple[dict[str, int], dict[str, int], str]] = {
    "plain": (ALL, ALL, "one name and id on two channels is one conversion (section 5)"),
    "pixel blocked": (ALL, ALL, "an event of one channel counts as it is"),
    "thank-you page reloaded": (ONE, ONE, "a keyed id is the same on every rendering (3.2), repeats are dropped"),
    "back and forward": (ONE, ONE, "the same, also from the browser's own cache"),
    "post, redirect, get, reload": ({"Subscribe": 1}, {"Subscribe": 1}, "the redirect cookie is used once (3.8)"),
    "webhook before the page": (ONE, ONE, "both make the id from the key (3.2)"),
    "webhook after the page": (ONE, ONE, "the order of arrival does not matter within 48 hours"),
    "webhook twice": (ONE, ONE, "snapshots are reusable, ids come from the key (3.9)"),
    "bought in a later visit": (ONE, ONE, "the click id is kept 28 days from the click (section 5)"),
    "landing redirected": (ONE, ONE, "identifier cookies are written on redirects too (section 5)"),
    "consent denied": (ALL, {}, "nothing is sent, rendered or kept (3.11)"),
    "consent unknown": (ALL, {}, "unknown is blocked by default (3.11)"),
    "consent granted late": (ALL, {"Lead": 1, "Subscribe": 1}, "what came before the grant is not sent (3.11)"),
    "consent revoked": (ALL, {"ViewContent": 1, "AddToCart": 1}, "from the revocation on nothing is sent (3.11)"),
    "Sec-GPC": (ALL, ALL, "limited data use limits the use, not the count (3.11)"),
    "server 3 minutes late": (ONE, ONE, "merged within 5 minutes (section 5)"),
    "server 10 minutes late": (ONE, ONE, "dropped until 48 hours (section 5)"),
    "server 50 hours late": (ONE, {"Purchase": 2}, "counted again after 48 hours (section 5)"),
    "policy with a nonce": (ALL, ALL, "the snippet bears the nonce, csp_sources() the hosts"),
    "two tabs": (ONE, ONE, "a tab knows nothing of the other; the id does"),
    "example shop": (ALL, ALL, "the examples say what the guide says, and the pair of each event is one conversion"),
    "two leads": ({"Purchase": 1, "Lead": 2}, {"Purchase": 1, "Lead": 2}, "keyless ids are random: nothing merges"),
}  # fmt: skip
FIGURES: list[tuple[str, ...]] = []


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with api.sync_playwright() as playwright:
        flags = [*QUIET.split(), "--disable-component-update", "--disable-sync"]
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module", autouse=True)
def figures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Prints the table once all is counted."""
    yield
    plugins = request.config.pluginmanager
    reporter: Any = plugins.get_plugin("terminalreporter")
    capture: Any = plugins.get_plugin("capturemanager")
    if reporter is None or capture is None:
        return
    head = ("situation", "shop", "browser alone", "server alone", "counted", "true")
    with capture.global_and_fixture_disabled():
        reporter.ensure_newline()
        for row in (head, *dict.fromkeys(FIGURES)):
            reporter.write_line("{:<30}{:<12}{:>14}{:>14}{:>9}{:>6}".format(*row))


@pytest.fixture(params=list(SHOPS))
def shop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


Visit = Callable[..., Shopper]


@pytest.fixture
def visit(chromium: Any, shop: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """Opens the shop with the site's settings; the shopper who comes has no cookies."""
    with ExitStack() as stack:
        manager = stack.enter_context(running(faults=True))
        monkeypatch.setenv("TIKTOK_API_URL", manager.api_url)
        monkeypatch.setenv("TIKTOK_PIXEL_URL", f"{manager.url}/i18n/pixel/events.js")

        def opened(*, held: bool = False, csp: bool = False, headers: Any = None, **settings: Any) -> Shopper:
            delivery = Delivery(held=held)
            stack.callback(delivery.close)
            serve, nonce = SHOPS[shop]
            if csp:
                settings["nonce"] = nonce
            source = tt.EventSource.web(PIXEL, TOKEN)
            site = web.Site(source, delivery, secret_key=SECRET, strict=True, **settings)
            url = stack.enter_context(serve(site, csp=csp))
            context = chromium.new_context(user_agent=AGENT, extra_http_headers=headers or {})
            stack.callback(context.close)
            return Shopper(context, url, manager, delivery)

        yield opened


@pytest.fixture
def counts(shop: str) -> Callable[[Shopper, str], None]:
    """Compares what the manager counted of the row's events with what it must."""

    def compare(shopper: Shopper, situation: str) -> None:
        shopper.delivery.deliver()
        true, expected, rule = EXPECTED[situation]
        counted, *halves = (
            {name: many for name, many in shopper.counted(figure).items() if name in true}
            for figure in ("conversions", "browser_alone", "server_alone")
        )
        sums = [sum(half.values()) for half in halves]
        shown = [*sums, sum(counted.values()), sum(true.values())]
        FIGURES.append((situation, shop, *map(str, shown)))

        assert counted == expected, rule
        assert shopper.manager.summary()["rejected"] == 0

    return compare


Counts = Callable[[Shopper, str], None]


def test_plain(visit: Visit, counts: Counts) -> None:
    """Every event comes on both channels, and each counts once."""
    shopper = visit()
    shopper.walks()

    counts(shopper, "plain")

    assert (shopper.counted("both"), shopper.wrong) == (ALL, [])


def test_pixel_blocked(visit: Visit, counts: Counts) -> None:
    """An ad blocker takes the browser's half; the server's counts."""
    shopper = visit()
    shopper.blocks_the_pixel()
    shopper.walks()

    counts(shopper, "pixel blocked")

    assert (shopper.counted("server_only"), shopper.counted("browser_alone")) == (ALL, {})


def arrives(shopper: Shopper) -> None:
    """A page before the purchase, whose events are none of the funnel's."""
    shopper.goes("/")
    shopper.submits("checkout", EMAIL)


@pytest.mark.parametrize("times", [1, 3])
def test_reload(visit: Visit, counts: Counts, times: int) -> None:
    """However often the thank-you page is loaded, in this tab it reports once."""
    shopper = visit()
    arrives(shopper)
    shopper.is_paid()
    shopper.goes("/thanks/1001")
    for _ in range(times):
        shopper.page.reload()
        shopper.settles()

    counts(shopper, "thank-you page reloaded")


def test_back_and_forward(visit: Visit, counts: Counts) -> None:
    """The history shows the thank-you page again."""
    shopper = visit()
    arrives(shopper)
    shopper.is_paid()
    shopper.goes("/thanks/1001")
    for move in (shopper.page.go_back, shopper.page.go_forward, shopper.page.go_back, shopper.page.go_forward):
        move()
        shopper.settles()

    counts(shopper, "back and forward")


def test_post_redirect_get(visit: Visit, counts: Counts) -> None:
    """The form's event is rendered by the page after it, and by no reload."""
    shopper = visit()
    shopper.goes("/")
    shopper.submits("newsletter", EMAIL)
    shopper.page.reload()
    shopper.settles()

    counts(shopper, "post, redirect, get, reload")

    assert shopper.heard("Subscribe", "both") == 1
    assert "_tte_next" not in shopper.cookies()


@pytest.mark.parametrize("is_first", [True, False])
def test_webhook(visit: Visit, counts: Counts, is_first: bool) -> None:
    """The provider may be faster than the visitor, or slower."""
    shopper = visit()
    arrives(shopper)
    if is_first:
        shopper.is_paid()
        shopper.delivery.deliver()
    shopper.goes("/thanks/1001")
    if not is_first:
        shopper.is_paid()

    counts(shopper, f"webhook {'before' if is_first else 'after'} the page")

    assert shopper.heard("Purchase", "both") == 1


def test_webhook_twice(visit: Visit, counts: Counts) -> None:
    """Providers repeat themselves."""
    shopper = visit()
    arrives(shopper)
    shopper.is_paid(2)
    shopper.goes("/thanks/1001")

    counts(shopper, "webhook twice")

    assert [event.event for event in shopper.delivery.events].count("Purchase") == 2


@pytest.mark.parametrize("blocked", [False, True])
def test_later_visit(visit: Visit, counts: Counts, blocked: bool) -> None:
    """The click id of the landing is told with the purchase, whoever kept it: the pixel's cookie or ours."""
    shopper = visit()
    if blocked:
        shopper.blocks_the_pixel()
    shopper.goes(f"/product?ttclid={CLICK}")
    shopper.page.close()
    shopper.new_tab()
    arrives(shopper)
    shopper.is_paid()
    shopper.goes("/thanks/1001")

    counts(shopper, "bought in a later visit")

    told = shopper.server_copy("Purchase")["identifiers"]
    assert {"ttclid", "email", "external_id", "user_agent"} <= set(told)
    assert ("ttp" in told) is not blocked
    assert [event.user.ttclid for event in shopper.delivery.events if event.event == "Purchase"] == [CLICK]


def test_landing_redirected(visit: Visit, counts: Counts) -> None:
    """The page that is shown has no click id in its address, and the purchase has it all the same."""
    shopper = visit()
    shopper.goes(f"/go?ttclid={CLICK}")

    assert shopper.page.url == f"{shopper.url}/product"

    shopper.buys()
    counts(shopper, "landing redirected")

    assert "ttclid" in shopper.server_copy("Purchase")["identifiers"]


def callable_rule(request: Any) -> bool | None:
    """As a shop writes it."""
    return {"yes": True, "no": False}.get(request.cookies.get("shop_consent"))


RULES = pytest.mark.parametrize("rule", [callable_rule, COOKIE], ids=["callable", "cookie"])


def is_silent(shopper: Shopper) -> bool:
    """Whether the browser asked nobody but the shop."""
    return all(url.startswith((shopper.url, "data:")) for url in shopper.asked)


@RULES
def test_consent_denied(visit: Visit, counts: Counts, rule: Any) -> None:
    """Nothing is sent and nothing is kept; the shop's own cookie is all there is."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.context.add_cookies([{"name": "shop_consent", "value": "no", "url": shopper.url}])
    shopper.walks(f"/product?ttclid={CLICK}")

    counts(shopper, "consent denied")

    assert (is_silent(shopper), shopper.cookies(), shopper.delivery.events) == (True, {"shop_consent"}, [])
    assert shopper.page.evaluate("window.ttq === undefined")


@RULES
def test_consent_unknown(visit: Visit, counts: Counts, rule: Any) -> None:
    """Who was not asked yet is not measured, whatever waits in the page."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.walks(f"/product?ttclid={CLICK}")

    counts(shopper, "consent unknown")

    assert (is_silent(shopper), shopper.cookies(), shopper.delivery.events) == (True, set(), [])


@RULES
def test_consent_granted_late(visit: Visit, counts: Counts, rule: Any) -> None:
    """The banner is answered after the purchase: what follows is measured, what was is not made up for."""
    shopper = visit(consent=rule)
    shopper.has_pixel = False
    shopper.goes(f"/product?ttclid={CLICK}")
    shopper.adds_to_cart()
    shopper.buys()

    assert (is_silent(shopper), shopper.cookies()) == (True, set())

    shopper.goes("/")
    shopper.has_pixel = True
    shopper.submits("yes")
    shopper.submits("contact", EMAIL)
    shopper.submits("newsletter", EMAIL)

    counts(shopper, "consent granted late")

    assert {"_tte_id", "_ttp"} <= shopper.cookies()


def test_consent_granted_on_the_landing(visit: Visit) -> None:
    """The banner's answer keeps the click id of the page that the visitor looks at."""
    shopper = visit(consent=COOKIE)
    shopper.has_pixel = False
    shopper.goes(f"/product?ttclid={CLICK}")
    shopper.has_pixel = True
    shopper.submits("yes")
    shopper.goes("/")
    shopper.buys()
    shopper.delivery.deliver()

    assert "ttclid" in shopper.server_copy("Purchase")["identifiers"]


@RULES
def test_consent_revoked(visit: Visit, counts: Counts, rule: Any) -> None:
    """From the no on nothing is sent, and our cookies are gone."""
    shopper = visit(consent=rule)
    shopper.context.add_cookies([{"name": "shop_consent", "value": "yes", "url": shopper.url}])
    shopper.goes(f"/product?ttclid={CLICK}")
    shopper.adds_to_cart()

    assert {"_tte_id", "ttclid"} <= shopper.cookies()

    shopper.has_pixel = False
    shopper.submits("no")
    shopper.asked.clear()
    shopper.buys()
    shopper.submits("contact", EMAIL)
    shopper.submits("newsletter", EMAIL)

    counts(shopper, "consent revoked")

    assert is_silent(shopper)
    assert not {"_tte_id", "ttclid", "_tte_next"} & shopper.cookies()


def test_gpc(visit: Visit, counts: Counts) -> None:
    """The browser's signal limits what both halves may be used for."""
    shopper = visit(headers={"Sec-GPC": "1"})
    shopper.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    shopper.walks()

    counts(shopper, "Sec-GPC")

    assert {event.limited_data_use for event in shopper.delivery.events} == {True}
    assert shopper.page.evaluate(f"ttq._o['{PIXEL}'].limited_data_use") is True


@pytest.mark.parametrize(
    ("late", "situation", "merged", "dropped"),
    [
        (3 * MINUTE, "server 3 minutes late", 1, 0),
        (10 * MINUTE, "server 10 minutes late", 0, 1),
        (50 * HOUR, "server 50 hours late", 0, 0),
    ],
)
def test_server_late(visit: Visit, counts: Counts, late: int, situation: str, merged: int, dropped: int) -> None:
    """The worker was down, and delivers when it is back. What TikTok makes of that is its own rule."""
    shopper = visit(held=True)
    shopper.goes("/")
    shopper.submits("checkout", EMAIL)
    shopper.delivery.deliver()
    before = shopper.manager.summary()
    shopper.is_paid()
    shopper.goes("/thanks/1001")
    shopper.turns_clock(late)

    counts(shopper, situation)

    after = shopper.manager.summary()

    assert (after["merged"] - before["merged"], after["dropped"] - before["dropped"]) == (merged, dropped)


def test_policy_with_a_nonce(visit: Visit, counts: Counts) -> None:
    """A strict policy lets the snippet and the pixel through, and finds nothing to object to."""
    shopper = visit(csp=True)
    shopper.walks()

    counts(shopper, "policy with a nonce")

    assert (shopper.counted("both"), shopper.wrong) == (ALL, [])


def test_two_tabs(visit: Visit, counts: Counts) -> None:
    """The thank-you page is open twice; the second tab reports again, and TikTok drops it."""
    shopper = visit()
    arrives(shopper)
    shopper.is_paid()
    for _ in range(2):
        shopper.new_tab()
        shopper.goes("/thanks/1001")

    counts(shopper, "two tabs")

    assert shopper.manager.summary()["dropped"] == 1


def test_two_leads(visit: Visit, counts: Counts) -> None:
    """What really happened twice counts twice."""
    shopper = visit()
    shopper.walks()
    shopper.submits("contact", EMAIL)

    counts(shopper, "two leads")

    assert shopper.heard("Lead", "both") == 2


# --- further consent --------------------------------------------------------------------------------------------------


def test_unknown_is_held_then_granted(visit: Visit) -> None:
    """With "hold" the browser's half waits for the banner; the server's is not sent without a yes (3.11)."""
    shopper = visit(consent=COOKIE, on_unknown_consent="hold")
    shopper.has_pixel = False
    shopper.goes("/product")
    shopper.page.wait_for_function("() => window.ttq && window.ttq._standIn")

    assert (shopper.cookies(), shopper.manager.summary()["received"]) == (set(), 0)

    shopper.page.evaluate("document.cookie = 'shop_consent=yes'; tiktokEvents.fire([])")
    shopper.wait(lambda: shopper.heard("ViewContent") == 1)
    shopper.delivery.deliver()

    assert shopper.counted("browser_only") == {"ViewContent": 1}
    assert shopper.delivery.events == []


def test_gpc_denies(visit: Visit) -> None:
    """With gpc="deny" the browser's signal is a no where nobody was asked (3.11, section 5)."""
    shopper = visit(headers={"Sec-GPC": "1"}, gpc="deny")
    shopper.has_pixel = False
    shopper.walks(f"/product?ttclid={CLICK}")
    shopper.delivery.deliver()

    assert (is_silent(shopper), shopper.cookies(), shopper.counted()) == (True, set(), {})


def test_redirect_then_another_tab(visit: Visit) -> None:
    """Two tabs report one form's event once: the redirect cookie belongs to the page after it (3.8)."""
    shopper = visit()
    shopper.goes("/")
    shopper.submits("newsletter", EMAIL)
    shopper.new_tab()
    shopper.goes("/welcome")
    shopper.delivery.deliver()

    assert (shopper.heard("Subscribe"), shopper.heard("Subscribe", "both")) == (1, 1)
    assert shopper.manager.summary()["dropped"] == 0


# --- the examples -----------------------------------------------------------------------------------------------------


def test_example_shop(chromium: Any, shop: str, monkeypatch: pytest.MonkeyPatch, counts: Counts) -> None:
    """The shop as it stands, by its own buttons: banner, cart, checkout, payment, newsletter, contact."""
    with ExitStack() as stack:
        manager = stack.enter_context(running())
        for name, value in {
            "API_URL": manager.api_url,
            "PIXEL_URL": f"{manager.url}/i18n/pixel/events.js",
            "PIXEL_CODE": PIXEL,
            "ACCESS_TOKEN": TOKEN,
        }.items():
            monkeypatch.setenv(f"TIKTOK_{name}", value)
        url, site = stack.enter_context(example(shop))
        context = chromium.new_context(user_agent=AGENT)
        stack.callback(context.close)
        shopper = Shopper(context, url, manager, SimpleNamespace(deliver=site.close))
        shopper.has_pixel = False
        shopper.goes(f"/products/cup?ttclid={CLICK}")

        assert is_silent(shopper)

        shopper.has_pixel = True
        shopper.clicks("#banner button[value=yes]")
        shopper.clicks("form[action^='/cart'] button")
        shopper.clicks("form button", EMAIL)
        shopper.clicks("form button")
        shopper.page.reload()
        shopper.settles()
        for path in ("/newsletter", "/contact"):
            shopper.goes(path)
            shopper.clicks("form button", EMAIL)

        counts(shopper, "example shop")

        assert shopper.counted("both") == ALL
        assert {"ttclid", "email"} <= set(shopper.server_copy("Purchase")["identifiers"])
        assert shopper.wrong == []
