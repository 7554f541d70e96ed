"""The first process of a container, and the worker's unit for systemd, as far as a machine without either can tell."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from clocks import until
from conftest import BIN, Shop, ended

import tiktok_events as tt

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "deployment.md"
UNIT = re.compile(r"```ini\n(\[Unit\]\n.*?)```", re.DOTALL)


def own_namespace() -> list[str]:
    """Words before a command that make it number 1 of a process namespace of its own."""
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    allowed = shutil.which("unshare") and subprocess.run([*words, "true"], capture_output=True, check=False)
    if not allowed or allowed.returncode:  # a container that runs the tests may not make one
        pytest.skip("no process namespace can be made here")
    return words


def only_child(process: subprocess.Popen[str]) -> int:
    """The process that `unshare` has forked."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: children.read_text().split())
    return int(children.read_text())


def test_the_worker_can_be_number_1(shop: Shop):
    """The kernel gives that process no default for SIGTERM: who does not handle it is killed when patience ends."""
    url = f"sqlite:///{shop.folder / 'tiktok.db'}"
    worker = shop.start(*own_namespace(), BIN / "tiktok-events", "worker", TIKTOK_OUTBOX_URL=url)
    outbox = tt.SQLiteOutbox(shop.folder / "tiktok.db")
    client = tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token"), base_url=shop.tiktok.url)
    with tt.BackgroundClient(client, outbox, deliver=False) as web:
        web.track(tt.Event("Purchase", event_id="order-1", user={"ttclid": "E.C.P.1"}))
        until(lambda: outbox.depth() == 0)
    os.kill(only_child(worker), signal.SIGTERM)
    code, told = ended(worker)

    assert code == 0
    assert told.splitlines()[-1] == "Ended   1 delivered, 0 waiting"


def test_a_script_that_ends_by_sigterm_has_to_say_so(shop: Shop):
    """As the recipe says it; without, SIGTERM ends Python with nothing run at its exit, and number 1 not at all."""
    block = next(
        text for text in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "SIGTERM" in text
    )
    report = 'tiktok.track(tt.Event("Purchase", event_id="order-1", user={"ttclid": "E.C.P.1"}))'
    script = shop.start(*own_namespace(), sys.executable, "-c", f"{block}\n{report}\nopen('up', 'w')\nsignal.pause()")
    until((shop.folder / "up").exists)
    os.kill(only_child(script), signal.SIGTERM)

    assert ended(script)[0] == 0
    assert shop.arrived == ["order-1"]


@pytest.mark.parametrize("user", ["User=shop\nStateDirectory=shop", "DynamicUser=yes"])
def test_systemd_takes_the_unit(tmp_path, user):
    """Every setting of it is known and has a value that can be; the program's path is this machine's."""
    if shutil.which("systemd-analyze") is None:
        if os.environ.get("CI"):
            raise AssertionError("there is no systemd-analyze on this machine")
        pytest.skip("there is no systemd-analyze on this machine")
    (unit,) = UNIT.findall(PAGE.read_text("utf-8"))
    assert "User=shop\nStateDirectory=shop" in unit
    file = tmp_path / "tiktok-events.service"
    file.write_text(unit.replace("/srv/shop/.venv/bin/", f"{BIN}/").replace("User=shop\nStateDirectory=shop", user))
    verified = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)

    assert verified.returncode == 0, verified.stderr
    assert "tiktok-events.service" not in verified.stderr, verified.stderr
