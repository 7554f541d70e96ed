"""A TikTok on a real socket of this machine, for what a fake transport cannot show."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OK = b'{"code":0,"message":"OK","request_id":"r1","data":{}}'


class Listener(ThreadingHTTPServer):
    """Answers every POST with code 0, or as `respond` says; `bodies` holds what came."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, respond: Callable[[BaseHTTPRequestHandler], None] | None = None) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.tokens: list[str | None] = []
        self.respond = respond or answer_ok
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """Its address, as a base URL."""
        return f"http://127.0.0.1:{self.server_port}/open_api/v1.3"

    @property
    def event_ids(self) -> list[str]:
        """The ids of all events that came, in order of arrival."""
        return [event["event_id"] for body in self.bodies for event in body["data"]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Listener
    body: dict[str, Any]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.tokens.append(self.headers["Access-Token"])
        self.body = json.loads(body)
        self.server.bodies.append(self.body)
        self.server.respond(self)

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        self.server.tokens.append(self.headers["Access-Token"])
        answer_ok(self)

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


def answer_ok(handler: BaseHTTPRequestHandler) -> None:
    """Code 0."""
    answer_with(handler, OK)


def answer_with(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """Any answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def answer_in_drops(handler: BaseHTTPRequestHandler) -> None:
    """One byte every 50 ms, for as long as somebody reads."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(OK)))
    handler.end_headers()
    for byte in OK:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.05)


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def listening(respond: Callable[[BaseHTTPRequestHandler], None] | None = None) -> Iterator[Listener]:
    """A listener on a free port, for as long as the block lasts."""
    with Listener(respond) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()


def closed_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
