"""`POST event/track/`: check the request, store its events, and respond as TikTok does or with a scripted fault."""

from __future__ import annotations

import anyio
import attrs
from starlette.requests import Request
from starlette.responses import Response

from tiktok_events._checks.body import BodyReport, check_body
from tiktok_events.events_manager.app_state import AppState, app_state
from tiktok_events.events_manager.intake.error_message import error_message
from tiktok_events.events_manager.intake.request_body import BodyTooLargeError, read_body
from tiktok_events.events_manager.intake.server_events import server_events
from tiktok_events.events_manager.intake.track_response import (
    DropConnection,
    TrackResponse,
    fault_response,
    message_for,
)
from tiktok_events.events_manager.security import header_values
from tiktok_events.events_manager.store.received_event import ReceivedEvent

_NO_BODY = BodyReport([])


async def track(request: Request) -> Response:
    """Respond to one request with the next fault if there is one, or as usual."""
    state = app_state(request)
    fault = state.next_fault()
    if fault.drop == "before":
        return DropConnection()
    response = await _receive(request, state) if fault.stores else None
    if fault.delay:
        await anyio.sleep(fault.delay)
    if fault.drop == "after":
        return DropConnection()
    return fault_response(fault) if response is None or fault.replaces else response.render()


async def _receive(request: Request, state: AppState) -> TrackResponse:
    """Check *request*, store its events, and return the usual response."""
    if header_values(request.scope, b"origin"):
        # Servers send no Origin. A request from a page is refused, and its events are not stored.
        return TrackResponse(40003, "a browser may not call this endpoint: send its events with the pixel", 403)
    response, report = await _check(request, state)
    events = [_with_response(event, response) for event in server_events(report)]
    state.store.add(events, state.clock())
    return response


async def _check(request: Request, state: AppState) -> tuple[TrackResponse, BodyReport]:
    """Check token, size and body of *request*. The report is empty if the body is not read."""
    token = next((value for name, value in request.scope["headers"] if name == b"access-token"), b"")
    if not state.accepts_token(token):
        code, status = (40105, 200) if token else (40104, 401)
        return TrackResponse(code, message_for(code), status), _NO_BODY
    try:
        body = await read_body(request)
    except BodyTooLargeError as error:
        return TrackResponse(40002, str(error), 413), _NO_BODY
    report = check_body(body, now=state.clock())
    return _response_to(report, state.source_id), report


def _response_to(report: BodyReport, source_id: str | None) -> TrackResponse:
    given = report.body.get("event_source_id")
    if source_id and isinstance(given, str) and given and given != source_id:
        return TrackResponse(40001, message_for(40001))
    message = error_message(report)
    return TrackResponse() if message is None else TrackResponse(40002, message)


def _with_response(event: ReceivedEvent, response: TrackResponse) -> ReceivedEvent:
    # Rejected events have no key: they must not make a corrected event a duplicate.
    keys = {"key": event.key, "ttp_key": event.ttp_key} if response.code == 0 else {"key": None, "ttp_key": None}
    return attrs.evolve(event, **keys, code=response.code, message=response.message, request_id=response.request_id)
