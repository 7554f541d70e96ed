"""`POST /api/v2/pixel/act`: receive browser events, from pages on this machine."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tiktok_events.events_manager.app_state import AppState, app_state
from tiktok_events.events_manager.intake.browser_event import browser_event
from tiktok_events.events_manager.intake.request_body import BodyTooLargeError, read_body
from tiktok_events.events_manager.security import header_values, is_local_origin
from tiktok_events.events_manager.store.received_event import ReceivedEvent

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
}


async def pixel_act(request: Request) -> Response:
    """Store one browser event.

    A request with an Origin must come from a page on this machine. A request without one does not come from a page,
    and is accepted.
    """
    state = app_state(request)
    origins = header_values(request.scope, b"origin")
    if origins and not is_local_origin(origins, state.hosts):
        return JSONResponse(
            {"error": "only pages on this machine, or on a host of allowed_hosts, may send events here"}, 403
        )
    headers = _cors_headers(origins)
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={**headers, **_PREFLIGHT})
    try:
        agent = request.headers.get("user-agent", "")
        event = browser_event(await read_body(request), now=state.clock(), user_agent=agent)
    except BodyTooLargeError as error:
        return _reject(state, str(error), 413, headers)
    except ValueError:
        return _reject(state, "The body is not a JSON object", 400, headers)
    state.store.add([event], state.clock())
    return JSONResponse({"code": 0, "message": "OK"}, headers=headers)


def _reject(state: AppState, message: str, status: int, headers: dict[str, str]) -> Response:
    event = ReceivedEvent(channel="browser", event_source="web", code=40002, message=message)
    state.store.add([event], state.clock())
    return JSONResponse({"code": 40002, "message": message}, status, headers)


def _cors_headers(origins: list[str]) -> dict[str, str]:
    # Requests without CORS (no-cors, sendBeacon) must succeed too.
    headers = {"Vary": "Origin", "Cross-Origin-Resource-Policy": "cross-origin"}
    if origins:
        # sendBeacon always sends credentials, so they must be allowed. The manager sets no cookies.
        headers |= {"Access-Control-Allow-Origin": origins[0], "Access-Control-Allow-Credentials": "true"}
    return headers
