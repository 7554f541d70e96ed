"""The pytest plugin: the fixture `tiktok`, and a network that is closed to this package in every run.

It is imported in every run of its users, so it imports what it needs when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tiktok_events._api import network_guard

if TYPE_CHECKING:
    from tiktok_events._recording.recorder import Recorder

_CLOSED_BEFORE = pytest.StashKey[bool]()


@pytest.fixture
def tiktok() -> Iterator[Recorder]:
    """What your code reports to TikTok in this test; nothing is sent. See `tiktok_events.testing.Recorder`."""
    from tiktok_events._recording.recorder import capture

    with capture() as recorder:
        yield recorder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--tiktok-live`."""
    parser.getgroup("tiktok-events").addoption(
        "--tiktok-live",
        action="store_true",
        help="let tiktok-events reach other machines than this one: events of tests that do not record are really sent",
    )


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Close the network before a conftest.py imports the app."""
    _close(early_config, is_live=early_config.known_args_namespace.tiktok_live)


def pytest_configure(config: pytest.Config) -> None:
    """Close it where the plugin came later, by `pytest_plugins`."""
    _close(config, is_live=bool(config.getoption("--tiktok-live")))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the process as it was, for a run within a run."""
    network_guard.is_blocked = config.stash.get(_CLOSED_BEFORE, network_guard.is_blocked)


def _close(config: pytest.Config, *, is_live: bool) -> None:
    config.stash.setdefault(_CLOSED_BEFORE, network_guard.is_blocked)
    network_guard.is_blocked = not is_live
