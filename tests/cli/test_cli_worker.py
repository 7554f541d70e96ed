"""Tests of `worker`: a process that delivers the events of an outbox until SIGTERM."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from contextlib import closing

import pytest
from clocks import until

import tiktok_events as tt
from tiktok_events.events_manager import running

pytestmark = pytest.mark.programs

SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token")


@pytest.fixture
def url(tmp_path):
    """The URL of the outbox."""
    return f"sqlite:///{tmp_path}/tiktok.db"


@pytest.fixture
def put(tmp_path):
    """Put events into the outbox, as a web process would."""

    def put_events(*names, source=SOURCE):
        outbox = tt.SQLiteOutbox(tmp_path / "tiktok.db")
        # A loopback URL, because a test run blocks events for other hosts even when they go to an outbox.
        client = tt.Client(source, base_url="http://127.0.0.1:9/open_api/v1.3")
        with tt.BackgroundClient(client, outbox, deliver=False) as background:
            background.track(
                *(
                    tt.Event("Contact", event_id=name, event_time=int(time.time()), user={"email": "a@example.com"})
                    for name in names
                )
            )
        return outbox

    return put_events


@pytest.fixture
def environment(manager):
    """The environment of a worker."""
    return {
        "TIKTOK_PIXEL_CODE": SOURCE.event_source_id,
        "TIKTOK_ACCESS_TOKEN": "token",
        "TIKTOK_API_URL": f"{manager.url}/open_api/v1.3",
    }


def test_once_delivers_due_events(run, put, url, manager, environment):
    """--once delivers due events and exits with 0."""
    outbox = put("e0", "e1")
    result = run("worker", "--once", TIKTOK_OUTBOX_URL=url, **environment)

    assert result.returncode == 0, result.stderr
    assert result.stderr.splitlines()[-1] == "Ended   2 delivered, 0 waiting"
    assert "token" not in result.stderr
    assert manager.summary()["conversions"] == 2
    assert outbox.depth() == 0
    outbox.close()


def test_once_exits_with_1_if_events_are_left(run, put, url, fault, environment):
    """If a request fails, --once exits with 1 and the events stay in the outbox."""
    fault({"code": 50000, "times": 1})
    outbox = put("e0")
    result = run("worker", "--once", "--outbox", url, **environment)

    assert result.returncode == 1
    assert "1 waiting" in result.stderr
    assert outbox.depth() == 1
    outbox.close()


def test_worker_delivers_until_sigterm(shell_command, put, url, manager, environment):
    """Events put while the worker runs are delivered. After SIGTERM it prints the counts and exits with 0."""
    outbox = put("e0")
    process = subprocess.Popen(
        **shell_command("worker", "--outbox", url, "--report", "0.05", **environment), stderr=subprocess.PIPE, text=True
    )
    try:
        until(lambda: outbox.depth() == 0)
        put("e1", "e2").close()
        until(lambda: outbox.depth() == 0)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20)
    finally:
        process.kill()
    outbox.close()

    assert process.returncode == 0
    assert errors.splitlines()[-1] == "Ended   3 delivered, 0 waiting"
    assert " waiting" in errors.partition(" INFO ")[2]
    assert manager.summary()["conversions"] == 3


def test_events_of_other_sources_stay(run, put, url, environment):
    """A worker leaves events of sources that its environment does not configure."""
    put("e0", source=tt.EventSource.crm("7003", "token")).close()
    outbox = put("e1")
    result = run("worker", "--once", "--outbox", url, **environment)

    assert result.returncode == 0
    assert outbox.depth() == 1
    outbox.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "TIKTOK_OUTBOX_URL"),
        (("--outbox", "memory:"), "cannot read an outbox in memory"),
        (("--outbox", "mysql://zzpii:zzpii@queue/"), "sqlite:///"),
        (("--outbox", "sqlite:///x.db?zzpii=1"), "commit"),
        (("--outbox", "redis://:zzpii@127.0.0.1:zzpii/0"), "redis://host"),
        (("--outbox", "sqlite:///x.db", "--rate", "0"), "--rate"),
    ],
)
def test_invalid_options_are_explained(run, arguments, message, environment):
    """An invalid option exits with 2, and the message never contains a password."""
    result = run("worker", "--once", *arguments, **environment)

    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert "zzpii" not in result.stderr


def test_other_database_is_not_changed(run, tmp_path, environment):
    """A SQLite file of another program is left unchanged, and the worker exits with 1."""
    with closing(sqlite3.connect(tmp_path / "orders.db")) as connection:
        connection.execute("CREATE TABLE orders (number INTEGER)")
    before = (tmp_path / "orders.db").read_bytes()
    result = run("worker", "--once", "--outbox", "sqlite:///orders.db", **environment)

    assert result.returncode == 1
    assert "Stopped " in result.stderr
    assert "Traceback" not in result.stderr
    assert (tmp_path / "orders.db").read_bytes() == before


def test_missing_token_names_the_variable(run, url):
    """Without an event source, the worker exits with 2 and names the variables."""
    result = run("worker", "--once", "--outbox", url)

    assert result.returncode == 2
    assert "TIKTOK_PIXEL_CODE" in result.stderr


def test_rejected_token_keeps_events(run, put, url, environment):
    """A rejected token is logged once as an error, and all events stay in the outbox."""
    outbox = put(*(f"e{n}" for n in range(5)))
    with running(token="another") as strict:
        result = run(
            "worker", "--once", "--outbox", url, **{**environment, "TIKTOK_API_URL": f"{strict.url}/open_api/v1.3"}
        )

    assert result.returncode == 1
    assert result.stderr.count("nothing is delivered until the token or the settings are fixed") == 1
    assert outbox.depth() == 5
    outbox.close()
