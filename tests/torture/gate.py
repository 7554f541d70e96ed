"""What stands between a case and its manager, for the answers that the manager has no fault for."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import servers

Answer = tuple[int, bytes]
Behaviour = Callable[[Any, Callable[[], Answer]], object]
"""Answers a request; it is given the handler, whose `body` holds the events, and what asks the manager."""


@contextmanager
def gate(api_url: str, *first: Behaviour, then: Behaviour | None = None) -> Iterator[str]:
    """A base URL in front of *api_url*: the *first* requests meet one behaviour each, all others *then*."""
    turns = iter(first)

    def respond(handler: Any) -> None:
        next(turns, then or pass_on)(handler, lambda: _ask(api_url, handler))

    with servers.listening(respond) as listener:
        yield listener.url


def pass_on(handler: Any, ask: Callable[[], Answer]) -> None:
    """The manager's own answer."""
    status, answer = ask()
    servers.answer_with(handler, answer, status)


def in_drops(handler: Any, ask: Callable[[], Answer]) -> None:
    """The events are taken in, and the answer comes one byte every 50 ms."""
    ask()
    try:
        servers.answer_in_drops(handler)
    except OSError:  # nobody waits that long: that is the case
        handler.close_connection = True


def reset_in_mid_answer(handler: Any, ask: Callable[[], Answer]) -> None:
    """The events are taken in, and the connection is reset after half of the answer."""
    status, answer = ask()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(answer)))
    handler.end_headers()
    handler.wfile.write(answer[: len(answer) // 2])
    handler.wfile.flush()
    time.sleep(0.05)  # or the half is never read
    # Not a goodbye but a reset: what closing does to a socket that may not linger.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def refusing(name: str) -> Behaviour:
    """Refuses a request with an event whose id begins with *name*, and names the index of the first."""

    def behave(handler: Any, ask: Callable[[], Answer]) -> None:
        for index, event in enumerate(handler.body["data"]):
            if event["event_id"].startswith(name):
                message = f"Batch.{index}.properties.value: Not a valid number."
                answer = {"code": 40002, "message": message, "request_id": "r", "data": {}}
                servers.answer_with(handler, json.dumps(answer).encode())
                return
        pass_on(handler, ask)

    return behave


def failing_at(name: str) -> Behaviour:
    """Fails, like a server with a bug, whenever an event whose id begins with *name* is among those sent."""

    def behave(handler: Any, ask: Callable[[], Answer]) -> None:
        if any(event["event_id"].startswith(name) for event in handler.body["data"]):
            servers.answer_with(handler, b"<html>Internal Server Error</html>", 500)
        else:
            pass_on(handler, ask)

    return behave


def _ask(api_url: str, handler: Any) -> Answer:
    parts = urlsplit(api_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        headers = {"Access-Token": handler.headers["Access-Token"], "Content-Type": "application/json"}
        connection.request("POST", handler.path, json.dumps(handler.body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
