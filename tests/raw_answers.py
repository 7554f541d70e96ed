"""A server that writes answers byte by byte, for answers that no HTTP library sends.

Each request takes the next of the scripted answers; when they are used up, requests are answered as TikTok does.
"""

from __future__ import annotations

import json
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

OK = b'{"code":0,"message":"OK","request_id":"r1","data":{}}'
HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
COMPLETE = HEADERS + b"Content-Length: %d\r\n\r\n" % len(OK) + OK
PAUSE = 0.02
"""Seconds between two parts of an answer that drips."""
_LONGEST = 20.0
"""Seconds after which a server ends an answer itself, so that a failing test ends."""
Send = Callable[[bytes], object]
Answer = Callable[[Any], None]
"""Writes an answer to a connection. It raises OSError when the client has closed it."""


def drips(start: bytes, *parts: bytes, pause: float = PAUSE) -> Answer:
    """*start*, then *parts* again and again."""

    def answer(connection: Any) -> None:
        connection.sendall(start)
        until = time.monotonic() + _LONGEST
        while time.monotonic() < until:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)

    return answer


def says(*parts: bytes, then_close: bool = False) -> Answer:
    """*parts*, then nothing; the connection stays open unless *then_close*."""

    def answer(connection: Any) -> None:
        connection.sendall(b"".join(parts))
        if not then_close:
            _wait_for_end(connection)

    return answer


def complete(headers: bytes, body: bytes) -> Answer:
    """An answer of *headers* and *body*, after which the connection takes the next request."""

    def answer(connection: Any) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (headers, len(body), body))

    answer.is_complete = True  # type: ignore[attr-defined]
    return answer


def _wait_for_end(connection: Any) -> None:
    connection.settimeout(_LONGEST)
    while connection.recv(65_536):
        pass
    raise ConnectionResetError("the client has closed the connection")


def compressed(size: int, *wbits: int) -> bytes:
    """*size* zeros, compressed once for each of *wbits*: 31 is gzip, 15 and -15 are what is called deflate."""
    body: bytes = b""
    for number, one in enumerate(wbits):
        packer = zlib.compressobj(9, wbits=one)
        parts = (
            [packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000)]
            if not number
            else [packer.compress(body)]
        )
        body = b"".join([*parts, packer.flush()])
    return body


class RawServer:
    """Answers requests with *answers*, then as TikTok does. `event_ids` has the events of requests answered in full."""

    def __init__(self, answers: Sequence[Answer], wrap: Callable[[socket.socket], Any] = lambda raw: raw) -> None:
        self._answers, self._wrap, self._lock = list(answers), wrap, threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/open_api/v1.3"
        self.event_ids: list[str] = []
        self.connections = 0
        self.requests = 0
        self.closed_by_client = 0
        self._open: set[Any] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                raw, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with raw, suppress(OSError, ValueError), closing(self._wrap(raw)) as connection:
            self._open.add(connection)
            while (answer := self._next(connection)) is not None:
                try:
                    answer(connection)
                except OSError:
                    self.closed_by_client += 1
                if not getattr(answer, "is_complete", False):
                    break
            self._open.discard(connection)

    def _next(self, connection: Any) -> Answer | None:
        """Answer requests as TikTok does until a scripted answer is due. None when the client has closed."""
        while True:
            if (answer := self._take(is_early=True)) is not None:
                return answer
            body = _request_body(connection)
            if body is None:
                return None
            self.requests += 1
            if (answer := self._take()) is not None:
                return answer
            self.event_ids += [event["event_id"] for event in json.loads(body)["data"]]
            connection.sendall(COMPLETE)

    def _take(self, *, is_early: bool = False) -> Answer | None:
        with self._lock:
            if not self._answers or (is_early and not getattr(self._answers[0], "is_early", False)):
                return None
            return self._answers.pop(0)

    def script(self, *answers: Answer) -> None:
        """Answer the next requests with *answers*."""
        with self._lock:
            self._answers += answers

    def close(self) -> None:
        """Close everything."""
        self._listener.close()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _request_body(connection: Any) -> bytes | None:
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(65_536)
        if not data:
            return None
        received += data
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(body) < length:
        data = connection.recv(65_536)
        if not data:
            return None
        body += data
    return body


def early(answer: Answer) -> Answer:
    """*answer* without reading the request."""
    answer.is_early = True  # type: ignore[attr-defined]
    return answer


@contextmanager
def raw_server(*answers: Answer, wrap: Callable[[socket.socket], Any] = lambda raw: raw) -> Iterator[RawServer]:
    """A `RawServer` for as long as the block lasts."""
    server = RawServer(answers, wrap)
    try:
        yield server
    finally:
        server.close()
