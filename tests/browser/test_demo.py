"""`tiktok-events demo` in a real Chromium: click through the shop, and compare the counts of the Events Manager."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from expected import FUNNEL
from shopper import AGENT

for needed in ("click", "rich", "flask", "tiktok_events_flask"):
    pytest.importorskip(needed)

COMMAND = [sys.executable, "-m", "tiktok_events.cli", "demo", "--no-browser", "--format", "json"]
CLICKS = ("Yes", "Lamp", "Add to cart", "Order", "Pay 49.00 EUR", "Newsletter", "Subscribe", "Contact", "Send")


@pytest.fixture
def demo() -> Iterator[dict[str, Any]]:
    """The URLs of a running demo."""
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        finally:
            process.kill()


def summary(url: str, figure: str) -> dict[str, int]:
    """One figure of the manager by event, without the pixel's own Pageview."""
    events = httpx.get(f"{url}/api/summary", trust_env=False).json()["events"]
    return {event["event"]: event[figure] for event in events if event["event"] != "Pageview"}


def test_clicking_through_reports_every_event_on_both_channels(chromium: Any, demo: dict[str, Any]) -> None:
    """Banner, product, cart, checkout, payment, newsletter, contact: six events, each once and on both channels."""
    errors: list[str] = []
    with closing(chromium.new_context(user_agent=AGENT)) as context:
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page = context.new_page()
        page.goto(demo["shop"])
        for name in CLICKS:
            with page.expect_navigation():
                page.locator(
                    ", ".join(f"{where}:has-text('{name}')" for where in ("main a", "button", "nav a"))
                ).first.click()
            page.wait_for_function("() => window.ttq && window.ttq._standIn")
        end = time.monotonic() + 30
        while summary(demo["url"], "both") != dict.fromkeys(FUNNEL, 1) and time.monotonic() < end:
            page.wait_for_timeout(20)
        linked = page.get_attribute("nav a:has-text('Events Manager')", "href")

    assert summary(demo["url"], "both") == summary(demo["url"], "conversions") == dict.fromkeys(FUNNEL, 1)
    assert linked == demo["url"] + "/"
    assert errors == []
