"""An outbox whose time the tests pass."""

import pytest
from clocks import Clock

import tiktok_events as tt


@pytest.fixture
def clock():
    """The clock of outbox and worker."""
    return Clock()


@pytest.fixture
def outbox(clock):
    """An empty outbox."""
    return tt.MemoryOutbox(clock=clock)
