"""What goes wrong is on stderr without any logging configured, and only in the log with it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import servers

START = """
import tiktok_events as tt
source = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")
"""
CASES = {
    "a rejected token": (
        """
client = tt.Client(source, retry=tt.RetryPolicy(attempts=1))
background = tt.BackgroundClient(client, OUTBOX)
background.track(tt.Event("Lead", event_id="e1"))
background.close(1)
""",
        ["Access token is incorrect", "nothing is delivered until the token or the settings are fixed"],
    ),
    "events left at exit": (
        """
background = tt.BackgroundClient(tt.Client(source, base_url="http://127.0.0.1:PORT"), OUTBOX)
background.track(tt.Event("Lead", event_id="e1"), tt.Event("Lead", event_id="e2"))
""",
        ["nothing listens at", "2 events"],
    ),
    "a full outbox": (
        """
background = tt.BackgroundClient(tt.Client(source), tt.MemoryOutbox(max_events=1), deliver=False)
background.track(tt.Event("Lead"), tt.Event("Lead"))
""",
        ["2 events dropped", "holds"],
    ),
    "events left at close": (
        """
background = tt.BackgroundClient(tt.Client(source, base_url="http://127.0.0.1:PORT"), OUTBOX)
background.track(tt.Event("Lead", event_id="e1"))
background.close(0.2)
""",
        ["events were not delivered"],
    ),
    "the oldest events are dropped": (
        """
outbox = tt.MemoryOutbox(max_events=1, overflow="drop_oldest")
background = tt.BackgroundClient(tt.Client(source), outbox, deliver=False)
for number in range(5):
    background.track(tt.Event("Lead"))
""",
        ["the oldest events are dropped"],
    ),
    "a broken outbox": (
        """
background = tt.BackgroundClient(tt.Client(source), tt.SQLiteOutbox("FOLDER/nowhere/outbox.db"), deliver=False)
background.track(tt.Event("Lead"))
background.close(0)
""",
        ["outbox"],
    ),
    "an invalid event": (
        """
background = tt.BackgroundClient(tt.Client(tt.EventSource.app("7001", "example-token")), deliver=False)
background.track(tt.Event("Purchase"))
""",
        ["dropped", "app-id-missing"],
    ),
    "a missing event source": (
        """
from tiktok_events.web import Site, Tracker, WebRequest
site = Site.from_env(env={})
Tracker(site, WebRequest(scheme="https", path="/", headers=[], peer="127.0.0.1")).track("Lead")
""",
        ["TikTok events are off", "TIKTOK_PIXEL_CODE"],
    ),
}
EVERYWHERE = [(case, kind) for case in ("a rejected token", "events left at exit") for kind in ("memory", "sqlite")]
ONCE = [(case, "memory") for case in CASES if case not in ("a rejected token", "events left at exit")]


def run(script, folder, url, before=""):
    """A script in a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TIKTOK_")}
    command = [sys.executable, "-c", before + START + script]
    return subprocess.run(
        command, env={**env, "TIKTOK_API_URL": url}, cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )


@pytest.fixture
def rejecting():
    """A server that knows no token."""
    answer = b'{"code":40105,"message":"Access token is incorrect or has been revoked."}'
    with servers.listening(lambda handler: servers.answer_with(handler, answer)) as listener:
        yield listener


def script_of(case, kind, folder):
    """The script with the outbox of this *kind*."""
    outbox = {"memory": "tt.MemoryOutbox()", "sqlite": "tt.SQLiteOutbox('outbox.db')"}[kind]
    text = CASES[case][0].replace("OUTBOX", outbox).replace("PORT", str(servers.closed_port()))
    return text.replace("FOLDER", str(folder))


@pytest.mark.parametrize(("name", "kind"), [*EVERYWHERE, *ONCE])
@pytest.mark.case("something goes wrong, and no logging is configured", "it is on stderr")
def test_it_is_on_stderr(name, kind, tmp_path, rejecting, seen):
    """Through Python's handler of last resort."""
    ran = run(script_of(name, kind, tmp_path), tmp_path, rejecting.url)

    assert ran.returncode == 0, ran.stderr
    for text in CASES[name][1]:
        assert text in ran.stderr
    assert "example-token" not in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
    seen(f"{len(ran.stderr.splitlines())} lines")


@pytest.mark.parametrize(("name", "kind"), [*EVERYWHERE, *ONCE])
@pytest.mark.case("the same with logging configured", "it is in the log only")
def test_a_configured_log_has_it(name, kind, tmp_path, rejecting, seen):
    """Nothing is said twice."""
    before = "import logging\nlogging.basicConfig(filename='log', level=logging.WARNING)\n"
    ran = run(script_of(name, kind, tmp_path), tmp_path, rejecting.url, before)
    logged = (tmp_path / "log").read_text("utf-8")

    assert (ran.returncode, ran.stderr, ran.stdout) == (0, "", "")
    for text in CASES[name][1]:
        assert text in logged
    seen("stderr is empty")


@pytest.mark.case("everything is delivered", "nothing is on stderr")
def test_success_is_silent(tmp_path, seen):
    """Routine is below WARNING."""
    with servers.listening() as listener:
        script = """
background = tt.BackgroundClient(tt.Client(source), tt.SQLiteOutbox("outbox.db"))
background.track(tt.Event("Lead", event_id="e1"))
"""
        ran = run(script, tmp_path, listener.url)
        assert listener.event_ids == ["e1"]

    # A slow machine takes more than a second, and says that it waits.
    told = [line for line in ran.stderr.splitlines() if not line.startswith("waiting up to ")]
    assert (ran.returncode, told, ran.stdout) == (0, [], "")
    seen("stderr is empty")
