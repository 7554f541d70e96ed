"""Read the pixel calls of a response of any framework."""

from __future__ import annotations

import json
import re
from typing import Any

Call = dict[str, Any]

_HEADER = "TikTok-Events"
# `web._page.pixel` renders a push or a data block; JSON follows directly after either.
_PRINTED = re.compile(
    r'\(window\.tiktokEvents=window\.tiktokEvents\|\|\[\]\)\.push\((?=\{)|<script type="application/json" id="tiktok-events">'
)
_JSON = json.JSONDecoder()


def calls_of(response: object) -> list[Call]:
    """The calls in the scripts and data blocks of *response* (of any framework, or its text), then those of its header."""
    text, calls = _text(response), []
    for found in _PRINTED.finditer(text):
        data, _ = _JSON.raw_decode(text, found.end())
        calls += [_bare(call) for call in data["calls"]]
    header = getattr(response, "headers", {}).get(_HEADER)
    return calls + (json.loads(header) if header else [])


def _bare(call: Call) -> Call:
    return {name: value for name, value in call.items() if name != "keyed"}


def _text(response: Any) -> str:
    """The body of *response*: werkzeug's `get_data`, httpx's `text`, Django's `content`, Starlette's `body`."""
    if hasattr(response, "get_data"):
        response = response.get_data()
    for name in ("text", "content", "body"):
        if not isinstance(response, (str, bytes)):
            response = getattr(response, name, response)
    if isinstance(response, (str, bytes)):
        return response if isinstance(response, str) else response.decode("utf-8", "replace")
    raise TypeError(f"expected a response or its text, not {type(response).__name__}")
