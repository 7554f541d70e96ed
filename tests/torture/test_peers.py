"""What other SDKs do in the cases they can be put through, each with its own defaults, beside ours. With --peers only."""

import importlib.metadata
import itertools
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import servers

SCRIPT = Path(__file__).parent / "scripts" / "peer.py"
DISTRIBUTIONS = {
    "tiktok-events": "tiktok-events",
    "tiktok-events, SQLite": "tiktok-events",
    "posthog": "posthog",
    "segment": "segment-analytics-python",
}
LONGEST = 45
pytestmark = [pytest.mark.peers, pytest.mark.parametrize("sdk", DISTRIBUTIONS)]


class Collector:
    """A listener that understands all of them. `numbers` are the events taken, `at` the times of requests."""

    def __init__(self, *first, delay=0.0):
        self.numbers, self.at = Counter(), []
        self._first, self._delay = iter(first), delay
        self._lock = threading.Lock()

    def __call__(self, handler: BaseHTTPRequestHandler):
        with self._lock:
            self.at.append(time.monotonic())
            answer = next(self._first, None)
        if answer is not None:
            servers.answer_with(handler, b"{}", **answer)
            return
        time.sleep(self._delay)
        with self._lock:
            self.numbers.update(numbers(handler.body))
        servers.answer_with(handler, json.dumps({"code": 0, "message": "OK", "status": "Ok"}).encode())

    @property
    def waits(self):
        """The seconds between requests."""
        return [later - sooner for sooner, later in itertools.pairwise(self.at)]


def numbers(body):
    """The numbers of a request's events."""
    if "data" in body:
        return [int(event["event_id"]) for event in body["data"]]
    return [event["properties"]["number"] for event in body["batch"]]


@pytest.fixture
def run(sdk, tmp_path):
    """Start the script, wait for its end, at most 45 s, and say how long that took."""

    def started(deed, url):
        words = [sys.executable, str(SCRIPT), sdk, deed, url]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path)

    def ended(process):
        begun = time.monotonic()
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return f"> {LONGEST} s, killed"
        finally:
            process.stdout.close()
        return f"{time.monotonic() - begun:.1f} s"

    return started, ended


@pytest.fixture
def told(sdk, request):
    """Put a line into the table of peers."""

    def tell(case, collector, tracked, seconds, note=""):
        delivered = len(collector.numbers)
        line = {
            "case": case,
            "sdk": f"{sdk} {importlib.metadata.version(DISTRIBUTIONS[sdk])}",
            "delivered": f"{delivered} of {tracked}",
            "doubles": str(sum(collector.numbers.values()) - delivered),
            "ended after": seconds,
            "note": note,
        }
        request.node.user_properties.append(("peer", line))
        return delivered

    return tell


def is_ours(sdk):
    """What is asserted of us is only told of others."""
    return sdk.startswith("tiktok-events")


def test_peer_plain_exit(sdk, run, told):
    """275 events, 50 ms a request, no flush."""
    start, end = run
    collector = Collector(delay=0.05)
    with servers.listening(collector) as listener:
        seconds = end(start("end", listener.url))
    delivered = told("plain exit", collector, 275, seconds)

    assert delivered == 275 or not is_ours(sdk)


def test_peer_fork(sdk, run, told):
    """Parent and child track 275 each, with a client made before the fork."""
    start, end = run
    collector = Collector(delay=0.05)
    with servers.listening(collector) as listener:
        seconds = end(start("fork", listener.url))
    children = sum(number >= 1_000 for number in collector.numbers)
    delivered = told("fork before the first event", collector, 550, seconds, f"{children} of the child's")

    assert delivered == 550 or not is_ours(sdk)


def test_peer_429(sdk, run, told):
    """Two 429s with `Retry-After: 2`, while the process lives for 8 s more."""
    start, end = run
    later = {"status": 429, "Retry-After": "2"}
    collector = Collector(later, later)
    with servers.listening(collector) as listener:
        seconds = end(start("live", listener.url))
    waits = ", ".join(f"{wait:.1f} s" for wait in collector.waits[:2])
    delivered = told("429, Retry-After", collector, 275, seconds, f"waits {waits}")

    assert delivered == 275 or not is_ours(sdk)


def test_peer_down(sdk, run, told):
    """Nobody listens while the process lives; then somebody does, and there is a next process."""
    start, end = run
    port = servers.closed_port()
    seconds = end(start("end", f"http://127.0.0.1:{port}"))
    collector = next_process(run)
    delivered = told("endpoint down at exit", collector, 275, seconds)

    assert delivered == (275 if "SQLite" in sdk else 0) or not is_ours(sdk)


def test_peer_kill(sdk, run, told):
    """The process is killed while its first request, of 5 s, is under way; then there is a next process."""
    start, _ = run
    with servers.listening(Collector(delay=5)) as listener:
        process = start("stay", listener.url)
        process.stdout.readline()
        time.sleep(0.2)
        process.kill()
        process.wait()
        process.stdout.close()
    collector = next_process(run)
    delivered = told("kill -9, web", collector, 275, "killed")

    assert delivered == (275 if "SQLite" in sdk else 0) or not is_ours(sdk)


def next_process(run):
    """What the next process brings, which tracks nothing itself."""
    start, end = run
    collector = Collector()
    with servers.listening(collector) as listener:
        end(start("again", listener.url))
    return collector
