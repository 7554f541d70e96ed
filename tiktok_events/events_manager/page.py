"""The page with the stream of events. Jinja2 escapes everything; no script or style is inline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from tiktok_events._spec.currencies import MINOR_UNITS
from tiktok_events.events_manager.manager import Manager
from tiktok_events.events_manager.store.received import MATCH_KEYS
from tiktok_events.events_manager.store.store import Page

MOST_ROWS = 200

_PACKAGE = "tiktok_events.events_manager"

_FILES = {
    "manager.css": "text/css",
    "manager.js": "text/javascript",
    "mark.svg": "image/svg+xml",
}
_STATIC = {name: (resources.files(_PACKAGE) / "static" / name).read_bytes() for name in _FILES}


def clock_time(seconds: float | None) -> str:
    """*seconds* as a UTC time that JavaScript can read; empty for an invalid time."""
    try:
        return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""


def amount(value: float, currency: str | None) -> str:
    """*value* with thousands set apart, and as many decimals as money has in *currency*."""
    return f"{value:,.{MINOR_UNITS.get(currency or '', 2)}f}"


def percent(part: float, whole: float) -> float:
    """*part* of *whole* in percent; 0 of nothing."""
    return round(100 * part / whole, 2) if whole else 0.0


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader(_PACKAGE),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters.update(clock_time=clock_time, amount=amount)
    environment.globals.update(percent=percent, match_keys=MATCH_KEYS)
    return environment


_TEMPLATES = _environment()


async def index(request: Request) -> Response:
    """Render the page with the newest events; it works without JavaScript."""
    manager: Manager = request.app.state.manager
    shown = manager.store.events(limit=MOST_ROWS)
    base_url = f"{request.url.scheme}://{request.headers['host']}/open_api/v1.3"
    context = {**_context(manager, shown), "base_url": base_url, "faults": manager.faults is not None}
    return HTMLResponse(_TEMPLATES.get_template("index.html").render(context))


async def rows(request: Request) -> Response:
    """Render the changes since the cursor `after`; 204 if there are none."""
    manager: Manager = request.app.state.manager
    try:
        after = whole(request.query_params, "after", default=0)
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    shown = manager.store.events(after=after, limit=MOST_ROWS)
    if shown.cursor == after and not shown.events:
        return Response(status_code=204, headers={"Oldest-Event": str(shown.oldest)})
    return HTMLResponse(_TEMPLATES.get_template("rows.html").render(_context(manager, shown)))


async def static(request: Request) -> Response:
    """Serve the page's own files."""
    name = request.path_params["name"]
    if name not in _STATIC:
        return PlainTextResponse("no such file", 404)
    return Response(_STATIC[name], media_type=_FILES[name])


def whole(parameters: Mapping[str, str], name: str, *, default: int, most: int = 2**53) -> int:
    """Read the whole number *name* of a query string.

    Raises:
        ValueError: If it is no whole number from 0 to *most*.
    """
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= most):
        raise ValueError(f"{name} must be a whole number from 0 to {most}")
    return int(text)


def _context(manager: Manager, shown: Page) -> dict[str, Any]:
    kept = [event for event in shown.events if event["outcome"] != "merged"]
    merged = manager.store.merged_into(event["id"] for event in kept)
    for event in kept:
        event["twin"] = merged.get(event["id"])
    return {
        "events": list(reversed(kept)),
        "cursor": shown.cursor,
        "oldest": shown.oldest,
        "summary": manager.store.summary(),
        "source_id": manager.source_id,
    }
