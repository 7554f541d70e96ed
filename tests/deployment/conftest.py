"""Servers and schedulers, really started, with a TikTok on a socket of this machine.

`nox -s deployment` runs this. Each recipe of docs/how-to/deployment.md is tried here as it stands there; without the
program that it is about a test is skipped, and where CI is set it fails.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

import pytest
import servers
from clocks import until

APPS = Path(__file__).parent / "apps"
BIN = Path(sys.executable).parent
# Elsewhere these are left out; `nox -s deployment` says that they are wanted.
collect_ignore_glob = [] if os.environ.get("TIKTOK_EVENTS_DEPLOYMENT") == "1" else ["test_*.py"]


def needs(*modules: str) -> None:
    """Skip where one of *modules* is missing, or fail where the machine is there for the tests."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing and os.environ.get("CI"):
        raise AssertionError(f"{', '.join(missing)} is not installed")
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed")


class Shop:
    """What a recipe runs: programs in one environment, and what they reported."""

    def __init__(self, folder: Path, tiktok: servers.Listener) -> None:
        self.folder, self.tiktok = folder, tiktok
        self.address = f"127.0.0.1:{servers.closed_port()}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TIKTOK_")},
            "PYTHONPATH": os.pathsep.join(filter(None, [str(APPS), os.environ.get("PYTHONPATH")])),
            "TIKTOK_API_URL": tiktok.url,
            "TIKTOK_PIXEL_CODE": "C0EXAMPLE0EXAMPLE000",
            "TIKTOK_ACCESS_TOKEN": "example-token",
        }
        self._running: list[subprocess.Popen[str]] = []

    @property
    def arrived(self) -> list[str]:
        """The event ids that TikTok was sent, each once, sorted."""
        return sorted(set(self.tiktok.event_ids))

    def start(self, *words: object, **environment: str) -> subprocess.Popen[str]:
        """Start a program."""
        process = subprocess.Popen(
            [str(word) for word in words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**self.environment, **environment},
            start_new_session=True,
        )
        self._running.append(process)
        return process

    def visit(self, *pages: str) -> list[str]:
        """Open *pages*, each of which reports an event of that id; what they answer."""
        return [self._ask(page) for page in pages]

    def comes_up(self) -> None:
        """Wait until the server answers; the page reports `up`."""

        def is_up() -> bool:
            try:
                self._ask("up")
            except (URLError, ConnectionError):
                return False
            return True

        until(is_up)

    @contextmanager
    def visiting(self, page: str) -> Iterator[None]:
        """Open the slow *page* and go on once it is under way; it is answered at the block's end at the latest."""
        with ThreadPoolExecutor() as visitors:
            answer = visitors.submit(self._ask, page)
            until((self.folder / "under-way").exists)
            yield
            assert answer.result()

    def put_down(self) -> None:
        """Kill what still runs."""
        for process in self._running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def _ask(self, page: str) -> str:
        with urllib.request.urlopen(f"http://{self.address}/?{page}", timeout=30) as answer:
            told: str = answer.read().decode()
        return told


def ended(process: subprocess.Popen[str], timeout: float = 40.0) -> tuple[int, str]:
    """Wait for *process*: its exit code, and what it said."""
    _, told = process.communicate(timeout=timeout)
    return process.returncode, told


@pytest.fixture
def seconds() -> float:
    """How long TikTok takes for a request: longer than a server that ends waits for nothing."""
    return 0.5


@pytest.fixture
def tiktok(seconds: float) -> Iterator[servers.Listener]:
    """A TikTok that takes its time."""

    def slowly(handler: servers.BaseHTTPRequestHandler) -> None:
        time.sleep(seconds)
        servers.answer_ok(handler)

    with servers.listening(slowly) as listener:
        yield listener


@pytest.fixture
def shop(tmp_path: Path, tiktok: servers.Listener) -> Iterator[Shop]:
    """A place for one recipe. Whatever it started ends with it."""
    made = Shop(tmp_path, tiktok)
    yield made
    made.put_down()
