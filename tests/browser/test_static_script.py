"""A page without inline code in a real Chromium: `data()`, the static script, a strict policy, `page_views`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

flask = pytest.importorskip("flask")
pytest.importorskip("tiktok_events_flask")

from serving import PATIENCE, wsgi_served  # noqa: E402
from shopper import AGENT  # noqa: E402
from tiktok_events_flask import TikTokEvents  # noqa: E402

import tiktok_events as tt  # noqa: E402
from tiktok_events import web  # noqa: E402
from tiktok_events.events_manager import running  # noqa: E402
from tiktok_events.web import TemplateVariable  # noqa: E402

SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "local")
PAGE = """<!doctype html><html><head><title>shop</title><link rel="icon" href="data:,">
{{ tiktok.data() }}<script src="/tiktok-events.js" defer></script></head><body></body></html>"""
FETCH = """async () => tiktokEvents.read(await fetch("/cart", {method: "POST"}))"""


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with running() as started:
        monkeypatch.setenv("TIKTOK_API_URL", started.api_url)
        monkeypatch.setenv("TIKTOK_PIXEL_URL", f"{started.url}/i18n/pixel/events.js")
        yield started


@pytest.fixture
def shop(manager: Any) -> Iterator[str]:
    """A shop whose policy allows no inline code; yields its URL."""
    background = tt.BackgroundClient(tt.Client(SOURCE))
    app = flask.Flask("shop")
    tiktok = TikTokEvents(app, web.Site(SOURCE, background, page_views=True, strict=True))

    @app.get("/tiktok-events.js")
    def script() -> Any:
        return web.static_script(), {"Content-Type": "text/javascript"}

    @app.get("/")
    def page() -> Any:
        tiktok.track("ViewContent")
        hosts = TemplateVariable(tiktok.tracker).csp_sources()
        directives = {
            "default-src": ("'none'",),
            "base-uri": ("'none'",),
            **hosts,
            "img-src": ("data:", *hosts["img-src"]),
        }
        directives |= {name: ("'self'", *hosts[name]) for name in ("script-src", "connect-src")}
        policy = "; ".join(" ".join([directive, *sources]) for directive, sources in directives.items())
        return flask.render_template_string(PAGE), {"Content-Security-Policy": policy}

    @app.post("/cart")
    def cart() -> Any:
        tiktok.track("AddToCart")
        return {"count": 1}

    with wsgi_served(app) as url:
        yield url
    background.close(PATIENCE)
    background.client.close()


def test_every_event_is_a_pair_without_inline_code(chromium: Any, shop: str, manager: Any) -> None:
    """Page view, event of the view, event of the fetch: each arrives on both channels, once per visit."""
    errors: list[str] = []

    with closing(chromium.new_context(user_agent=AGENT)) as context:
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        for _ in range(2):
            page.goto(shop)
            page.wait_for_function("() => window.ttq && window.ttq._standIn", timeout=PATIENCE * 1000)
        page.evaluate(
            "history.pushState({}, '', '#cart')"
        )  # no page view, because the pixel does not count history changes
        page.evaluate(FETCH)
        end = time.monotonic() + PATIENCE
        while len(manager.events()) < 10 and time.monotonic() < end:
            page.wait_for_timeout(10)

    assert errors == []
    summary = manager.summary()
    assert {one["event"]: one["conversions"] for one in summary["events"]} == {"ViewContent": 2, "AddToCart": 1}
    assert summary["page_views"] == 2
    assert sorted(one["channel"] for one in manager.events()) == ["browser"] * 5 + ["server"] * 5
