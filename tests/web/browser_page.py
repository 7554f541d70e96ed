"""Pages run in node, as far as a pixel snippet can tell a browser."""

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
    """What a page of the example pixel with *calls* is made of."""
    made: Any = {"pixel_code": PIXEL, "calls": calls, "generated_at_ms": NOW, **others}
    return made  # type: ignore[no-any-return]


def twin(call: Call, *, with_id: bool = True) -> list[Any]:
    """The track call that *call* becomes."""
    return [call.event, call.params, *([{"event_id": call.event_id}] if with_id else [])]


def code_in(markup: str) -> dict[str, str]:
    """The script element of *markup*, as the fake browser takes it."""
    found = re.fullmatch(r'<script(?: nonce="([^"]*)")?>(.*)</script>', markup, re.DOTALL)
    assert found, "markup is one script element"
    return {"nonce": found[1] or "", "code": found[2]}


def block_in(markup: str) -> str:
    """The text of the data block that *markup* is."""
    found = re.fullmatch(r'<script type="application/json" id="tiktok-events">(.*)</script>', markup, re.DOTALL)
    assert found, "markup is one data block"
    return found[1]


def data_in(markup: str) -> Any:
    """What an inline script pushes."""
    return json.loads(code_in(markup)["code"].rpartition("[]).push(")[2].removesuffix(");"))


def browse(*scripts: str, now: int = NOW, **page: Any) -> dict[str, Any]:
    """Open a page with *scripts* (markup or code), in order, and tell what became of it."""
    codes = [code_in(one) if one.startswith("<script") else {"code": one} for one in scripts]
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
    assert seen["errors"] == [], "a snippet raises nothing"
    return seen


def tracked(seen: dict[str, Any], pixel: str = PIXEL) -> list[list[Any]]:
    """The track calls in a pixel's queue, without the method's name."""
    return [
        entry[1:] for entry in (seen["ttq"] or {"instances": {}})["instances"].get(pixel, ()) if entry[0] == "track"
    ]


def said(seen: dict[str, Any]) -> list[str]:
    """The methods in the common queue, in order."""
    return [entry[0] for entry in (seen["ttq"] or {"queue": ()})["queue"]]
