"""One event: its copies, their fields side by side, its problems and the answer, as JSON and as a page."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response

from tiktok_events._spec.names import PAGE_VIEW_NAMES
from tiktok_events.events_manager import page
from tiktok_events.events_manager.app_state import AppState, app_state
from tiktok_events.events_manager.intake.request_body import read_json_object
from tiktok_events.events_manager.payload_view import compare, fields_with_value, shortened

_MAX_TYPED = 320


async def event_json(request: Request) -> Response:
    """Return one event with its copies: `GET /api/events/ID`."""
    found = _event(app_state(request), _number(request))
    return JSONResponse({"error": "no such event"}, 404) if found is None else JSONResponse(found)


async def event_page(request: Request) -> Response:
    """Render one event."""
    state, number = app_state(request), _number(request)
    found = _event(state, number)
    if found is None:
        return PlainTextResponse("no such event: it was cleared, or removed for newer ones", 404)
    findings = [one for one in state.store.findings(state.clock()) if number in one.events]
    context = {**page.shared(state), **found, "here": "", "event_findings": findings, "snippets": _snippets(found)}
    return HTMLResponse(page.TEMPLATES.get_template("event.html").render(context))


async def check_value(request: Request) -> Response:
    """Tell which fields of an event have the digest of a text. Nothing of it is kept: `POST /api/check-value`."""
    wanted = await read_json_object(request)
    number, typed = wanted.get("event"), wanted.get("value")
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(typed, str):
        raise ValueError('send {"event": EVENT_ID, "value": "TEXT"}')  # noqa: TRY004 (as for any other body)
    if len(typed) > _MAX_TYPED:
        raise ValueError(f"value must have at most {_MAX_TYPED} characters")
    payloads = app_state(request).store.payloads_of(number)
    return JSONResponse({"fields": sorted({name for one in payloads for name in fields_with_value(one, typed)})})


def _number(request: Request) -> int:
    """The id in the address; 0, which no event has, if it is not a number."""
    text = request.path_params["number"]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else 0


def _event(state: AppState, number: int) -> dict[str, Any] | None:
    copies = state.store.copies_of(number)
    event = next((copy for copy in copies if copy["id"] == number), None)
    if event is None:
        return None
    for copy in copies:
        payload = copy.pop("payload")
        copy["payload"] = None if payload is None else shortened(payload)
    first, by_channel = copies[0], {copy["channel"]: copy for copy in reversed(copies)}
    payloads = {channel: copy["payload"] for channel, copy in by_channel.items()}
    fields = compare(payloads.get("browser"), payloads.get("server"), first["channel"])
    return {
        "event": event,
        "copies": copies,
        "fields": [
            {
                "path": one.path,
                "browser": one.browser,
                "server": one.server,
                "kept": one.kept,
                "differs": one.differs,
            }
            for one in fields
        ],
        "delay": copies[1]["received_at"] - first["received_at"] if len(copies) > 1 else None,
        **state.store.neighbours(number),
    }


def _asserted(event: dict[str, Any]) -> list[str]:
    named = {"value": event["value"], "currency": event["currency"]}
    return [f"{name}={value!r}" for name, value in named.items() if value is not None]


def _snippets(found: dict[str, Any]) -> dict[str, str]:
    """The event as text to copy."""
    event, first = found["event"], found["copies"][0]
    name, event_id = json.dumps(event["event"] or ""), json.dumps(event["event_id"] or "")
    payload = json.dumps(first["payload"] or {}, indent=2, ensure_ascii=False)
    arguments = [name]
    arguments += [f"event_id={event_id}"] if event["event_id"] else []
    properties = (first["payload"] or {}).get("properties") or {}
    arguments += [f"properties={properties!r}"] if properties and event["event"] not in PAGE_VIEW_NAMES else []
    return {
        "JSON": payload,
        "Python": f"request.tiktok.track({', '.join(arguments)})",
        "pytest": f"tiktok_events.assert_sent({', '.join([name, *_asserted(event)])})",
    }
