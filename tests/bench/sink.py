"""A server that takes whatever is posted and counts the Purchases in it: `python sink.py [core]`, in a process of its own.

It prints its port. `GET /count` tells how many there were since it was asked last. All who post here get the answer
that TikTok gives, which the others do not read.
"""

from __future__ import annotations

import os
import socket
import sys
import threading

MARK = b'"Purchase"'
"""Stands once in an event, whoever encoded it."""
_TAKEN = b'{"code":0,"message":"OK","request_id":"1","data":{}}'


class Count:
    """How many events came, over all connections."""

    def __init__(self) -> None:
        self._lock, self._number = threading.Lock(), 0

    def add(self, number: int) -> None:
        """Count *number* more."""
        with self._lock:
            self._number += number

    def taken(self) -> int:
        """The number, and begin anew."""
        with self._lock:
            number, self._number = self._number, 0
        return number


def _talk(connection: socket.socket, count: Count) -> None:
    with connection, connection.makefile("rb", buffering=1 << 20) as stream:
        while request := stream.readline():
            length = 0
            while (line := stream.readline()).strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            count.add(stream.read(length).count(MARK))
            body = str(count.taken()).encode() if request.startswith(b"GET /count ") else _TAKEN
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)


def main(core: int | None) -> None:
    """Serve until killed."""
    if core is not None:
        os.sched_setaffinity(0, {core})
    count = Count()
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_talk, args=(connection, count), daemon=True).start()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else None)
