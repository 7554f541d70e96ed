"""Web servers, really started, loaded over loopback and told to end."""

import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import servers
from clocks import until
from stage import ended


def load(url, number, threads=8):
    """Ask for *number* pages, each of which tracks one event."""
    with httpx.Client(timeout=30) as visitors, ThreadPoolExecutor(threads) as pool:
        until(lambda: is_up(visitors, url))
        answers = list(pool.map(lambda n: visitors.get(f"{url}/?visit-{n}").status_code, range(number)))
    assert answers == [200] * number


def is_up(visitors, url):
    """Whether the server answers; the first page tracks an event too."""
    try:
        return visitors.get(f"{url}/?up").status_code == 200
    except httpx.TransportError:
        return False


def gunicorn(stage, port, *options):
    """Four workers, forked from a master that has tracked."""
    words = ["--preload", "--workers", "4", "--bind", f"127.0.0.1:{port}", "--log-level", "warning", *options]
    return stage.process(sys.executable, "-m", "gunicorn", *words, "shop_wsgi:app")


def uvicorn(stage, port, *options):
    """An ASGI server."""
    words = ["--port", str(port), "--log-level", "warning", *options]
    return stage.process(sys.executable, "-m", "uvicorn", *words, "shop_asgi:app")


def test_gunicorn(stage):
    """What the master and each of its workers tracked arrives once."""
    stage.answers({"delay": 0.05, "times": 10_000})
    port = servers.closed_port()
    server = gunicorn(stage, port)
    load(f"http://127.0.0.1:{port}", 200)
    os.kill(server.pid, signal.SIGTERM)

    assert ended(server, timeout=40)[0] == 0
    row = stage.settle("gunicorn")
    assert (row.accepted, row.counted, row.doubles) == (231, 231, 0)


def test_uvicorn(stage):
    """Both workers end with their lifespan, which delivers."""
    stage.answers({"delay": 0.05, "times": 10_000})
    port = servers.closed_port()
    server = uvicorn(stage, port, "--workers", "2")
    load(f"http://127.0.0.1:{port}", 200)
    os.kill(server.pid, signal.SIGTERM)

    assert ended(server, timeout=40)[0] == 0
    row = stage.settle("uvicorn")
    assert (row.accepted, row.counted, row.doubles) == (201, 201, 0)


def test_sigterm_web(stage):
    """A request that is under way when the server is told to end is waited for, and what came after it is sent."""
    stage.answers({"delay": 1, "times": 10_000})
    port = servers.closed_port()
    server = uvicorn(stage, port)
    load(f"http://127.0.0.1:{port}", 50)
    until(stage.received)
    os.kill(server.pid, signal.SIGTERM)

    code, _ = ended(server, timeout=40)
    assert code in (0, -signal.SIGTERM)  # uvicorn ends by the signal that it caught, when all is done
    row = stage.settle("SIGTERM, web")
    assert (row.accepted, row.counted, row.doubles) == (51, 51, 0)
