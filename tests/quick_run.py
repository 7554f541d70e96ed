"""The quick run and the full run of the tests.

Plain `pytest` is the quick run: on two processes where pytest-xdist is installed, with fewer generated examples, and
without the tests marked `programs`, which start and kill whole programs, and those of a Redis server. `pytest --full` runs all tests, as nox and
continuous integration do. Tests that are named on the command line always run.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings

_WORKERS = 2


def pytest_addoption(parser):
    """Add `--full`."""
    parser.addoption("--full", action="store_true", help="run all tests, with all generated examples")


def pytest_configure(config):
    """Register the marker, and choose the number of generated examples."""
    config.addinivalue_line("markers", "programs: starts and kills whole programs; left out of the quick run")
    settings.load_profile("full" if is_full(config) else "quick")


def is_full(config):
    """Whether all tests run; workers of pytest-xdist do as their controller."""
    return bool(config.getoption("--full") or os.environ.get("TIKTOK_EVENTS_FULL") == "1")


def examples(number):
    """Hypothesis settings with *number* examples in a full run, and a tenth of them in a quick one."""
    is_quick = settings.default.max_examples < settings.get_profile("full").max_examples
    return settings(max_examples=max(10, number // 10) if is_quick else number)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Use two processes for a whole run, unless `-n` or a debugger is given."""
    options = config.option
    is_worker = hasattr(config, "workerinput")
    if getattr(options, "numprocesses", 0) is None and not (is_worker or options.usepdb) and _is_whole_run(config):
        options.numprocesses = _WORKERS


def pytest_collection_modifyitems(config, items):
    """Leave out the tests marked `programs` in a quick run of everything."""
    if is_full(config) or not _is_whole_run(config):
        return
    left_out = [item for item in items if _needs_programs(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not _needs_programs(item)]


def pytest_report_header(config):
    """Say which run this is."""
    if is_full(config):
        return "full run"
    return "quick run: tests that start programs or a Redis server are left out, and examples are few; --full runs everything"


def _needs_programs(item):
    return item.get_closest_marker("programs") is not None or "redis" in item.nodeid.partition("tests/")[2]


def _is_whole_run(config):
    tests = Path(__file__).parent
    paths = {Path(str(argument).partition("::")[0]).resolve() for argument in config.args}
    return paths <= {tests, tests.parent}
