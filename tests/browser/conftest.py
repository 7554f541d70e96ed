"""Browser tests: Chromium on local pages, with an Events Manager that serves a substitute for the pixel script.

`nox -s browser` runs them. Without TIKTOK_EVENTS_BROWSER=1 they are not collected, because they need Chromium and
playwright's event loop in the main thread.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pages import Tab
    from shopper import CheckCounts, Shopper, Visit

collect_ignore_glob = [] if os.environ.get("TIKTOK_EVENTS_BROWSER") == "1" else ["*"]
if find_spec("starlette") is None:
    collect_ignore_glob = ["*"]
CHROMIUM = Path("/usr/bin/chromium")
QUIET = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
# Only the shops' names resolve, so that no test sends anything outside this machine.
NAMES = "MAP *.example.test 127.0.0.1, MAP *.example.co.uk 127.0.0.1, MAP * ~NOTFOUND"
NAMES += ", EXCLUDE 127.0.0.1, EXCLUDE *.localhost"
HOSTS = tuple(f"{name}.example.{end}" for name in ("shop", "www.shop", "pay.shop") for end in ("test", "co.uk"))


@pytest.fixture(scope="session")
def playwright() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the dependency group `browser`")
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM}")
    with api.sync_playwright() as started:
        yield started


@contextmanager
def launched(playwright: Any, **options: Any) -> Iterator[Any]:
    """Chromium without its background requests."""
    flags = [*QUIET.split(), "--disable-component-update", "--disable-sync", f"--host-resolver-rules={NAMES}"]
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=flags, **options)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def chromium(playwright: Any) -> Iterator[Any]:
    """One browser for all tests; each test makes its own context. Going back loads a page again."""
    with launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def reviving_chromium(playwright: Any) -> Iterator[Any]:
    """A browser with the back/forward cache, which real browsers have and playwright's does not."""
    with launched(playwright, ignore_default_args=["--disable-back-forward-cache"]) as browser:
        yield browser


# --- shops ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["flask", "starlette"])
def shop(request: pytest.FixtureRequest) -> str:
    for needed in (request.param, f"tiktok_events_{request.param}"):
        pytest.importorskip(needed)
    return str(request.param)


@pytest.fixture
def calendar() -> Any:
    """The clock of the shop and of the manager."""
    from shopper import Calendar

    return Calendar()


@pytest.fixture
def visit(chromium: Any, shop: str, calendar: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """A function that opens the shop with settings of its site, for a visitor without cookies."""
    from shop_apps import SHOPS
    from shopper import AGENT, PIXEL, SECRET, TOKEN, Delivery, Shopper

    import tiktok_events as tt
    from tiktok_events import web
    from tiktok_events.events_manager import running

    with ExitStack() as stack:
        manager = stack.enter_context(running(faults=True, clock=calendar, allowed_hosts=HOSTS))
        monkeypatch.setenv("TIKTOK_API_URL", manager.api_url)
        monkeypatch.setenv("TIKTOK_PIXEL_URL", f"{manager.url}/i18n/pixel/events.js")

        def open_shop(
            *,
            held: bool = False,
            max_event_age: float | None = None,
            csp: str = "",
            headers: Any = None,
            browser: Any = chromium,
            host: str = "127.0.0.1",
            **settings: Any,
        ) -> Shopper:
            delivery = Delivery(held=held, max_event_age=max_event_age, clock=manager._state.clock)
            stack.callback(delivery.close)
            serve, nonce = SHOPS[shop]
            if csp:
                settings.setdefault("nonce", nonce)
            source = tt.EventSource.web(PIXEL, TOKEN)
            site = web.Site(source, delivery, secret_key=SECRET, strict=True, clock=calendar, **settings)
            url = stack.enter_context(serve(site, csp=csp))
            shopper = Shopper(
                browser.new_context(user_agent=AGENT, extra_http_headers=headers or {}),
                url,
                manager,
                delivery,
                host=host,
            )
            stack.callback(shopper.close)
            return shopper

        yield open_shop


# --- pages with only the pixel ----------------------------------------------------------------------------------------


@pytest.fixture
def manager() -> Iterator[Any]:
    from tiktok_events.events_manager import running

    with running() as started:
        yield started


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The bodies that pages post, recorded on arrival because the manager stores no identifiers."""
    from tiktok_events._runtime import json_codec
    from tiktok_events.events_manager.intake import pixel

    recorded: list[dict[str, Any]] = []
    original = pixel.browser_event

    def record(body: bytes, *, now: float, user_agent: str) -> Any:
        recorded.append(json_codec.loads(body))
        return original(body, now=now, user_agent=user_agent)

    monkeypatch.setattr(pixel, "browser_event", record)
    return recorded


@pytest.fixture
def tab(chromium: Any, manager: Any, bodies: list[dict[str, Any]]) -> Iterator[Tab]:
    """A visitor without cookies, on a page that has only the pixel."""
    from pages import Tab, site

    with site() as shop:
        context = chromium.new_context()
        yield Tab(context, shop, manager.url, bodies)
        context.close()


# --- the table of counts ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def counted_rows(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, ...], set[str]]]:
    """The counted rows of the table, each with the shops that counted them. The session prints them at its end."""
    from expected import EXPECTED, table

    rows: dict[tuple[str, ...], set[str]] = defaultdict(set)
    yield rows
    reporter: Any = request.config.pluginmanager.get_plugin("terminalreporter")
    capture: Any = request.config.pluginmanager.get_plugin("capturemanager")
    if not rows or reporter is None or capture is None:
        return
    with capture.global_and_fixture_disabled():
        reporter.ensure_newline()
        order = list(EXPECTED)
        for line in table(sorted(rows, key=lambda row: order.index(row[0]))):
            reporter.write_line(line)
        for shop in sorted(set().union(*rows.values())):
            reporter.write_line(f"{sum(shop in shops for shops in rows.values())} of these rows in the {shop} shop")


@pytest.fixture
def check_counts(shop: str, counted_rows: dict[tuple[str, ...], set[str]]) -> CheckCounts:
    """A function that compares the manager's counts of a visit with the expected ones, event by event."""
    from expected import EXPECTED, Counts, row_of

    def compare(shopper: Shopper, situation: str) -> None:
        shopper.delivery.deliver()
        expected = EXPECTED[situation]
        alone, server, both = map(shopper.manager_counts, ("browser_alone", "server_alone", "conversions"))
        counted_rows[row_of(situation, Counts(alone, server, both, expected.happened, ""))].add(shop)

        assert both == expected.conversions, expected.rule
        assert (alone, server) == (expected.browser_alone, expected.server_alone), expected.rule
        assert shopper.manager.summary()["rejected"] == 0

    return compare
