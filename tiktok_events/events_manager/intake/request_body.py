"""Read a request body, up to a size limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request

from tiktok_events._runtime import json_codec

MAX_BODY = 16_000_000
"""Bytes. TikTok documents no limit; this one bounds the manager's memory."""

_MAX_DRAINED = 4 * MAX_BODY


class BodyTooLargeError(ValueError):
    """The request body is larger than `MAX_BODY`."""

    def __init__(self) -> None:
        super().__init__(f"The request body is larger than {MAX_BODY // 1_000_000} MB")


async def read_body(request: Request) -> bytes:
    """Return the body of *request*; empty if the client disconnects before its end, so that no part is stored.

    Raises:
        BodyTooLargeError: If the body is larger than `MAX_BODY`.
    """
    received, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= MAX_BODY:
                received += chunk
            elif size > _MAX_DRAINED:
                break
    except ClientDisconnect:
        return b""
    # The rest is read before the error is raised: a client that is still sending would not see the response, because
    # the connection would be reset.
    if size > MAX_BODY:
        raise BodyTooLargeError
    return bytes(received)


async def read_json_object(request: Request) -> Mapping[str, Any]:
    """Return the body of *request* as a JSON object.

    Raises:
        BodyTooLargeError: If the body is larger than `MAX_BODY`.
        ValueError: If it is no JSON object.
    """
    try:
        wanted = json_codec.loads(await read_body(request))
    except BodyTooLargeError:
        raise
    except ValueError:
        raise ValueError("send a JSON object") from None
    if not isinstance(wanted, dict):
        raise ValueError("send a JSON object")  # noqa: TRY004 (the text is wrong, not its type)
    return wanted
