"""Delivery after answers without end: every event arrives at the healthy server that follows, and nothing waits."""

import os
import signal
import subprocess
import sys
import time

import pytest
from raw_answers import HEADERS, OK, complete, compressed, drips, early, raw_server, says

import tiktok_events as tt
from tiktok_events.testing import SOURCE

TIMEOUT = 0.2
CHUNKED = HEADERS + b"Transfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "header lines": drips(HEADERS, b"X-A: b\r\n"),
    "100 Continue": drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "chunk extension": drips(CHUNKED + b"5;", b"a"),
    "trailers": drips(CHUNKED + b"0\r\n", b"X-A: b\r\n"),
    "silence": says(),
    "never read": early(lambda connection: time.sleep(1)),
}
LONG_NOTE = "x" * 100_000
"""100 events with it are larger than what the sockets of a connection buffer."""


def events(number, note=""):
    """Events e0, e1 and so on."""
    return [
        tt.Event("Purchase", event_id=f"e{n}", properties={"value": 1, "currency": "EUR"}, extra={"note": note})
        for n in range(number)
    ]


@pytest.fixture(params=["memory", "sqlite"])
def outbox(request, tmp_path):
    """An outbox of each kind."""
    return tt.MemoryOutbox() if request.param == "memory" else tt.SQLiteOutbox(tmp_path / "tiktok.db")


@pytest.mark.case(
    "a background client gets answers that never end", "all events arrive after it; track and flush return in time"
)
@pytest.mark.parametrize("kind", ANSWERS)
@pytest.mark.parametrize("client_type", [tt.Client, tt.AsyncClient])
def test_background_client(outbox, seen, client_type, kind):
    """Such an answer holds up the delivery for the timeout and the pause before the next try."""
    with raw_server(ANSWERS[kind]) as server:
        client = client_type(SOURCE, base_url=server.url, timeout=TIMEOUT)
        background = tt.BackgroundClient(client, outbox)
        queued = background.track(*events(100, LONG_NOTE if kind == "never read" else ""))
        begun = time.monotonic()
        left = background.flush(0.05)
        early_flush = time.monotonic() - begun
        left_later = background.close(8)
        took = time.monotonic() - begun

        assert (queued, left, left_later) == (100, 100, 0)
        assert sorted(set(server.event_ids)) == sorted(f"e{n}" for n in range(100))
        assert len(server.event_ids) == 100
        assert early_flush < 0.3
    seen(f"{len(set(server.event_ids))} of 100 arrived within {took:.0f} s, {len(server.event_ids) - 100} twice")


@pytest.mark.case(
    "a background client is closed during an answer that never ends", "close returns in time and says how many are left"
)
def test_close_meanwhile(outbox, seen):
    """The request under way is not waited for beyond the second that the thread has to end."""
    header_lines = ANSWERS["header lines"]
    with raw_server(*[header_lines] * 20) as server:
        background = tt.BackgroundClient(tt.Client(SOURCE, base_url=server.url, timeout=TIMEOUT), outbox)
        background.track(*events(100))
        begun = time.monotonic()
        left = background.close(0.3)
        took = time.monotonic() - begun

        assert left == 100
        assert took < 1.5
    seen(f"closed after {took:.1f} s, {left} of 100 left")


WORKER = [sys.executable, "-m", "tiktok_events.cli", "worker", "--lease", "1", "--max-wait", "0.2", "--report", "0"]


@pytest.mark.programs
@pytest.mark.slow
@pytest.mark.case("a worker process gets answers that never end", "all events arrive; it ends at SIGTERM")
@pytest.mark.parametrize("kind", ["header lines", "100 Continue", "chunk extension"])
def test_worker(tmp_path, seen, kind):
    """The lease bounds its requests."""
    url = f"sqlite:///{tmp_path}/tiktok.db"
    with raw_server(*[ANSWERS[kind]] * 4) as server:
        client = tt.Client(SOURCE, base_url=server.url)
        with tt.BackgroundClient(client, tt.SQLiteOutbox(tmp_path / "tiktok.db"), deliver=False) as background:
            background.track(*events(100))
        variables = {"TIKTOK_PIXEL_CODE": SOURCE.event_source_id, "TIKTOK_ACCESS_TOKEN": "token"}
        variables |= {"TIKTOK_API_URL": server.url, "TIKTOK_OUTBOX_URL": url}
        with subprocess.Popen(WORKER, env={**os.environ, **variables}, stderr=subprocess.DEVNULL) as worker:
            until = time.monotonic() + 20
            while len(server.event_ids) < 100 and time.monotonic() < until:
                time.sleep(0.02)
            worker.send_signal(signal.SIGTERM)
            begun = time.monotonic()
            code = worker.wait(20)
        ended = time.monotonic() - begun

        assert sorted(server.event_ids) == sorted(f"e{n}" for n in range(100))
        assert code == 0
        assert ended < 3
    seen(f"{len(server.event_ids)} of 100 arrived, ended {ended:.1f} s after SIGTERM")


MEMORY = """
import sys, tracemalloc
import tiktok_events as tt
from tiktok_events.testing import SOURCE

with tt.Client(SOURCE, base_url=sys.argv[1], retry=tt.RetryPolicy(attempts=1)) as client:
    event = tt.Event("Purchase", event_id="e0", properties={"value": 1, "currency": "EUR"})
    client.track(event)
    tracemalloc.start()
    try:
        client.track(event)
    except tt.TransportError:
        print(tracemalloc.get_traced_memory()[1] / 1e6)
"""
BOMBS = {
    "50 MB in gzip": (b"gzip", compressed(50_000_000, 31)),
    "500 MB in gzip in gzip": (b"gzip, gzip", compressed(500_000_000, 31, 31)),
    "500 MB in deflate in deflate": (b"deflate, deflate", compressed(500_000_000, 15, 15)),
}


@pytest.mark.programs
@pytest.mark.case("an answer that is large when decompressed", "memory grows by less than 2 MB")
@pytest.mark.parametrize("kind", BOMBS)
def test_memory(seen, kind):
    """The peak of a process that reads it."""
    encoding, body = BOMBS[kind]
    with raw_server(complete(b"", OK), complete(b"Content-Encoding: %s\r\n" % encoding, body)) as server:
        ran = subprocess.run(
            [sys.executable, "-c", MEMORY, server.url], check=True, stdout=subprocess.PIPE, text=True, timeout=60
        )
    grown = float(ran.stdout)

    assert grown < 2
    seen(f"{len(body) / 1000:.0f} kB received, {grown:.1f} MB more memory")


def drip_redis(connection):
    """Replies to any command with text that never ends."""
    connection.recv(65_536)
    drips(b"+", b"x")(connection)


@pytest.mark.case("a Redis whose reply never ends", "OutboxUnavailable within ten timeouts; track returns at once")
def test_redis(seen):
    """A reply that drips is bounded, too; events wait in memory meanwhile."""
    pytest.importorskip("redis")
    with raw_server(*[early(drip_redis)] * 50) as server:
        outbox = tt.RedisOutbox(f"redis://127.0.0.1:{server.port}", timeout=0.05)
        begun = time.monotonic()
        with pytest.raises(tt.OutboxUnavailable):
            outbox.put([tt.Record(*SOURCE.route, "e0", b"{}")])
        took = time.monotonic() - begun
        background = tt.BackgroundClient(tt.Client(SOURCE, base_url=server.url), outbox)
        begun = time.monotonic()
        background.track(*events(100))
        tracked = time.monotonic() - begun
        left = background.close(0.3)
        closed = time.monotonic() - begun

        assert left == 100
        assert took < 1.5
        assert tracked < 0.2
        assert closed < 2.5
    seen(f"error after {took:.1f} s of 0.5, closed after {closed:.1f} s")
