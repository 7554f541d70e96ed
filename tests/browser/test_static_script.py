"""A page without inline code in a real Chromium: `data()`, the static script, a strict policy, server page views."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
api = pytest.importorskip("playwright.sync_api", reason="needs playwright: the dependency group `browser`")
for needed in ("starlette", "flask", "tiktok_events_flask"):
    pytest.importorskip(needed)
if not CHROMIUM.exists():
    pytest.skip(f"needs Chromium at {CHROMIUM}", allow_module_level=True)

import flask  # noqa: E402
from tiktok_events_flask import TikTokEvents  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

import tiktok_events as tt  # noqa: E402
from tiktok_events import web  # noqa: E402
from tiktok_events.events_manager import running  # noqa: E402

SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "local")
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
PAGE = """<!doctype html><html><head><title>shop</title><link rel="icon" href="data:,">
{{ tiktok.data() }}<script src="/tiktok-events.js" defer></script></head><body></body></html>"""
FETCH = """async () => tiktokEvents.read(await fetch("/cart", {method: "POST"}))"""
PATIENCE = 5.0


class Quiet(WSGIRequestHandler):
    def log(self, *args: Any, **kwargs: Any) -> None:
        """Say nothing: the standard error stream is the tests'."""


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with running() as one:
        monkeypatch.setenv("TIKTOK_API_URL", one.api_url)
        monkeypatch.setenv("TIKTOK_PIXEL_URL", f"{one.url}/i18n/pixel/events.js")
        yield one


@pytest.fixture
def shop(manager: Any) -> Iterator[str]:
    """A shop whose policy allows no inline code at all; its address."""
    background = tt.BackgroundClient(tt.Client(SOURCE))
    app = flask.Flask("shop")
    tiktok = TikTokEvents(app, web.Site(SOURCE, background, page_views=True, strict=True))

    @app.get("/tiktok-events.js")
    def script() -> Any:
        return web.static_script(), {"Content-Type": "text/javascript"}

    @app.get("/")
    def page() -> Any:
        tiktok.track("ViewContent")
        hosts = tiktok.tracker.face.csp_sources()
        told = {"default-src": ("'none'",), "base-uri": ("'none'",), **hosts, "img-src": ("data:", *hosts["img-src"])}
        told |= {name: ("'self'", *hosts[name]) for name in ("script-src", "connect-src")}
        policy = "; ".join(" ".join([directive, *sources]) for directive, sources in told.items())
        return flask.render_template_string(PAGE), {"Content-Security-Policy": policy}

    @app.post("/cart")
    def cart() -> Any:
        tiktok.track("AddToCart")
        return {"count": 1}

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    background.close(PATIENCE)
    background.client.close()


def wait(page: Any, is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it did not come"
        page.wait_for_timeout(10)


def test_every_event_is_a_pair_without_inline_code(shop: str, manager: Any) -> None:
    """The page's view, what its view tracked and what a fetch told: each merged from both channels, once a visit."""
    wrong: list[str] = []

    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), headless=True, args=["--no-sandbox"])
        page = browser.new_context(user_agent=AGENT).new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        for _ in range(2):
            page.goto(shop)
            page.wait_for_function("() => window.ttq && window.ttq._standIn", timeout=PATIENCE * 1000)
        page.evaluate("history.pushState({}, '', '#cart')")  # no view: the pixel's own counting is off
        page.evaluate(FETCH)
        wait(page, lambda: len(manager.events()) == 10)
        browser.close()

    assert wrong == []
    counted = {one["event"]: one["conversions"] for one in manager.summary()["events"]}
    assert counted == {"Pageview": 2, "ViewContent": 2, "AddToCart": 1}
    assert sorted(one["channel"] for one in manager.events()) == ["browser"] * 5 + ["server"] * 5
