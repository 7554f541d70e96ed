"""Hostile peers, callers in strange places, error trackers and long input: each case with what is expected and seen.

A test is marked `case("what happens", "what is expected")` and calls `seen("what happened")` at its end. `--table` prints the
rows as Markdown for docs/explanation/resilience.md. A test that is marked `slow` runs in the session `torture` only.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator

import pytest

IS_TORTURE = os.environ.get("TIKTOK_EVENTS_TORTURE") == "1"


def pytest_addoption(parser: pytest.Parser) -> None:
    """What pytest takes for this folder."""
    parser.addoption("--table", action="store_true", help="print the cases, what is expected and what was seen")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers."""
    config.addinivalue_line("markers", "case(name, expected): a row of docs/explanation/resilience.md")
    config.addinivalue_line("markers", "slow: runs in the session torture only")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave slow cases to the session torture."""
    for item in items:
        if item.get_closest_marker("slow") and not IS_TORTURE:
            item.add_marker(pytest.mark.skip(reason="slow: uvx nox -s torture"))


@pytest.fixture
def seen(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say what happened, for the table. Parameters of a test are shown in brackets."""

    def tell(what: str) -> None:
        name, expected = request.node.get_closest_marker("case").args
        parameters = getattr(request.node, "callspec", None)
        request.node.user_properties.append(("case", (name, parameters.id if parameters else "", expected, what)))

    return tell


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Print the rows."""
    if not getattr(config.option, "table", False):
        return
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, ())]
    rows = [value for report in reports for name, value in report.user_properties if name == "case"]
    terminalreporter.section("resilience")
    for row in [("case", "with", "expected", "seen"), ("---",) * 4, *sorted(set(rows))]:
        terminalreporter.write_line(f"| {' | '.join(row)} |")


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    """Every delivery thread of a test ends with it. Those of earlier tests of other folders may live."""
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 3
    while left := [one for one in set(threading.enumerate()) - before if one.name == "tiktok-events"]:
        assert time.monotonic() < until, left
        time.sleep(0.01)
