"""Fixtures that run the command line in a process, against an Events Manager on a real socket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from event_lines import LINE, jsonl

if TYPE_CHECKING:
    from click.testing import Result

    from tiktok_events.events_manager import RunningManager

NEEDED = ("click", "rich", "starlette", "uvicorn", "jinja2", "phonenumbers")
collect_ignore_glob = [] if all(map(find_spec, NEEDED)) else ["test_*.py"]

COMMAND = [sys.executable, "-W", "error", "-m", "tiktok_events.cli"]


@pytest.fixture
def manager() -> Iterator[RunningManager]:
    """An Events Manager whose responses a test can set."""
    from tiktok_events.events_manager import running

    with running(faults=True) as manager:
        yield manager


@pytest.fixture
def port(manager: RunningManager) -> str:
    """The port of the Events Manager."""
    return manager.url.rpartition(":")[2]


@pytest.fixture
def fault(manager: RunningManager) -> Iterator[Callable[..., None]]:
    """Set the next responses of the Events Manager; without arguments, and after the test, they are reset."""

    def request_faults(method: str, body: bytes | None) -> None:
        request = urllib.request.Request(f"{manager.url}/api/faults", body, {"Origin": manager.url}, method=method)
        urllib.request.urlopen(request, timeout=5).close()

    yield (
        lambda *answers: (
            request_faults("POST", json.dumps({"answers": answers}).encode())
            if answers
            else request_faults("DELETE", None)
        )
    )
    request_faults("DELETE", None)


@pytest.fixture
def shell_command(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Make the keyword arguments for `subprocess` that start the command line as a shell does."""

    def process_arguments(*arguments: object, **environment: str) -> dict[str, Any]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("TIKTOK_")}
        return {
            "args": [*COMMAND, *map(str, arguments)],
            "cwd": tmp_path,
            "env": {**env, "COLUMNS": "80", **environment},
        }

    return process_arguments


@pytest.fixture
def run(shell_command: Callable[..., dict[str, Any]]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line in a process until it exits."""

    def run_command(
        *arguments: object, stdin: bytes | str = b"", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        content = stdin.encode() if isinstance(stdin, str) else stdin
        process = subprocess.run(
            **shell_command(*arguments, **environment), input=content, capture_output=True, timeout=120, check=False
        )
        return subprocess.CompletedProcess(
            process.args, process.returncode, process.stdout.decode(), process.stderr.decode()
        )

    return run_command


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in this process."""
    from click.testing import CliRunner

    from tiktok_events.cli.app import app

    monkeypatch.chdir(tmp_path)
    return lambda *arguments, **options: CliRunner().invoke(app, [str(one) for one in arguments], **options)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with one valid event."""
    path = tmp_path / "events.jsonl"
    path.write_text(jsonl(LINE))
    return path


@pytest.fixture
def rejected() -> Callable[[Path], list[dict[str, Any]]]:
    """Read a file of rejected lines."""
    return lambda path: [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def free_port() -> int:
    """A port that no server listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
