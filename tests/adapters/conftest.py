"""One browser for every framework, over httpx's own transports; and a site whose clock and dice stand still."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from contract_apps import SHOPS

import tiktok_events as tt
from tiktok_events import web

SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token", id_namespace="shop")
NOW = 1_790_000_000.0
IP = "9.9.9.9"
SECRET = "a secret of sixteen or more"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NAVIGATION = {
    "accept": "text/html,application/xhtml+xml",
    "accept-language": "de-AT,de;q=0.8",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "same-origin",
    "user-agent": AGENT,
}
FETCH = {**NAVIGATION, "accept": "*/*", "sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}
_PUSH = re.compile(r"\(window\.tiktokEvents=window\.tiktokEvents\|\|\[\]\)\.push\((\{.*?\})\);</script>", re.DOTALL)


class Sink:
    """Takes the server events and keeps them."""

    def __init__(self) -> None:
        self.events: list[tt.Event] = []

    def track(self, *events: tt.Event) -> None:
        self.events += events

    def named(self, name: str) -> list[tt.Event]:
        return [event for event in self.events if event.event == name]

    def wire(self) -> list[dict[str, Any]]:
        """What TikTok would be sent."""
        return [item for one in self.events for item in json.loads(tt.encode(SOURCE, [one]))["data"]]


class Browser:
    """A browser with cookies at an app of any framework."""

    def __init__(self, app: Any, *, is_asgi: bool, base_url: str = "https://shop.example") -> None:
        self._runner = asyncio.Runner() if is_asgi else None
        options: dict[str, Any] = {"base_url": base_url, "headers": {"user-agent": AGENT}}
        if is_asgi:
            self._client: Any = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(IP, 50_000)), **options)
        else:
            self._client = httpx.Client(transport=httpx.WSGITransport(app, remote_addr=IP), **options)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **{"headers": NAVIGATION, **options})

    def post(self, path: str, data: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, data=data, **{"headers": NAVIGATION, **options})

    def request(self, *args: Any, **options: Any) -> httpx.Response:
        asked = self._client.request(*args, **options)
        return self._runner.run(asked) if self._runner else asked

    def close(self) -> None:
        if self._runner:
            self._runner.run(self._client.aclose())
            self._runner.close()
        else:
            self._client.close()


def calls(response: httpx.Response | str) -> list[dict[str, Any]]:
    """The pixel calls that a page makes."""
    text = response if isinstance(response, str) else response.text
    return [call for data in _PUSH.findall(text) for call in json.loads(data)["calls"]]


@pytest.fixture(autouse=True)
def _no_addresses_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of httpx names the address it asks, click id and all; ours does not."""
    monkeypatch.setattr(logging.getLogger("httpx"), "disabled", True)


@pytest.fixture(autouse=True)
def _said_by_no_test_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is logged once a process is not used up here for the tests that look at it."""
    monkeypatch.setattr("tiktok_events.web._consent._said", set())


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
        dice = itertools.count(1)
        known = {"client": sink, "secret_key": SECRET, "clock": lambda: NOW, "dice": lambda: f"{next(dice):032x}"}
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
