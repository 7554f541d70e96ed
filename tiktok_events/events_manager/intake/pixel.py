"""`POST /api/v2/pixel/act`: browser events, from pages on this machine."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tiktok_events.events_manager.intake.bodies import TooLargeError, read_body
from tiktok_events.events_manager.intake.events import browser_event
from tiktok_events.events_manager.manager import Manager
from tiktok_events.events_manager.security import header_values, is_local_origin
from tiktok_events.events_manager.store.received import Received


async def pixel(request: Request) -> Response:
    """Receive one browser event. Its page must be on this machine; a request without an Origin is not from a browser."""
    manager: Manager = request.app.state.manager
    origins = header_values(request.scope, b"origin")
    if origins and not is_local_origin(origins, manager.hosts):
        return JSONResponse({"error": "only pages on this machine may send events here"}, 403)
    headers = _cors(origins)
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={**headers, **_PREFLIGHT})
    try:
        event = browser_event(await read_body(request), now=manager.clock())
    except TooLargeError as error:
        return _refused(manager, str(error), 413, headers)
    except ValueError:
        return _refused(manager, "The body is not a JSON object", 400, headers)
    manager.store.add([event], manager.clock())
    return JSONResponse({"code": 0, "message": "OK"}, headers=headers)


def _refused(manager: Manager, message: str, status: int, headers: dict[str, str]) -> Response:
    manager.store.add([Received(channel="browser", event_source="web", code=40002, message=message)], manager.clock())
    return JSONResponse({"code": 40002, "message": message}, status, headers)


_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
}


def _cors(origins: list[str]) -> dict[str, str]:
    # Requests without CORS (no-cors, sendBeacon) must succeed too.
    headers = {"Vary": "Origin", "Cross-Origin-Resource-Policy": "cross-origin"}
    if origins:
        # sendBeacon always sends credentials. There are none: the manager sets no cookie.
        headers |= {"Access-Control-Allow-Origin": origins[0], "Access-Control-Allow-Credentials": "true"}
    return headers
