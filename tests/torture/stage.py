"""One case: the manager that counts, the outbox, and the processes that go through what the case is about."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from cases import CASES
from clocks import until
from gate import Behaviour, gate
from ledger import Row, Written, row_of

import tiktok_events as tt
from tiktok_events._outbox.protocol import Outbox
from tiktok_events._outbox.url import outbox_at
from tiktok_events.events_manager import RunningManager

HERE = Path(__file__).parent
PIXEL, TOKEN = "C0EXAMPLE0EXAMPLE000", "example-token"
LEASE, LONGEST_WAIT = 10.0, 2.0
"""Seconds, of the workers after a kill: short, so that what the dead had comes back soon."""


class Stage:
    """Where a case happens. Whatever it started ends with it."""

    def __init__(self, folder: Path, kind: str, outbox_url: str, manager: RunningManager, undo: ExitStack) -> None:
        self.folder, self.kind, self.outbox_url, self.manager = folder, kind, outbox_url, manager
        self.row: Row | None = None
        self.written = Written(folder)
        self._undo = undo
        self._begun = time.monotonic()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TIKTOK_")},
            "PYTHONPATH": os.pathsep.join(filter(None, [str(HERE / "scripts"), os.environ.get("PYTHONPATH")])),
            "TIKTOK_API_URL": manager.api_url,
            "TIKTOK_PIXEL_CODE": PIXEL,
            "TIKTOK_ACCESS_TOKEN": TOKEN,
            "TIKTOK_OUTBOX_URL": outbox_url,
            "TORTURE_FOLDER": str(folder),
            "TORTURE_EVENT_TIME": str(int(time.time())),
        }

    @property
    def is_durable(self) -> bool:
        """Whether events outlive the process that tracked them."""
        return self.kind != "memory"

    def use(self, outbox_url: str) -> None:
        """Another outbox than the usual one of its kind, for everybody who starts from now on."""
        self.outbox_url = self.environment["TIKTOK_OUTBOX_URL"] = outbox_url

    def answers(self, *answers: dict[str, Any]) -> None:
        """What the manager's next answers are; the events they are given to are taken in where it says so."""
        answer = httpx.post(
            f"{self.manager.url}/api/faults",
            json={"answers": answers},
            headers={"Origin": self.manager.url},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text

    def set_clock(self, seconds: float) -> None:
        """Set the manager's clock to *seconds* after the real time."""
        now = {"now": time.time() + seconds}
        answer = httpx.post(f"{self.manager.url}/api/clock", json=now, headers={"Origin": self.manager.url}, timeout=30)
        assert answer.status_code == 200, answer.text

    def received(self) -> int:
        """How many events the manager was given so far, taken or refused."""
        answer = httpx.get(f"{self.manager.url}/api/events", params={"limit": 1}, timeout=30)
        cursor: int = answer.json()["cursor"]
        return cursor

    def as_usual(self) -> None:
        """Nothing that was asked for by `answers` happens any more."""
        httpx.delete(f"{self.manager.url}/api/faults", headers={"Origin": self.manager.url}, timeout=30)

    def through(self, *first: Behaviour, then: Behaviour | None = None) -> None:
        """Put a gate in front of the manager, for everybody who starts from now on."""
        url = self._undo.enter_context(gate(self.manager.api_url, *first, then=then))
        self.environment["TIKTOK_API_URL"] = url

    def script(self, name: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
        """Start a script of `scripts`; a warning is an error in it."""
        # A child may inherit an open connection, whose locks it must not touch: it drops it, and Python remarks on that.
        filters = ["-W", "error", "-W", "ignore:unclosed:ResourceWarning"]
        return self.process(
            sys.executable, *filters, str(HERE / "scripts" / f"{name}.py"), *map(str, arguments), **environment
        )

    def worker(self, *options: object, **environment: str) -> subprocess.Popen[str]:
        """Start `tiktok-events worker`."""
        words = ["-m", "tiktok_events.cli", "worker", "--report", "0", *map(str, options)]
        return self.process(sys.executable, *words, **environment)

    def process(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start a program with the case's environment."""
        process = subprocess.Popen(
            words,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, **environment},
            start_new_session=True,
            cwd=self.folder,  # web servers import from where they are, and that is not to be the checkout
        )
        self._undo.callback(_put_down, process)
        return process

    def outbox(self) -> Outbox:
        """The case's outbox, for this process."""
        made = outbox_at(self.outbox_url)
        self._undo.callback(made.close)
        return made

    def stop_tracking(self) -> None:
        """Have `steady` scripts track no more, and end when all that they tracked has reached the outbox."""
        (self.folder / "enough").touch()
        until(lambda: self.written.ids("tried") == self.written.ids("tracked") == self.written.ids("kept"), 60)
        (self.folder / "end").touch()

    def drain(self, seconds: float = 60.0, token: str = TOKEN) -> None:
        """Deliver what is left in a durable outbox, as one more worker does."""
        if not self.is_durable:
            return
        client = tt.Client(tt.EventSource.web(PIXEL, token), base_url=self.environment["TIKTOK_API_URL"])
        outbox, deadline = self.outbox(), time.monotonic() + seconds
        worker = tt.Worker(outbox, client, lease=LEASE, max_wait=LONGEST_WAIT)
        while outbox.depth() and (left := deadline - time.monotonic()) > 0:
            worker.drain_once(left)
            time.sleep(0.02)
        worker.close()

    def settle(self, case: str, *, may_lose_memory: bool = False) -> Row:
        """The accounts of *case*: nothing is missing, nothing was counted twice, every dead letter says why."""
        assert case in CASES
        letters = self.outbox().dead() if self.is_durable else ()
        dead = [letter.record.event_id for letter in letters] if self.is_durable else self.written.ids("dead")
        self.row = row_of(
            case,
            self.kind,
            self.written,
            self.manager.events(),
            dead,
            seconds=time.monotonic() - self._begun,
            may_lose_memory=may_lose_memory,
        )
        assert all(letter.reason for letter in letters)
        assert self.row.missing == 0, self.row
        return self.row


def ended(process: subprocess.Popen[str], timeout: float = 60.0) -> tuple[int, str]:
    """Wait for *process*: its exit code, and what it said on stderr but that it waits, which is no traceback."""
    _, told = process.communicate(timeout=timeout)
    assert "Traceback" not in told, told
    lines = told.splitlines(keepends=True)
    return process.returncode, "".join(line for line in lines if "waiting up to " not in line)


def told(process: subprocess.Popen[str], timeout: float = 60.0) -> dict[str, Any]:
    """Wait for *process*: the JSON that it printed."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == 0, err
    said: dict[str, Any] = json.loads(out)
    return said


def _put_down(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        # Its whole session: a web server's workers outlive a master that is killed.
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
