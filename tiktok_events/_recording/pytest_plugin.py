"""The pytest plugin: the fixture `tiktok`, and a block of this package's network access in every test run.

Every test run of a user imports it, so it imports the rest late.
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
    """The recorder of the events of this test; nothing is sent. See `tiktok_events.testing.Recorder`."""
    from tiktok_events._recording.recorder import capture

    with capture() as recorder:
        yield recorder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--tiktok-live`."""
    parser.getgroup("tiktok-events").addoption(
        "--tiktok-live",
        action="store_true",
        help="let tiktok-events send to other machines: tests that do not record events send real ones",
    )


def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Block the network before a conftest.py imports the app."""
    _close(early_config, is_live=early_config.known_args_namespace.tiktok_live)


def pytest_configure(config: pytest.Config) -> None:
    """Block it where `pytest_plugins` loads the plugin later."""
    _close(config, is_live=bool(config.getoption("--tiktok-live")))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Restore the state of the process, for a test run within a test run."""
    network_guard.is_blocked = config.stash.get(_CLOSED_BEFORE, network_guard.is_blocked)


def _close(config: pytest.Config, *, is_live: bool) -> None:
    config.stash.setdefault(_CLOSED_BEFORE, network_guard.is_blocked)
    network_guard.is_blocked = not is_live
