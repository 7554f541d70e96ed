"""`tiktok-events manager` prints a line for each event as it comes, and for each new finding."""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import urllib.request

import pytest

EVENT = {
    "event": "Purchase",
    "event_id": "o-1",
    "user": {"email": "0" * 64},
    "page": {"url": "https://shop.example/thanks"},
    "properties": {"value": 1234.5, "currency": "EUR", "contents": [{"content_id": "a", "price": 5, "quantity": 1}]},
}


@pytest.fixture
def started(shell_command):
    """A function that starts the command on a free port; its lines, and a function that sends."""
    processes = []

    def start(*options):
        from servers import closed_port

        port = closed_port()
        process = subprocess.Popen(
            **shell_command("manager", "--port", port, *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        lines: list[str] = []
        ready = threading.Event()

        def read():
            for line in process.stdout:
                lines.append(line.rstrip())
                if "Press Ctrl-C" in line:
                    ready.set()

        threading.Thread(target=read, daemon=True).start()
        assert ready.wait(20), lines
        lines.clear()

        def send(**fields):
            item = {**EVENT, "event_time": int(time.time()), **fields}
            body = json.dumps({"event_source": "web", "event_source_id": "C0EXAMPLE0EXAMPLE000", "data": [item]})
            address = f"http://127.0.0.1:{port}/open_api/v1.3/event/track/"
            request = urllib.request.Request(address, body.encode(), {"Access-Token": "example-token"})
            for _ in range(50):
                try:
                    urllib.request.urlopen(request, timeout=5).close()
                    return
                except urllib.error.URLError:
                    time.sleep(0.1)

        return lines, send, port

    yield start
    for process in processes:
        process.terminate()
        process.communicate(timeout=10)


def wait_for(lines, number):
    """Until there are so many."""
    until = time.monotonic() + 10
    while len(lines) < number and time.monotonic() < until:
        time.sleep(0.05)
    return lines


def test_each_event_has_a_line(started):
    """With its value, what became of it, and the address of its page; a finding follows."""
    lines, send, port = started()
    send()
    send()
    send(event_id=5)
    send(event="\x1b[31mred", event_id="o-2")
    shown = wait_for(lines, 5)

    assert re.fullmatch(
        rf"\d\d:\d\d:\d\d  Purchase +server +1,234\.50 EUR  counted +http://127\.0\.0\.1:{port}/events/1", shown[0]
    )
    assert "duplicate of #1" in shown[1]
    assert "rejected: 40002" in shown[2]
    assert "\x1b" not in "".join(shown)
    assert any(line.startswith("  ✗ ") and "Send it as a JSON string" in line for line in wait_for(lines, 6))


def test_quiet_prints_none(started):
    """For scripts."""
    lines, send, _ = started("--quiet")
    send(event_id=5)
    time.sleep(1.5)

    assert lines == []
