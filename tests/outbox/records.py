"""Records to put, what tests say of claims, and processes beside the test's own."""

import contextlib
import json
import os
import sqlite3
import sys
import time

import markers
import pytest

import tiktok_events as tt

WEB = ("web", "C0EXAMPLE0EXAMPLE000", None)
TEST = ("web", "C0EXAMPLE0EXAMPLE000", "TEST1")
APP = ("app", "7001", None)
ROUTES = (WEB, TEST, APP)
DATA = b'{"user":{"email":"%s"}}' % min(markers.DIGESTS).encode()
FORKS_WITH_THREADS = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="processes and boots are known where there is a /proc")


def record(number, route=WEB, data=DATA):
    """One record."""
    return tt.Record(*route, f"e{number}", data)


def records(number, route=WEB):
    """So many records."""
    return [record(n, route) for n in range(number)]


def ids(those):
    """Whose they are: claims or dead letters."""
    return [one.record.event_id for one in those]


def claim(outbox, limit=10, lease=30.0, routes=ROUTES):
    """Claim with the defaults of these tests."""
    return outbox.claim(limit, lease=lease, routes=routes)


def becomes_true(what, seconds=10):
    """Whether it does, looked at often, within *seconds*."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def in_child(work):
    """What *work* returns (as JSON) in a forked child."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        told = {"error": "nothing was returned"}
        try:
            told = {"result": work()}
        except BaseException as error:  # noqa: BLE001 - the parent's test fails instead
            told = {"error": repr(error)}
        finally:
            os.write(writer, json.dumps(told).encode())
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        told = json.load(pipe)
    os.waitpid(child, 0)
    assert "error" not in told, told
    return told["result"]


def drain(outbox):
    """The ids of everything in it, which is then acknowledged."""
    seen = []
    while claims := outbox.claim(1_000, lease=30, routes=ROUTES):
        seen += ids(claims)
        outbox.ack(claims)
    return seen


def changed(path, statement):
    """Do something to the file that no outbox does."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def keyed(number, route=WEB):
    """The record of an event with a key."""
    return tt.Record(*route, f"k{number}", DATA, True)
