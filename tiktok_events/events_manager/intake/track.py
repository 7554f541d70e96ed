"""`POST event/track/`: answer as TikTok does, or with a scripted fault."""

from __future__ import annotations

import uuid
from typing import Any

import anyio
import attrs
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tiktok_events._checks.body import BodyReport, check_body
from tiktok_events.events_manager.faults import Fault, message_for
from tiktok_events.events_manager.intake.bodies import TooLargeError, read_body
from tiktok_events.events_manager.intake.events import refusal, server_events
from tiktok_events.events_manager.manager import Manager
from tiktok_events.events_manager.security import header_values
from tiktok_events.events_manager.store.received import Received, shown

ABORT = "tiktok_events.abort"
"""Where the scope holds what cuts its connection; `server` puts it there."""


class DroppedError(ConnectionError):
    """Raised instead of cutting the connection, where the server cannot cut it."""


async def track(request: Request) -> Response:
    """Answer one request of a server: with the next fault, or as usual."""
    manager: Manager = request.app.state.manager
    fault = (manager.faults.take() if manager.faults is not None else None) or Fault()
    if fault.drop == "before":
        return _Dropped()
    answer = await _take_in(request, manager) if fault.stores else None
    if fault.delay:
        await anyio.sleep(fault.delay)
    if fault.drop == "after":
        return _Dropped()
    return _injected(fault) if fault.replaces or answer is None else answer


async def _take_in(request: Request, manager: Manager) -> Response:
    """Store the events of *request*, accepted or refused."""
    refused = _Answer(request_id=uuid.uuid4().hex)
    if header_values(request.scope, b"origin"):
        # A server sends no Origin; a request of a page is refused and not stored.
        return attrs.evolve(
            refused, code=40003, status=403, message="a browser may not call this: send events by the pixel"
        ).response()
    token = next((value for name, value in request.scope["headers"] if name == b"access-token"), b"")
    if not manager.accepts_token(token):
        code, status = (40105, 200) if token else (40104, 401)
        return _refuse(manager, attrs.evolve(refused, code=code, status=status, message=message_for(code)))
    try:
        body = await read_body(request)
    except TooLargeError as error:
        return _refuse(manager, attrs.evolve(refused, code=40002, status=413, message=str(error)))
    return _answer_to(check_body(body, now=manager.clock()), manager, refused)


@attrs.frozen
class _Answer:
    request_id: str
    code: int = 0
    status: int = 200
    message: str = "OK"

    def response(self, headers: dict[str, str] | None = None) -> Response:
        body = {"code": self.code, "message": self.message, "request_id": self.request_id, "data": {}}
        return JSONResponse(body, self.status, headers)


def _answer_to(report: BodyReport, manager: Manager, answer: _Answer) -> Response:
    source_id = report.body.get("event_source_id")
    if manager.source_id and isinstance(source_id, str) and source_id and source_id != manager.source_id:
        return _refuse(manager, attrs.evolve(answer, code=40001, message=message_for(40001)), report)
    message = refusal(report)
    if message is not None:
        return _refuse(manager, attrs.evolve(answer, code=40002, message=message), report)
    events = [attrs.evolve(event, request_id=answer.request_id) for event in server_events(report)]
    manager.store.add(events, manager.clock())
    return answer.response()


def _refuse(manager: Manager, answer: _Answer, report: BodyReport | None = None) -> Response:
    """Refuse *request*, and store its events as rejected, or the request itself if its events cannot be read."""
    events = server_events(report) if report else []
    if not events:
        body: dict[str, Any] = report.body if report else {}
        problems = tuple(report.problems[:10]) if report else ()
        source_id = shown(body.get("event_source_id")) or ""
        events = [Received(channel="server", event_source_id=source_id, problems=problems)]
    refused = [
        attrs.evolve(event, key=None, code=answer.code, message=answer.message, request_id=answer.request_id)
        for event in events
    ]
    manager.store.add(refused, manager.clock())
    return answer.response()


def _injected(fault: Fault) -> Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.code is None:
        status = fault.status or 200
        page = (
            f"<html>\n<head><title>{status}</title></head>\n<body><center><h1>{status}</h1></center></body>\n</html>\n"
        )
        return HTMLResponse(page, status, headers)
    answer = _Answer(uuid.uuid4().hex, fault.code, fault.status or 200, message_for(fault.code))
    return answer.response(headers)


class _Dropped(Response):
    """A response that cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As ASGI calls it."""
        if ABORT not in scope:
            raise DroppedError("the connection was dropped, as a fault asked for")
        scope[ABORT]()
        while (await receive())["type"] != "http.disconnect":
            pass
