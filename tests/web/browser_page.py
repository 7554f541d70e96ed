"""Run pages in node, with the parts of a browser that the pixel snippet uses."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tiktok_events.web._page.pixel import Call, PageFields

PIXEL = "C0EXAMPLE0EXAMPLE000"
OTHER_PIXEL = "D0EXAMPLE0EXAMPLE000"
NOW = 1_780_000_000_000
MINUTE = 60_000
RANDOM = Call("AddToCart", "a1" * 16, {"value": 23.0, "currency": "EUR"})
KEYED = Call("Purchase", "b2" * 16, {"value": 46.0, "currency": "EUR"}, keyed=True)

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def fields(*calls: Call, **others: Any) -> PageFields:
    """The arguments of `page_data` for a page of the example pixel with *calls*."""
    page_fields: Any = {"pixel_code": PIXEL, "calls": calls, "generated_at_ms": NOW, **others}
    return page_fields  # type: ignore[no-any-return]


def track_call(call: Call, *, with_id: bool = True) -> list[Any]:
    """The arguments of the track call that *call* becomes."""
    return [call.event, call.params, *([{"event_id": call.event_id}] if with_id else [])]


def code_in(markup: str) -> dict[str, str]:
    """Nonce and code of the script element *markup*, for the fake browser."""
    found = re.fullmatch(r'<script(?: nonce="([^"]*)")?>(.*)</script>', markup, re.DOTALL)
    assert found, "markup is one script element"
    return {"nonce": found[1] or "", "code": found[2]}


def block_in(markup: str) -> str:
    """The text of the data block *markup*."""
    found = re.fullmatch(r'<script type="application/json" id="tiktok-events">(.*)</script>', markup, re.DOTALL)
    assert found, "markup is one data block"
    return found[1]


def data_in(markup: str) -> Any:
    """The data that an inline script pushes."""
    return json.loads(code_in(markup)["code"].rpartition("[]).push(")[2].removesuffix(");"))


def browse(*scripts: str, now: int = NOW, **page: Any) -> dict[str, Any]:
    """Run a page with *scripts* (markup or code) in order. Returns the state of the page afterwards."""
    codes = [code_in(script) if script.startswith("<script") else {"code": script} for script in scripts]
    harness = Path(__file__).with_name("fake_browser.js")
    run = subprocess.run(
        [str(NODE), str(harness)],
        input=json.dumps({"scripts": codes, "now": now, **page}),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    seen: dict[str, Any] = json.loads(run.stdout)
    assert seen["errors"] == [], "the snippet throws nothing"
    return seen


def tracked(seen: dict[str, Any], pixel: str = PIXEL) -> list[list[Any]]:
    """The track calls in a pixel's queue, without the method's name."""
    return [
        entry[1:] for entry in (seen["ttq"] or {"instances": {}})["instances"].get(pixel, ()) if entry[0] == "track"
    ]


def queued_methods(seen: dict[str, Any]) -> list[str]:
    """The methods in the queue of all pixels, in order."""
    return [entry[0] for entry in (seen["ttq"] or {"queue": ()})["queue"]]
