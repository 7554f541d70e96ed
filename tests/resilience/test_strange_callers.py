"""`track` from signal handlers, `__del__`, weakref callbacks and logging handlers: no hang, no error, nothing lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import servers

import tiktok_events as tt

SCRIPT = Path(__file__).with_name("strange_callers.py")
CASES = ("from_a_signal", "from_del", "from_a_weakref", "from_a_logging_handler", "from_threads")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="signals and limits of Linux")


def run(command, folder, url, **options):
    """A process that ends in time."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("TIKTOK_")}
    env = {**env, "TIKTOK_API_URL": url, **options.pop("env", {})}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        **options,
    )


@LINUX
@pytest.mark.parametrize("kind", ["memory", "sqlite", "group"])
@pytest.mark.parametrize("place", CASES)
@pytest.mark.case(
    "track from a signal handler, __del__, a weakref callback, a logging handler",
    "no hang, no error, every event arrives",
)
def test_nested_calls(place, kind, tmp_path, seen):
    """While the same thread is inside track, stats or flush, or inside the delivery."""
    with servers.listening() as listener:
        ran = run([SCRIPT, place, kind], tmp_path, listener.url)
        arrived = set(listener.event_ids)

    assert ran.returncode == 0, ran.stderr[-3000:]
    calls, errors, left, *texts = ran.stdout.split(maxsplit=3)
    assert (errors, left, texts) == ("0", "0", [])
    assert len(arrived) == int(calls)
    assert int(calls) >= 5
    seen(f"{int(calls):,} of {int(calls):,} arrive")


NO_THREADS = """
import _thread, sys, threading
def refuse(*arguments, **named):
    raise RuntimeError("can't start new thread")
import tiktok_events as tt
threading._start_new_thread = _thread.start_new_thread = refuse
if hasattr(threading, "_start_joinable_thread"):
    threading._start_joinable_thread = refuse
outbox = eval(sys.argv[1])
background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")), outbox)
for number in range(275):
    background.track(tt.Event("Lead", event_id=f"e{number}"))
"""
BLOCK_IMPORTS = """
import atexit, gc  # weakref imports gc at exit
class Finder:
    def find_spec(self, name, path=None, target=None):
        raise ImportError(f"{name} is imported for the first time at exit")
atexit.register(lambda: None)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("outbox", ["tt.MemoryOutbox()", "tt.SQLiteOutbox('outbox.db')"])
@pytest.mark.parametrize("ends", ["flush", "close", "exit", "exit without imports"])
@pytest.mark.case(
    "no thread can be started, 275 events", "they are delivered by flush, close or at exit, and it is said"
)
def test_no_threads(outbox, ends, tmp_path, seen):
    """As under a limit of processes."""
    script = NO_THREADS
    if ends in ("flush", "close"):
        script += f"print(background.{ends}(10))\n"
    if ends == "exit without imports":
        script += BLOCK_IMPORTS
    with servers.listening() as listener:
        ran = run(["-c", script, outbox], tmp_path, listener.url)
        arrived = listener.event_ids

    assert ran.returncode == 0, ran.stderr
    assert len(set(arrived)) == 275, ran.stderr
    assert "no thread can be started" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout.strip() in ("", "0")
    seen(f"{len(set(arrived))} of 275 arrive")


@LINUX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="limits of a user need root to become one")
@pytest.mark.case("the user's limit of processes is reached", "events are delivered at exit, and it is said")
def test_a_limit_of_processes(seen):
    """The limit is that of a user who has no other process."""
    script = """
import os, resource, threading
import tiktok_events as tt
client = tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token"))
client.track(tt.Event("Lead", event_id="first"))  # another user may not read the modules
background = tt.BackgroundClient(client)
os.setgid(65533); os.setuid(65533)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
for number in range(275):
    background.track(tt.Event("Lead", event_id=f"e{number}"))
print(threading.active_count())
"""
    with servers.listening() as listener:
        ran = run(["-c", script], "/", listener.url)
        arrived = [name for name in listener.event_ids if name != "first"]

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "1"
    assert len(set(arrived)) == 275, ran.stderr
    assert "no thread can be started" in ran.stderr
    seen("275 of 275 arrive")


CLOCKS = {
    "freezegun": "from freezegun import freeze_time\nfrozen = freeze_time('2026-11-27'); frozen.start()\n",
    "time-machine": "import time_machine\nfrozen = time_machine.travel('2026-11-27', tick=False); frozen.start()\n",
    "backwards": "import time, itertools\nback = itertools.count(10**9, -1); time.time = lambda: next(back)\ntime.monotonic = lambda: next(back)\n",
}


@pytest.mark.parametrize("outbox", ["tt.MemoryOutbox()", "tt.SQLiteOutbox('outbox.db')"])
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.case("the clock is frozen or runs backwards, the server is away", "flush(1) and close(1) return in time")
def test_frozen_clocks(outbox, clock, tmp_path, seen):
    """Real time passes."""
    script = f"""
import sys
import tiktok_events as tt
outbox = {outbox}
background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")), outbox)
{CLOCKS[clock]}
background.track(tt.Event("Lead", event_id="e1"))
print(background.flush(1), background.close(1))
"""
    begun = time.monotonic()
    ran = run(["-c", script], tmp_path, f"http://127.0.0.1:{servers.closed_port()}")
    took = time.monotonic() - begun

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["1", "1"]
    assert took < 12
    seen("both return")


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.case("the clock is frozen or runs backwards, the server answers", "every event arrives")
def test_delivery_under_frozen_clocks(clock, tmp_path, seen):
    """Tests of users freeze the time and look at what arrived."""
    script = f"""
import tiktok_events as tt
{CLOCKS[clock]}
background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")))
for number in range(50):
    background.track(tt.Event("Lead", event_id=f"e{{number}}"))
print(background.flush(5), background.close(5))
"""
    with servers.listening() as listener:
        ran = run(["-c", script], tmp_path, listener.url)
        arrived = listener.event_ids

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split() == ["0", "0"]
    assert len(arrived) == 50
    seen("50 of 50 arrive")


def test_a_nested_call_of_another_client(tiktok):
    """The threads' marks are of all clients: two may share an outbox."""
    one, two = tt.BackgroundClient(tiktok.client()), None

    def track_another(event):
        two.track(tt.Event("Lead", event_id="inner"))
        return event

    two = tt.BackgroundClient(tiktok.client())
    outer = tt.BackgroundClient(tiktok.client(), before_send=track_another)
    assert outer.track(tt.Event("Lead", event_id="outer")) == 1
    for client in (one, two, outer):
        assert client.close(5) == 0

    assert sorted(event["event_id"] for event in tiktok.events) == ["inner", "outer"]


def test_flush_waits_for_an_event_that_another_thread_queues(tiktok):
    """Between being put aside and being queued, an event still counts as left."""
    began, may_go_on = threading.Event(), threading.Event()

    def take_time(event):
        began.set()
        may_go_on.wait(10)
        return event

    def track_another(event):
        inner.track(tt.Event("Lead", event_id="inner"))
        return event

    inner = tt.BackgroundClient(tiktok.client(), before_send=take_time)
    outer = tt.BackgroundClient(tiktok.client(), before_send=track_another)
    caller = threading.Thread(target=outer.track, args=(tt.Event("Lead", event_id="outer"),))
    caller.start()
    assert began.wait(5)
    left = inner.flush(0.1)
    may_go_on.set()
    caller.join(5)

    assert left == 1
    assert [inner.close(5), outer.close(5)] == [0, 0]
    assert sorted(event["event_id"] for event in tiktok.events) == ["inner", "outer"]
