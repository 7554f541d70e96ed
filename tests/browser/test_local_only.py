"""The example shops with only `TIKTOK_API_URL` set to a local Events Manager: no page loads anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest
from serving import example
from shopper import AGENT, CLICK, PIXEL, TOKEN

from tiktok_events.events_manager import running

PAGES = ("/", f"/?ttclid={CLICK}", "/products/cup", "/newsletter", "/contact", "/products/cup")


@pytest.fixture(params=["flask", "starlette", "fastapi"])
def shop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Any]]:
    """The address of a shop, and its manager."""
    adapter = "flask" if request.param == "flask" else "starlette"
    for needed in (request.param, f"tiktok_events_{adapter}", "jinja2"):
        pytest.importorskip(needed)
    with ExitStack() as stack:
        manager = stack.enter_context(running())
        monkeypatch.delenv("TIKTOK_PIXEL_URL", raising=False)
        for name, value in {"API_URL": manager.api_url, "PIXEL_CODE": PIXEL, "ACCESS_TOKEN": TOKEN}.items():
            monkeypatch.setenv(f"TIKTOK_{name}", value)
        url, _ = stack.enter_context(example(request.param))
        yield url, manager


def test_pages_load_from_this_machine_only(chromium: Any, shop: tuple[str, Any]) -> None:
    """The pixel is the manager's, so that test traffic does not reach the live one."""
    url, manager = shop
    requested: list[str] = []
    context = chromium.new_context(user_agent=AGENT)
    context.on("request", lambda request: requested.append(request.url))
    page = context.new_page()
    for path in PAGES:
        page.goto(url + path)
        if page.locator("form[action='/consent'] button[value=yes]").count():
            with page.expect_navigation():
                page.click("form[action='/consent'] button[value=yes]")
        page.wait_for_function("() => window.ttq && window.ttq._standIn")
        page.wait_for_load_state("networkidle")
    context.close()
    hosts = {urlsplit(one).hostname for one in requested if not one.startswith("data:")}

    assert hosts == {"127.0.0.1"}
    assert any(one.startswith(f"{manager.url}/i18n/pixel/events.js") for one in requested)
    assert {"Pageview", "ViewContent"} <= {
        event["event"] for event in manager.events() if event["channel"] == "browser"
    }
