"""The response of `POST event/track/`: TikTok's JSON envelope, or a scripted fault."""

from __future__ import annotations

import uuid

import attrs
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

from tiktok_events._spec.codes import code_for
from tiktok_events.events_manager.faults import Fault

ABORT = "tiktok_events.abort"
"""Key in the ASGI scope of the function that cuts the connection; `server.py` sets it."""

_RECORDED_MESSAGES = {
    0: "OK",
    40001: "No permission to operate pixel code",
    40100: "Too many requests. Please retry in some time.",
    40104: "Access token is null, you should set it in http header with key Access-Token.",
    40105: "Access token is incorrect or has been revoked.",
}
"""Messages of TikTok, as recorded."""


def message_for(code: int) -> str:
    """Return TikTok's recorded message for *code*, or the meaning of the code."""
    return _RECORDED_MESSAGES.get(code) or code_for(code, 200).meaning


@attrs.frozen
class TrackResponse:
    """The fields of TikTok's response, and its HTTP status."""

    code: int = 0
    message: str = "OK"
    status: int = 200
    request_id: str = attrs.field(factory=lambda: uuid.uuid4().hex)

    def render(self, headers: dict[str, str] | None = None) -> Response:
        """Return the HTTP response."""
        body = {"code": self.code, "message": self.message, "request_id": self.request_id, "data": {}}
        return JSONResponse(body, self.status, headers)


def fault_response(fault: Fault) -> Response:
    """Return the response that *fault* describes: TikTok's envelope, or an HTML page without a code."""
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    status = fault.status or 200
    if fault.code is not None:
        return TrackResponse(fault.code, message_for(fault.code), status).render(headers)
    page = f"<html>\n<head><title>{status}</title></head>\n<body><center><h1>{status}</h1></center></body>\n</html>\n"
    return HTMLResponse(page, status, headers)


class ConnectionDroppedError(ConnectionError):
    """A fault drops the connection, and the server cannot cut it (as in a test without a socket)."""


class DropConnection(Response):
    """A response that cuts the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection and wait for its end."""
        if ABORT not in scope:
            raise ConnectionDroppedError("a fault dropped the connection")
        scope[ABORT]()
        while (await receive())["type"] != "http.disconnect":
            pass
