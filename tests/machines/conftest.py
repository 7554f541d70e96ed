"""Several machines, in namespaces of this one: the guard, the dice, and the tables at the end.

`nox -s torture` runs this. Without TIKTOK_EVENTS_TORTURE=1 in the environment nothing here is collected: it needs
root, iproute2, redis-server and a minute.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Callable

import pytest

collect_ignore_glob = [] if os.environ.get("TIKTOK_EVENTS_TORTURE") == "1" else ["*"]
TURNS = 10


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `nox -s torture` takes after `--`."""
    parser.addoption("--long", action="store_true", help=f"cut cables in {TURNS} turns in place of one")
    parser.addoption("--seed", type=int, default=None, help="what happens when; printed by every run")


def pytest_report_header(config: pytest.Config) -> str:
    """How to do the same again."""
    if config.option.seed is None:
        config.option.seed = random.randrange(10**6)
    return f"--seed {config.option.seed}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each turn has dice of its own."""
    if "dice" in metafunc.fixturenames:
        turns = TURNS if metafunc.config.getoption("long", False) else 1
        metafunc.parametrize("dice", range(turns), indirect=True)


@pytest.fixture(scope="session", autouse=True)
def _namespaces() -> None:
    """Without them nothing is tried; where CI is set that is a failure."""
    from network import missing

    why = missing()
    if why and os.environ.get("CI"):
        pytest.fail(why)
    if why:
        pytest.skip(why)


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """What happens when, by the seed and the turn."""
    return random.Random(f"{request.config.option.seed} {request.param}")


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Have a row of the table *title* printed at the end."""

    def told(title: str, **figures: object) -> None:
        row = {name.replace("_", " "): str(figure) for name, figure in figures.items()}
        request.node.user_properties.append(("figures", (title, row)))

    return told


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the tables, in Markdown."""
    tables = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "figures" and report.when == "call":
                    tables[value[0]].append(value[1])
    for title, rows in tables.items():
        terminalreporter.section(title)
        lines = [list(rows[0]), ["---:"] * len(rows[0]), *(list(row.values()) for row in rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        for line in lines:
            cells = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            terminalreporter.write_line(f"| {' | '.join(cells)} |")
