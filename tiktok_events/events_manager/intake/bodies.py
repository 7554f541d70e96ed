"""Read a request body, up to a limit."""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request

LARGEST_BODY = 16_000_000
"""Bytes. TikTok documents no limit; this one keeps the manager's memory bounded."""

_WORTH_DRAINING = 4 * LARGEST_BODY


class TooLargeError(ValueError):
    """The body is over the limit."""

    def __init__(self) -> None:
        super().__init__(f"The request body is larger than {LARGEST_BODY // 1_000_000} MB")


async def read_body(request: Request) -> bytes:
    """Return the body of *request*; empty if its sender hung up half-way, so that nothing is made of a part.

    Raises:
        TooLargeError: If it is over the limit.
    """
    received, size = bytearray(), 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size <= LARGEST_BODY:
                received += chunk
            elif size > _WORTH_DRAINING:
                break
    except ClientDisconnect:
        return b""
    # Read more before refusing: an answer during the upload is lost when the connection is reset.
    if size > LARGEST_BODY:
        raise TooLargeError
    return bytes(received)
