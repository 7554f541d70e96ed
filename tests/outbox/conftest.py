"""The kinds of outbox, each made and put to the same tests."""

import contextlib
import sqlite3
import time

import pytest
import redis_time
from clocks import Clock
from records import ROUTES

import tiktok_events as tt


class Kind:
    """How the outboxes of one kind are made, and how their time passes.

    What `outbox()` makes shares one store, empty at first, if its kind can share. Tests count time in `unit` seconds,
    and a kind that cannot be given a clock really waits, so its unit is short. Times it tells are right to within
    `tolerance` seconds. Delays that tests ask for are shorter than the lease of the same claim.
    """

    unit = 1.0
    tolerance = 1e-3
    needs = ()
    """The fixtures it is made with, besides a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = Clock()
        self.made = []

    def outbox(self, **settings):
        """One more outbox; it is closed after the test."""
        self.made.append(self.make(**settings))
        return self.made[-1]

    def pass_time(self, units):
        """Let *units* pass."""
        self.clock.now += units * self.unit

    def about(self, units):
        """Equal to as many seconds."""
        return pytest.approx(units * self.unit, abs=self.tolerance)

    def now(self):
        """The time, in seconds."""
        return self.clock()

    def since(self, then):
        """Equal to the seconds since *then*."""
        return pytest.approx(self.now() - then, abs=self.tolerance)

    def close(self):
        for outbox in self.made:
            with contextlib.suppress(tt.OutboxUnavailable):
                outbox.close()


class Memory(Kind):
    """In this process."""

    def make(self, **settings):
        return tt.MemoryOutbox(clock=self.clock, **settings)


class SQLite(Kind):
    """In a file."""

    def make(self, **settings):
        clocks = {"clock": self.clock, "wall_clock": lambda: 1_800_000_000 + self.clock()}
        # These tests are not about being busy, and the machine may be.
        return tt.SQLiteOutbox(self.folder / "outbox.db", **{"busy_wait": 5, **clocks, **settings})


class SQLiteGroup(SQLite):
    """In a file, written by a thread."""

    def make(self, **settings):
        return super().make(commit="group", **settings)


class SQLiteFull(SQLite):
    """In a file, on the disk before `put` returns."""

    def make(self, **settings):
        return super().make(synchronous="FULL", **settings)


class Redis(Kind):
    """In a real Redis. Its clock cannot be set, so what is claimed is made older instead."""

    tolerance = 2.0
    needs = ("redis",)

    def __init__(self, folder, server):
        super().__init__(folder)
        self.server = server

    def make(self, **settings):
        return tt.RedisOutbox(self.server.url, **settings)

    def pass_time(self, units):
        time.sleep(0.01)
        with self.server.client() as raw:
            redis_time.let_pass(raw, units * self.unit)

    def now(self):
        return time.time()


KINDS = {"memory": Memory, "sqlite": SQLite, "sqlite-group": SQLiteGroup, "sqlite-full": SQLiteFull, "redis": Redis}


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    """Each test runs with every kind."""
    make = KINDS[request.param]
    one = make(tmp_path, *map(request.getfixturevalue, make.needs))
    yield one
    one.close()


@pytest.fixture
def clock():
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def outbox(kind):
    """An empty outbox."""
    return kind.outbox()


@pytest.fixture
def claim(kind):
    """Claim from an outbox: 10 records of any route, for 30 units of time."""

    def claimed(outbox, limit=10, lease=30, routes=ROUTES):
        return outbox.claim(limit, lease=lease * kind.unit, routes=routes)

    return claimed


@pytest.fixture
def give_back(kind):
    """Give claims back, for a delay in units of time."""
    return lambda outbox, claims, delay=0: outbox.nack(claims, delay=delay * kind.unit, reason="x")


@pytest.fixture
def path(tmp_path):
    """Where the file will be."""
    return tmp_path / "outbox.db"


@pytest.fixture
def make(path):
    """Outboxes in that file, closed after the test."""
    made = []

    def maker(where=path, **settings):
        made.append(tt.SQLiteOutbox(where, **{"busy_wait": 5, **settings}))
        return made[-1]

    yield maker
    for one in made:
        with contextlib.suppress(tt.TikTokEventsError):
            one.close()


@pytest.fixture
def hold(path):
    """Begin to write into the file, and go on until told to stop."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as other:

        @contextlib.contextmanager
        def held():
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

        yield held
