"""HTML pages of the Events Manager. Jinja2 escapes every value; no script or style is inline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from tiktok_events._spec.currencies import MINOR_UNITS
from tiktok_events.events_manager.app_state import AppState, app_state
from tiktok_events.events_manager.diagnostics.diagnose import NEWEST
from tiktok_events.events_manager.diagnostics.doubles import DOUBLES
from tiktok_events.events_manager.environment import by_shell, local_variables
from tiktok_events.events_manager.store.event_store import EventList
from tiktok_events.events_manager.store.received_event import MATCH_KEYS

MAX_ROWS = 200

_PACKAGE = "tiktok_events.events_manager"

_FILES = {
    "manager.css": "text/css",
    "manager.js": "text/javascript",
    "event.js": "text/javascript",
    "mark.svg": "image/svg+xml",
}
_STATIC = {name: (resources.files(_PACKAGE) / "static" / name).read_bytes() for name in _FILES}


def clock_time(seconds: float | None) -> str:
    """Return *seconds* as a UTC time that JavaScript can read; empty for an invalid time."""
    try:
        return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""


def amount(value: float, currency: str | None) -> str:
    """Return *value* with thousands separators, and the decimals of *currency*."""
    return f"{value:,.{MINOR_UNITS.get(currency or '', 2)}f}"


def percent(part: float, whole: float) -> float:
    """Return *part* in percent of *whole*; 0 if *whole* is 0."""
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


TEMPLATES = _environment()


async def index(request: Request) -> Response:
    """Render the page with the newest events; it works without JavaScript."""
    state = app_state(request)
    listed = state.store.events(limit=MAX_ROWS)
    address = f"{request.url.scheme}://{request.headers['host']}"
    shells = by_shell(local_variables(address, state.source_id))
    context = {**_context(state, listed), "shells": shells, "here": "/"}
    return HTMLResponse(TEMPLATES.get_template("index.html").render(context))


async def rows(request: Request) -> Response:
    """Render the changes since the cursor `after`; 204 if there are none."""
    state = app_state(request)
    try:
        after = integer(request.query_params, "after", default=0)
    except ValueError as error:
        return PlainTextResponse(str(error), 400)
    listed = state.store.events(after=after, limit=MAX_ROWS)
    if listed.cursor == after and not listed.events:
        return Response(status_code=204, headers={"Oldest-Event": str(listed.oldest)})
    return HTMLResponse(TEMPLATES.get_template("rows.html").render(_context(state, listed)))


async def findings(request: Request) -> Response:
    """Render the open findings, for the first page."""
    return HTMLResponse(TEMPLATES.get_template("findings.html").render(shared(app_state(request))))


async def diagnostics(request: Request) -> Response:
    """Render all findings."""
    context = {**shared(app_state(request)), "here": "/diagnostics", "newest": NEWEST}
    return HTMLResponse(TEMPLATES.get_template("diagnostics.html").render(context))


async def static(request: Request) -> Response:
    """Serve the page's own files."""
    name = request.path_params["name"]
    if name not in _STATIC:
        return PlainTextResponse("no such file", 404)
    return Response(_STATIC[name], media_type=_FILES[name])


def integer(parameters: Mapping[str, str], name: str, *, default: int, maximum: int = 2**53) -> int:
    """Read the integer *name* of a query string.

    Raises:
        ValueError: If it is not a whole number from 0 to *maximum*.
    """
    text = parameters.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and int(text) <= maximum):
        raise ValueError(f"{name} must be a whole number from 0 to {maximum}")
    return int(text)


def _context(state: AppState, listed: EventList) -> dict[str, Any]:
    kept = [event for event in listed.events if event["outcome"] != "merged"]
    merged = state.store.merged_copies(event["id"] for event in kept)
    for event in kept:
        event["merged_copy"] = merged.get(event["id"])
    return {
        "events": list(reversed(kept)),
        "cursor": listed.cursor,
        "oldest": listed.oldest,
        "summary": state.store.summary(),
        **shared(state),
    }


def shared(state: AppState) -> dict[str, Any]:
    """What the pages share: findings, the number of events, and settings of the header."""
    found = state.store.findings(state.clock())
    doubles = [one for one in found if one.id in DOUBLES and one.state == "open"]
    return {
        "findings": found,
        "received": state.store.received(),
        "suspects": {number: one.title for one in doubles for number in one.events},
        "source_id": state.source_id,
        "faults": state.faults_enabled,
    }
