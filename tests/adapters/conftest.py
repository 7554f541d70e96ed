"""Fixtures of the adapter contract: a browser at each shop, and sites with a fixed clock and counted ids."""

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
def _no_httpx_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpx logs the requested URLs, which hold click ids."""
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)


@pytest.fixture(autouse=True)
def _nothing_logged_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reset `log_once`, so that earlier tests suppress no message."""
    monkeypatch.setattr("tiktok_events._runtime.log_once._repeats", {})


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--framework NAME`: run the contract with this framework only. It must be installed."""
    parser.addoption("--framework", choices=sorted(SHOPS), help="run the contract with this framework only")


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
    """Run each test of the contract with every installed framework, or with that of `--framework`."""
    if "framework" in metafunc.fixturenames:
        metafunc.parametrize("framework", _frameworks(metafunc.config))


@pytest.fixture
def sink() -> Sink:
    """The client that records server events."""
    return Sink()


@pytest.fixture
def make_site(sink: Sink) -> Callable[..., web.Site]:
    """A function that makes a site with the given options."""

    def make(**options: Any) -> web.Site:
        numbers = itertools.count(1)
        defaults = {
            "client": sink,
            "secret_key": SECRET,
            "clock": lambda: NOW,
            "new_id": lambda: f"{next(numbers):032x}",
        }
        return web.Site(SOURCE, **{**defaults, **options})

    return make


@pytest.fixture
def visit(make_site: Callable[..., web.Site]) -> Iterator[Callable[..., Browser]]:
    """A function that opens a browser at a framework's shop, with options of its site."""
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
