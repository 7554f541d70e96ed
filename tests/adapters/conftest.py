"""A visitor of every framework's shop, and a site whose clock and ids stand still."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from contract_apps import SHOPS
from visitor import NOW, SECRET, SOURCE, Browser, Sink

from tiktok_events import web


@pytest.fixture(autouse=True)
def _no_addresses_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of httpx names the address it asks, click id and all; ours does not."""
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)


@pytest.fixture(autouse=True)
def _said_by_no_test_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged once a process is not used up here for the tests that look at it."""
    monkeypatch.setattr("tiktok_events._runtime.log_once._logged", set())


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--framework NAME`: the contract with that one alone, and it must be installed."""
    parser.addoption("--framework", choices=sorted(SHOPS), help="run the contract with this framework alone")


def pytest_configure(config: pytest.Config) -> None:
    only = config.getoption("--framework", default=None)
    if only and (missing := SHOPS[only].missing):
        raise pytest.UsageError(f"--framework {only}: {', '.join(missing)} is not installed")


def _frameworks(config: pytest.Config) -> list[str]:
    only = config.getoption("--framework", default=None)
    return [only] if only else [name for name, shop in SHOPS.items() if not shop.missing]


def pytest_report_header(config: pytest.Config) -> str:
    return f"contract: {', '.join(_frameworks(config))}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test of the contract runs with every framework that is installed, or with the one that was asked for."""
    if "framework" in metafunc.fixturenames:
        metafunc.parametrize("framework", _frameworks(metafunc.config))


@pytest.fixture
def sink() -> Sink:
    """Where the server events end."""
    return Sink()


@pytest.fixture
def make_site(sink: Sink) -> Callable[..., web.Site]:
    """Make sites with the options given."""

    def make(**options: Any) -> web.Site:
        numbers = itertools.count(1)
        known = {"client": sink, "secret_key": SECRET, "clock": lambda: NOW, "new_id": lambda: f"{next(numbers):032x}"}
        return web.Site(SOURCE, **{**known, **options})

    return make


@pytest.fixture
def visit(make_site: Callable[..., web.Site]) -> Iterator[Callable[..., Browser]]:
    """Open a browser at a framework's shop, with the site's options given."""
    opened: list[Browser] = []

    def open_browser(framework: str, **options: Any) -> Browser:
        shop = SHOPS[framework]
        opened.append(Browser(shop.make(make_site(**options)), is_asgi=shop.is_asgi))
        return opened[-1]

    yield open_browser
    for browser in opened:
        browser.close()


@pytest.fixture
def browser(visit: Callable[..., Browser], framework: str) -> Browser:
    """A browser at the shop of the framework under test."""
    return visit(framework)
