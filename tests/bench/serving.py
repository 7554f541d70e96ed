"""What the middleware adds to uvicorn: CPU time of the server, as the system counts it, per keep-alive request."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import interleave as il
import visitors
import wrapped

CELLS = [
    ("bare", "returning"),
    ("bare", "new"),
    ("no-op", "returning"),
    ("off", "returning"),
    ("ours", "returning"),
    ("ours", "new"),
    ("adapter", "returning"),
    ("asgi-correlation-id", "returning"),
    ("SessionMiddleware", "returning"),
    ("capi-param-builder", "returning"),
    ("capi-param-builder", "new"),
]
_CONNECTIONS = 8
_END = wrapped.HTML.encode()


def serve(name: str) -> None:
    """Serve the app called *name* on a free port of the loopback, and print the port."""
    import uvicorn

    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        wrapped.ASGI[name](), http="httptools", loop="uvloop", access_log=False, log_level="error", lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[listener])


class Server:
    """A server in a process of its own, and the connections that are kept to it."""

    def __init__(self, port: int, stack: ExitStack) -> None:
        self.sockets = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(_CONNECTIONS)
        ]

    def ask(self, request: bytes, times: int) -> None:
        """Send *request* over every connection, and wait for the answers, *times* over."""
        for _ in range(times):
            for one in self.sockets:
                one.sendall(request)
            for one in self.sockets:
                _answer(one, _END)

    def cpu(self) -> float:
        """CPU seconds of its process so far."""
        self.sockets[0].sendall(b"GET /cpu HTTP/1.1\r\nhost: shop.example.com\r\naccept: */*\r\n\r\n")
        body = _answer(self.sockets[0], b"").partition(b"\r\n\r\n")[2]
        return float(body)


def _answer(connection: socket.socket, end: bytes) -> bytes:
    answer = b""
    while not answer or not answer.endswith(end) or answer.endswith(b"\r\n\r\n"):
        received = connection.recv(65_536)
        if not received:
            raise AssertionError("the server hung up")
        answer += received
    return answer


@contextmanager
def serving(name: str) -> Iterator[Server]:
    """Run the app called *name* in a process of its own."""
    code = f"import serving; serving.serve({name!r})"
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=env, text=True) as process:
        try:
            with ExitStack() as stack:
                assert process.stdout is not None
                yield Server(int(process.stdout.readline()), stack)
        finally:
            process.kill()


def run(rounds: int = 50, times: int = 12) -> None:
    """Print the table: microseconds of CPU per request, the lower quartile of the rounds."""
    from middleware import NAMES

    found = {cell: il.Candidate(f"{NAMES.get(cell[0], cell[0])}: {cell[1]}", list) for cell in CELLS}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(serving(name)) for name in dict.fromkeys(name for name, _ in CELLS)}
        for turn in range(rounds + 1):
            at = turn % len(CELLS)
            for name, visitor in CELLS[at:] + CELLS[:at]:
                server, request = servers[name], visitors.http(visitor)
                before = server.cpu()
                server.ask(request, times)
                took = server.cpu() - before
                if turn:  # the first round warms up
                    found[name, visitor].times.append(took / times / _CONNECTIONS)
    # Other work on the machine only adds, by evicting what a server has in its caches: the quieter quarter counts.
    quiet = {cell: statistics.quantiles(one.times, n=4)[0] * 1e6 for cell, one in found.items()}
    rows = []
    for (name, visitor), one in found.items():
        took, bare = quiet[name, visitor], quiet["bare", visitor]
        share = (took / bare - 1) * 100
        row = il.Row(one.name, took, "" if name == "bare" else f"{took - bare:+.1f} us, {share:.0f} %")
        if (name, visitor) == ("ours", "returning"):
            row.budget, row.verdict = "<= 15 %", il.verdict(share, 15)
        rows.append(row)
    requests = rounds * times * _CONNECTIONS
    il.show(f"uvicorn (httptools, uvloop), CPU of the server, {requests:,} requests a row", rows)
