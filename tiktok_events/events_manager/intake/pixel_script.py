"""`GET /i18n/pixel/events.js`: a stand-in for TikTok's pixel script, so that both channels report to the manager.

The code is in `static/pixel.js` and `static/identifiers.js`. Where the behaviour of TikTok's script is not certain, a
switch selects it: `create_app(pixel={...})` for all pages, the query string of the script's URL for one page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import resources

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager.app_state import app_state

SWITCHES: Mapping[str, bool] = {
    "first_party_cookies": True,  # H: on by default; the owner of a pixel can turn them off
    "writes_ttp": True,
    "writes_ttclid": True,
    "cookies_while_held": False,
    "deletes_cookies": False,
    "keeps_denied": False,
    "history_observer": True,
    "hashes_plain": True,
    "detects_digests": True,
    "folds_gmail": False,
    "wide_identify": True,
    "id_in_params": False,
    "id_in_page": False,
    "calls_ready": False,
    "callable_queue": False,
}
"""Behaviour that is not certain for TikTok's script, and whether the stand-in shows it by default."""

NUMBERS: Mapping[str, tuple[int, int]] = {
    "ttp_days": (390, 400),
    "ttclid_hours": (24, 24 * 400),
    "calling_code": (0, 999),
}
"""Numeric switches: the default, and the maximum."""

_DEFAULTS: Mapping[str, bool | int] = {**SWITCHES, **{name: default for name, (default, _maximum) in NUMBERS.items()}}
_PIXEL = re.compile(r"[A-Z0-9]{10,40}")
_BOOLEANS = {"0": False, "1": True, "false": False, "true": True}
_FILES = resources.files("tiktok_events.events_manager") / "static"
_PARTS = [(_FILES / name).read_text("utf-8") for name in ("identifiers.js", "pixel.js")]
_SCRIPT = "".join(["(function () {\n", *_PARTS, "})();\n"])  # a function scope, so that no name clashes with the page's
_PLACEHOLDER = "__SWITCHES__"


def pixel_switches(given: Mapping[str, bool | int] | None) -> dict[str, bool | int]:
    """Return all switches; those *given* replace the defaults.

    Raises:
        ConfigurationError: If a switch is unknown, or its value is invalid.
    """
    for name, value in (given or {}).items():
        if name not in _DEFAULTS:
            raise ConfigurationError(f"pixel= has an unknown switch; the switches are {', '.join(_DEFAULTS)}")
        if not _is_valid(name, value):
            raise ConfigurationError(f"the pixel's {name} must be {_expected(name)}")
    return {**_DEFAULTS, **(given or {})}


async def pixel_script(request: Request) -> Response:
    """Serve the script for the pixel `sdkid`. Pages of any origin may load it, as they may load TikTok's."""
    codes = request.query_params.getlist("sdkid")
    if len(codes) != 1 or _PIXEL.fullmatch(codes[0]) is None:
        return _bad_request("sdkid must be a pixel code: 10 to 40 capital letters and digits")
    try:
        switches = {**app_state(request).pixel, **_switches_in(request.query_params)}
    except ValueError as error:
        return _bad_request(str(error))
    # Only switches of the request get into the script. The script reads the pixel code from its own URL.
    script = _SCRIPT.replace(_PLACEHOLDER, json.dumps(switches))
    return Response(script, headers=_FOR_ANY_PAGE, media_type="application/javascript")


_FOR_ANY_PAGE = {"Cross-Origin-Resource-Policy": "cross-origin"}


def _bad_request(message: str) -> Response:
    return JSONResponse({"error": message}, 400)


def _switches_in(parameters: Mapping[str, str]) -> dict[str, bool | int]:
    switches: dict[str, bool | int] = {}
    for name in _DEFAULTS.keys() & parameters.keys():
        text = parameters[name]
        is_number = name in NUMBERS and text.isascii() and text.isdigit() and len(text) <= 5
        value = int(text) if is_number else _BOOLEANS.get(text) if name in SWITCHES else None
        if value is None or not _is_valid(name, value):
            raise ValueError(f"{name} must be {_expected(name)}")
        switches[name] = value
    return switches


def _is_valid(name: str, value: object) -> bool:
    if name in SWITCHES:
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= NUMBERS[name][1]


def _expected(name: str) -> str:
    return "true or false" if name in SWITCHES else f"a whole number from 0 to {NUMBERS[name][1]}"
