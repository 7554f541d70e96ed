"""`worker`: a process that delivers what another one put, until it is told to stop."""

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
    """The outbox of these tests."""
    return f"sqlite:///{tmp_path}/tiktok.db"


@pytest.fixture
def put(tmp_path):
    """Put events into the outbox, as a web process would."""

    def put_events(*names, source=SOURCE):
        outbox = tt.SQLiteOutbox(tmp_path / "tiktok.db")
        # To this machine: a test run lets nothing leave for anywhere else, not even by way of an outbox.
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
    """What a worker is given."""
    return {
        "TIKTOK_PIXEL_CODE": SOURCE.event_source_id,
        "TIKTOK_ACCESS_TOKEN": "token",
        "TIKTOK_API_URL": f"{manager.url}/open_api/v1.3",
    }


def test_once_delivers_what_is_due(run, put, url, manager, environment):
    """And ends with 0, as cron wants it."""
    outbox = put("e0", "e1")
    done = run("worker", "--once", TIKTOK_OUTBOX_URL=url, **environment)

    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "Ended   2 delivered, 0 waiting"
    assert "token" not in done.stderr
    assert manager.summary()["conversions"] == 2
    assert outbox.depth() == 0
    outbox.close()


def test_once_says_when_something_is_left(run, put, url, fault, environment):
    """With 1, and the events stay."""
    fault({"code": 50000, "times": 1})
    outbox = put("e0")
    done = run("worker", "--once", "--outbox", url, **environment)

    assert done.returncode == 1
    assert "1 waiting" in done.stderr
    assert outbox.depth() == 1
    outbox.close()


def test_it_delivers_until_it_is_told_to_stop(outside, put, url, manager, environment):
    """What comes while it runs goes at once; SIGTERM ends it, with 0, and says what was done."""
    outbox = put("e0")
    process = subprocess.Popen(
        **outside("worker", "--outbox", url, "--report", "0.05", **environment), stderr=subprocess.PIPE, text=True
    )
    try:
        until(lambda: outbox.depth() == 0)
        put("e1", "e2").close()
        until(lambda: outbox.depth() == 0)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=20)
    finally:
        process.kill()
    outbox.close()

    assert process.returncode == 0
    assert told.splitlines()[-1] == "Ended   3 delivered, 0 waiting"
    assert " waiting" in told.partition(" INFO ")[2]
    assert manager.summary()["conversions"] == 3


def test_events_of_other_sources_stay(run, put, url, environment):
    """A worker has the tokens that it was given, and no others."""
    put("e0", source=tt.EventSource.crm("7003", "token")).close()
    outbox = put("e1")
    done = run("worker", "--once", "--outbox", url, **environment)

    assert done.returncode == 0
    assert outbox.depth() == 1
    outbox.close()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "TIKTOK_OUTBOX_URL"),
        (("--outbox", "memory:"), "belongs to one process"),
        (("--outbox", "mysql://zzpii:zzpii@queue/"), "sqlite:///"),
        (("--outbox", "sqlite:///x.db?zzpii=1"), "commit"),
        (("--outbox", "redis://:zzpii@127.0.0.1:zzpii/0"), "redis://host"),
        (("--outbox", "sqlite:///x.db", "--rate", "0"), "--rate"),
    ],
)
def test_what_it_cannot_use_is_said(run, arguments, told, environment):
    """With 2, and no word of a password."""
    done = run("worker", "--once", *arguments, **environment)

    assert done.returncode == 2, done.stderr
    assert told in done.stderr
    assert "zzpii" not in done.stderr


def test_a_file_that_is_something_else_is_left_alone(run, tmp_path, environment):
    """It says so, and ends with 1."""
    with closing(sqlite3.connect(tmp_path / "orders.db")) as connection:
        connection.execute("CREATE TABLE orders (number INTEGER)")
    before = (tmp_path / "orders.db").read_bytes()
    done = run("worker", "--once", "--outbox", "sqlite:///orders.db", **environment)

    assert done.returncode == 1
    assert "Stopped " in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "orders.db").read_bytes() == before


def test_without_a_token_it_names_the_variable(run, url):
    """There is nothing that it could deliver."""
    done = run("worker", "--once", "--outbox", url)

    assert done.returncode == 2
    assert "TIKTOK_PIXEL_CODE" in done.stderr


def test_a_rejected_token_keeps_everything(run, put, url, environment):
    """Said once, as an error."""
    outbox = put(*(f"e{n}" for n in range(5)))
    with running(token="another") as strict:
        done = run(
            "worker", "--once", "--outbox", url, **{**environment, "TIKTOK_API_URL": f"{strict.url}/open_api/v1.3"}
        )

    assert done.returncode == 1
    assert done.stderr.count("nothing is delivered until the token or the settings are fixed") == 1
    assert outbox.depth() == 5
    outbox.close()
