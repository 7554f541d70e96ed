"""`GET /i18n/pixel/events.js`: a stand-in for TikTok's pixel script, so that both channels report to the manager.

What the script does is in `static/pixel.js` and `static/identifiers.js`. Where it is not certain what TikTok's does, a
switch decides: for all pages by `create_app(pixel={...})`, for one page by the script's address.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import resources

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager.manager import Manager

SWITCHES: Mapping[str, bool] = {
    "first_party_cookies": True,  # H: on for a pixel, unless its owner turns them off
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
"""What the pixel is not certain to do, and whether the stand-in does it."""

NUMBERS: Mapping[str, tuple[int, int]] = {
    "ttp_days": (390, 400),
    "ttclid_hours": (24, 24 * 400),
    "calling_code": (0, 999),
}
"""The same for amounts: what the stand-in takes, and the most it may be set to."""

_DEFAULTS: Mapping[str, bool | int] = {**SWITCHES, **{name: usual for name, (usual, _most) in NUMBERS.items()}}
_PIXEL = re.compile(r"[A-Z0-9]{10,40}")
_BOOLEANS = {"0": False, "1": True, "false": False, "true": True}
_FILES = resources.files("tiktok_events.events_manager") / "static"
_PARTS = [(_FILES / name).read_text("utf-8") for name in ("identifiers.js", "pixel.js")]
_SCRIPT = "".join(["(function () {\n", *_PARTS, "})();\n"])  # in a scope of its own: pages have names too
_PLACE = "__SWITCHES__"


def pixel_switches(given: Mapping[str, bool | int] | None) -> dict[str, bool | int]:
    """All switches, with those *given* in their places.

    Raises:
        ConfigurationError: If one is unknown, or its value is none it may have.
    """
    for name, value in (given or {}).items():
        if name not in _DEFAULTS:
            raise ConfigurationError(f"pixel has no such switch; there are {', '.join(_DEFAULTS)}")
        if not _fits(name, value):
            raise ConfigurationError(f"the pixel's {name} must be {_wanted(name)}")
    return {**_DEFAULTS, **(given or {})}


async def pixel_script(request: Request) -> Response:
    """Serve the script for the pixel `sdkid`. It may be loaded by any page, as the one whose place it takes."""
    manager: Manager = request.app.state.manager
    codes = request.query_params.getlist("sdkid")
    if len(codes) != 1 or _PIXEL.fullmatch(codes[0]) is None:
        return _refused("sdkid must be a pixel code: 10 to 40 capital letters and digits")
    try:
        switches = {**manager.pixel, **_asked(request.query_params)}
    except ValueError as error:
        return _refused(str(error))
    # Of the request, nothing but switches gets into the script: it reads the code from its own address.
    script = _SCRIPT.replace(_PLACE, json.dumps(switches))
    return Response(script, headers=_FOR_ANY_PAGE, media_type="application/javascript")


_FOR_ANY_PAGE = {"Cross-Origin-Resource-Policy": "cross-origin"}


def _refused(message: str) -> Response:
    return JSONResponse({"error": message}, 400)


def _asked(parameters: Mapping[str, str]) -> dict[str, bool | int]:
    asked: dict[str, bool | int] = {}
    for name in _DEFAULTS.keys() & parameters.keys():
        text = parameters[name]
        is_number = name in NUMBERS and text.isascii() and text.isdigit() and len(text) <= 5
        value = int(text) if is_number else _BOOLEANS.get(text) if name in SWITCHES else None
        if value is None or not _fits(name, value):
            raise ValueError(f"{name} must be {_wanted(name)}")
        asked[name] = value
    return asked


def _fits(name: str, value: object) -> bool:
    if name in SWITCHES:
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= NUMBERS[name][1]


def _wanted(name: str) -> str:
    return "true or false" if name in SWITCHES else f"a whole number from 0 to {NUMBERS[name][1]}"
