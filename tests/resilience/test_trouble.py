"""Limits, interrupts, hooks, clocks and files: what cannot be kept is counted and said, and nothing hangs."""

from __future__ import annotations

import os
import threading
import time

import pytest
import servers
from test_strange_callers import LINUX, run

import tiktok_events as tt
from tiktok_events._outbox.sqlite.write_gate import WriteGate

SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")
START = """
import sys
import tiktok_events as tt
source = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")
outbox = eval(sys.argv[1])
"""
BOTH = ["tt.MemoryOutbox()", "tt.SQLiteOutbox('outbox.db')"]


def account(ran):
    """The numbers that a script printed: queued, dropped, delivered, left."""
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr, ran.stderr
    return dict(part.split("=") for part in ran.stdout.split())


@LINUX
@pytest.mark.parametrize("outbox", BOTH)
@pytest.mark.case("file descriptors are used up for a while", "every event is delivered or counted as dropped")
def test_no_file_descriptors(outbox, tmp_path, seen):
    """Neither the file nor a connection can be opened; both can be later."""
    script = """
import os, resource, time
background = tt.BackgroundClient(tt.Client(source, retry=tt.RetryPolicy(attempts=1)), outbox)
background.track(tt.Event("Lead", event_id="first"))
background.flush(5)
background.client.close(); outbox.close()
resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))
held = []
try:
    while True:
        held.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
for number in range(20):
    background.track(tt.Event("Lead", event_id=f"e{number}"))
time.sleep(0.5)
for one in held:
    os.close(one)
left = background.close(20)
stats = background.stats()
print(f"dropped={stats.dropped} delivered={stats.delivered} left={left}")
"""
    with servers.listening() as listener:
        ran = run(["-c", START + script, outbox], tmp_path, listener.url)
        arrived = set(listener.event_ids) - {"first"}
    told = account(ran)

    assert len(arrived) + int(told["dropped"]) + int(told["left"]) == 20
    assert told["left"] == "0"
    assert ran.stderr  # it is said
    seen(f"{len(arrived)} arrive, {told['dropped']} are counted as dropped")


@pytest.mark.parametrize("outbox", BOTH)
@pytest.mark.case("memory is used up in put", "the event is counted as dropped, and it is said")
def test_no_memory(outbox, tmp_path, seen):
    """MemoryError is no reason for a view to fail."""
    script = """
background = tt.BackgroundClient(tt.Client(source), outbox)
put, calls = outbox.put, []
def fail(records):
    calls.append(1)
    if len(calls) == 2:
        raise MemoryError
    return put(records)
outbox.put = fail
for number in range(3):
    background.track(tt.Event("Lead", event_id=f"e{number}"))
left = background.close(10)
stats = background.stats()
print(f"dropped={stats.dropped} delivered={stats.delivered} left={left}")
"""
    with servers.listening() as listener:
        ran = run(["-c", START + script, outbox], tmp_path, listener.url)
        arrived = set(listener.event_ids)
    told = account(ran)

    assert len(arrived) + int(told["dropped"]) == 3
    assert "MemoryError" in ran.stderr or told["dropped"] == "0"
    seen(f"{len(arrived)} arrive, {told['dropped']} is counted as dropped")


@LINUX
@pytest.mark.case(
    "KeyboardInterrupt between put and answer", "the event is in the file, and the next worker delivers it"
)
def test_an_interrupt(tmp_path, seen):
    """Ctrl-C while the server takes its time."""
    script = """
import os, signal, threading
client = tt.Client(source, timeout=20)
worker = tt.Worker(outbox, client)
tt.BackgroundClient(client, outbox, deliver=False).track(*(tt.Event("Lead", event_id=f"e{n}") for n in range(5)))
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    worker.drain_once()
    print("interrupted=0")
except KeyboardInterrupt:
    print(f"interrupted=1 waiting={outbox.depth()}")
"""
    stop = threading.Event()
    with servers.listening(lambda handler: stop.wait(5)) as listener:
        ran = run(["-c", START + script, BOTH[1]], tmp_path, listener.url)
        stop.set()
    told = account(ran)
    assert told == {"interrupted": "1", "waiting": "5"}
    with servers.listening() as listener, tt.Client(SOURCE, base_url=listener.url) as client:
        tt.Worker(tt.SQLiteOutbox(tmp_path / "outbox.db"), client).drain_once()
        assert sorted(listener.event_ids) == [f"e{n}" for n in range(5)]
    seen("5 of 5 wait, and are delivered by the next worker")


@pytest.mark.parametrize("hook", ["on_sent", "before_send", "on_dropped"])
@pytest.mark.parametrize("error", ["RuntimeError", "SystemExit"])
@pytest.mark.case("a hook raises, also BaseException", "later events are delivered")
def test_a_hook_raises(hook, error, tmp_path, seen):
    """The thread goes on; a view sees no error of a hook."""
    script = f"""
def fail(*arguments):
    raise {error}("hook")
options = {{"{hook}": fail}}
try:
    background = tt.BackgroundClient(tt.Client(source), outbox, **options)
    for number in range(3):
        background.track(tt.Event("Lead", event_id=f"e{{number}}"))
        background.flush(5)
except BaseException as error:
    print(f"raised={{type(error).__name__}}", end=" ")
left = background.close(10)
print(f"left={{left}} dropped={{background.stats().dropped}}")
"""
    with servers.listening() as listener:
        ran = run(["-c", START + script, BOTH[0]], tmp_path, listener.url)
        arrived = set(listener.event_ids)
    assert ran.returncode == 0, ran.stderr
    told = dict(part.split("=") for part in ran.stdout.split())

    assert told["left"] == "0"
    if hook == "before_send" and error == "SystemExit":
        assert told["raised"] == error  # the program of the caller wants to end
    else:
        assert "raised" not in told
        assert len(arrived) + int(told["dropped"]) == 3
    seen(f"{len(arrived)} arrive, {told['dropped']} are counted as dropped")


@pytest.mark.case("a hook hangs", "close returns in time, and says how many events are left")
def test_a_hook_hangs(seen, tmp_path):
    """The thread is a daemon: the process ends, too."""
    script = """
import threading
background = tt.BackgroundClient(tt.Client(source), outbox, on_sent=lambda results: threading.Event().wait())
for number in range(3):
    background.track(tt.Event("Lead", event_id=f"e{number}"))
print(f"left={background.close(1)}")
"""
    begun = time.monotonic()
    with servers.listening() as listener:
        ran = run(["-c", START + script, BOTH[0]], tmp_path, listener.url)
        arrived = set(listener.event_ids)

    assert account(ran)["left"] == "3"
    assert time.monotonic() - begun < 15
    assert "e0" in arrived
    seen("the first request arrives, close returns 3")


@pytest.mark.parametrize("outbox", BOTH)
@pytest.mark.case(
    "a client is closed with events left, in a program that uses multiprocessing", "the program ends at once"
)
def test_a_closed_client_holds_up_no_exit(outbox, tmp_path, seen):
    """The finalizers of multiprocessing run at exit as well: they waited 10 s for what `close` had given up."""
    script = """
import multiprocessing, multiprocessing.util
background = tt.BackgroundClient(tt.Client(source, timeout=5), outbox)
background.track(tt.Event("Lead"))
print(f"left={background.close(0.2)}")
"""
    begun = time.monotonic()
    with servers.listening(lambda handler: servers.answer_with(handler, b"", 500)) as listener:
        ran = run(["-c", START + script, outbox], tmp_path, listener.url)
        took = time.monotonic() - begun

    assert account(ran) == {"left": "1"}
    assert took < 6
    seen("ended within 6 s")


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("jump", [-3_600, 3_600, 86_400 * 400])
@pytest.mark.case("the wall clock jumps while a lease runs", "the event is delivered once")
def test_a_clock_jumps(kind, jump, tmp_path, tiktok, seen):
    """Leases go by a clock that does not jump."""
    wall = [1_800_000_000.0]
    outbox = (
        tt.MemoryOutbox() if kind == "memory" else tt.SQLiteOutbox(tmp_path / "outbox.db", wall_clock=lambda: wall[0])
    )
    client = tiktok.client()
    with tt.BackgroundClient(client, outbox, deliver=False) as background:
        background.track(tt.Event("Lead", event_id="e1"))
    claims = outbox.claim(10, lease=60, routes={client.source.route})
    wall[0] += jump

    assert outbox.claim(10, lease=60, routes={client.source.route}) == []
    outbox.ack(claims)
    tt.Worker(outbox, client).drain_once()
    assert tiktok.events == []
    assert outbox.depth() == 0
    seen("claimed once, acknowledged")


FILES = {
    "deleted": lambda path: [one.unlink() for one in path.parent.glob("outbox.db*")],
    "replaced": lambda path: (
        [one.unlink() for one in path.parent.glob("outbox.db*")],
        path.write_bytes(b"no database" * 99),
    ),
    "truncated": lambda path: os.truncate(path, 0),
    "a folder": lambda path: ([one.unlink() for one in path.parent.glob("outbox.db*")], path.mkdir()),
}


@LINUX
@pytest.mark.parametrize("what", FILES)
@pytest.mark.case(
    "the outbox's file is deleted, replaced or truncated",
    "track returns; what is not kept is dropped, counted and said",
)
def test_the_file_is_gone(what, tmp_path, tiktok, caplog, seen):
    """Under a process that has it open."""
    path = tmp_path / "outbox.db"
    background = tt.BackgroundClient(tiktok.client(), tt.SQLiteOutbox(path))
    background.track(tt.Event("Lead", event_id="before"))
    assert background.flush(5) == 0
    FILES[what](path)
    for number in range(10):
        background.track(tt.Event("Lead", event_id=f"e{number}"))
    left = background.close(3)
    stats = background.stats()
    arrived = {event["event_id"] for event in tiktok.events} - {"before"}

    assert len(arrived) + stats.dropped + left >= 10
    assert len(arrived) == 10 or [record for record in caplog.records if record.levelname == "ERROR"]
    seen(f"{len(arrived)} arrive, {stats.dropped} dropped, {left} left")


@pytest.mark.case("a put while its own process copies the write-ahead log", "it waits; for other puts only busy_wait")
def test_a_put_waits_for_a_checkpoint(seen):
    """Housekeeping never makes a put fail."""
    gate, begun = WriteGate(), threading.Event()

    def checkpoint():
        with gate.checkpointing(), gate.held(1):
            begun.set()
            time.sleep(0.4)

    thread = threading.Thread(target=checkpoint)
    thread.start()
    begun.wait(5)
    started = time.monotonic()
    with gate.held(0.05):
        waited = time.monotonic() - started
    thread.join()
    with gate.held(1), pytest.raises(tt.OutboxUnavailable, match=r"busy for 0\.05 s"), gate.held(0.05):
        pass
    assert waited > 0.1
    seen("waited for the checkpoint; refused after 0.05 s of another put")


@pytest.mark.slow
@pytest.mark.case("1,000,000 events of 1.5 kB are put, 1,000 at a time", "no put fails")
def test_a_million_puts(tmp_path, seen):
    """Checkpoints run meanwhile."""
    outbox = tt.SQLiteOutbox(tmp_path / "outbox.db", max_events=2_000_000, max_bytes=4_000_000_000)
    data, slowest = b'{"x":"' + b"y" * 1_500 + b'"}', 0.0
    for start in range(0, 1_000_000, 1_000):
        records = [tt.Record(*SOURCE.route, f"e{start + n}", data) for n in range(1_000)]
        begun = time.monotonic()
        outbox.put(records)
        slowest = max(slowest, time.monotonic() - begun)
    assert outbox.depth() == 1_000_000
    outbox.close()
    seen(f"0 of 1,000 puts fail, the slowest takes {slowest:.1f} s")
