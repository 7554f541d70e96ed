"""Real processes, a real Redis and a real Events Manager, and everything that can happen to a queue of events.

`nox -s torture` runs this and prints a table of what was accepted and what became of it; `-- --long` kills 200 times
in place of 20, `-- --peers` tries other SDKs. Without TIKTOK_EVENTS_TORTURE=1 in the environment nothing here is
collected: it needs redis-server and minutes.
"""

from __future__ import annotations

import itertools
import os
import random
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest

collect_ignore_glob = [] if os.environ.get("TIKTOK_EVENTS_TORTURE") == "1" else ["*"]
OUTBOXES = ("memory", "sqlite", "redis")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What `nox -s torture` takes after `--`."""
    parser.addoption("--long", action="store_true", help="kill 200 times in place of 20")
    parser.addoption("--peers", action="store_true", help="try posthog and segment too")
    parser.addoption("--seed", type=int, default=None, help="when to kill; printed by every run")


def pytest_configure(config: pytest.Config) -> None:
    """One seed for all workers of pytest-xdist: the controller's."""
    config.addinivalue_line("markers", "outboxes(*kinds): the outboxes a case is tried with; all of them without it")
    config.addinivalue_line("markers", "peers: tried with --peers only")
    handed_on = getattr(config, "workerinput", {}).get("seed")
    if handed_on is not None:
        config.option.seed = handed_on
    elif config.option.seed is None:
        config.option.seed = random.randrange(10**6)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Hand the seed to a worker of pytest-xdist."""
    node.workerinput["seed"] = node.config.option.seed


def pytest_report_header(config: pytest.Config) -> str:
    """How to do the same again."""
    return f"--seed {config.option.seed}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the peers out unless they were asked for, and begin with what takes longest."""
    if not config.option.peers:
        items[:] = [item for item in items if item.get_closest_marker("peers") is None]
    items.sort(key=lambda item: "kill" not in item.name)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each case that has a stage is tried with every outbox, or with those that its marker names."""
    if "kind" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("outboxes")
        metafunc.parametrize("kind", marker.args if marker else OUTBOXES)


@pytest.fixture
def server(own_redis):
    """A redis-server that keeps what it has confirmed, whatever becomes of it."""
    # fsync does not matter: what is written outlives the process. But waiting for a slow disk, "everysec" confirms up to
    # two seconds of commands before it writes them.
    return own_redis("--appendonly", "yes", "--appendfsync", "always")


@pytest.fixture
def outbox_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A new outbox's."""
    if kind == "redis":
        return f"{request.getfixturevalue('server').url}/0"
    return {"memory": "memory:", "sqlite": f"sqlite:///{tmp_path / 'outbox.db'}"}[kind]


@pytest.fixture
def stage(kind: str, outbox_url: str, tmp_path: Path, request: pytest.FixtureRequest):
    """A place for one case; its row goes into the table."""
    from stage import TOKEN, Stage

    from tiktok_events.events_manager import running

    with running(faults=True, token=TOKEN) as manager, ExitStack() as undo:
        made = Stage(tmp_path, kind, outbox_url, manager, undo)
        yield made
        if made.row is not None:
            request.node.user_properties.append(("row", attrs.asdict(made.row)))


@pytest.fixture
def dice(request: pytest.FixtureRequest) -> random.Random:
    """When to kill, by the seed and the case."""
    return random.Random(f"{request.config.option.seed} {request.node.name}")


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    """How often."""
    return 200 if request.config.option.long else 20


def pytest_terminal_summary(terminalreporter) -> None:
    """Print the tables."""
    import ledger
    from cases import CASES

    def told(name):
        reports = itertools.chain.from_iterable(terminalreporter.stats.values())
        ended = [one for one in reports if getattr(one, "when", "") == "teardown"]
        return [value for report in ended for key, value in report.user_properties if key == name]

    order = list(CASES)
    rows = [ledger.Row(**one) for one in told("row")]
    rows.sort(key=lambda row: (order.index(row.case), OUTBOXES.index(row.outbox)))
    if rows:
        terminalreporter.section("torture")
        terminalreporter.write_line(ledger.table(rows))
        missing = sum(row.missing for row in rows)
        seed = terminalreporter.config.option.seed
        terminalreporter.write_line(f"\n{len(rows)} rows, {missing} missing, --seed {seed}")
    peers = sorted(told("peer"), key=lambda one: order.index(one["case"]))
    if peers:
        terminalreporter.section("beside other SDKs")
        terminalreporter.write_line(ledger.aligned(list(peers[0]), [list(one.values()) for one in peers], left=6))
