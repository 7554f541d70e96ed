"""A real redis-server of this machine, on a free loopback port, that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import weakref
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import servers

PROGRAM = shutil.which("redis-server")
# What `nox -s tests_bare` leaves out is skipped; where the other extras are, this one may not be missing unnoticed.
BARE = find_spec("starlette") is None


def missing() -> str | None:
    """Why no Redis can be used here; None if one can. Where CI is set, only a bare installation may lack one."""
    if find_spec("redis") is None:
        told = "redis-py is not installed: the extra `redis`"
        if os.environ.get("CI") and not BARE:
            raise AssertionError(told)
        return told
    if PROGRAM is None:
        told = "there is no redis-server on this machine"
        if os.environ.get("CI"):
            raise AssertionError(told)
        return told
    return None


class RedisProcess:
    """A redis-server with the *settings* given, as its command line has them; what it keeps is in *folder*."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.folder, self.settings = folder, settings
        self.port = servers.closed_port()
        # Not in *folder*: the path of a socket has at most 107 bytes.
        short = tempfile.mkdtemp(prefix="redis", dir="/tmp")
        weakref.finalize(self, shutil.rmtree, short, ignore_errors=True)
        self.socket = Path(short, "redis.sock")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, again on the same port, and wait until it answers."""
        assert PROGRAM
        where = ["--bind", "127.0.0.1", "--port", str(self.port), "--unixsocket", str(self.socket)]
        kept = ["--dir", str(self.folder), "--save", "", "--logfile", str(self.folder / "redis.log")]
        self.process = subprocess.Popen([PROGRAM, *where, *kept, *self.settings])
        deadline = time.monotonic() + 20
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "redis.log").read_text()
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.01)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def client(self, **options: Any) -> Any:
        """redis-py's own client of it. Close it."""
        import redis

        return redis.Redis(port=self.port, **options)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64)[:1] in (b"+", b"-") and not self._is_loading(connection)
        except OSError:
            return False

    @staticmethod
    def _is_loading(connection: socket.socket) -> bool:
        connection.sendall(b"EXISTS a\r\n")
        return connection.recv(64).startswith(b"-LOADING")
