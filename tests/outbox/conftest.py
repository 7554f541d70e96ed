"""The kinds of outbox, each made and put to the same tests."""

import contextlib

import pytest
from redis_fixtures import connect_outbox, redis, redis_server  # noqa: F401 - fixtures

import tiktok_events as tt


class Clock:
    """Seconds that pass when told to."""

    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now


class Kind:
    """How the outboxes of one kind are made, and how their time passes.

    What `outbox()` makes shares one store, empty at first, if its kind can share. Tests count time in `unit` seconds,
    and a kind that cannot be given a clock really waits, so its unit is short. Times it tells are right to within
    `tolerance` seconds. Delays that tests ask for are shorter than the lease of the same claim.
    """

    unit = 1.0
    tolerance = 1e-3

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


KINDS = {"memory": Memory, "sqlite": SQLite, "sqlite-group": SQLiteGroup, "sqlite-full": SQLiteFull}


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    """Each test runs with every kind."""
    one = KINDS[request.param](tmp_path)
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
