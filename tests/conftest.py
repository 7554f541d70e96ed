"""What every test of the core shares: a fake TikTok, clients that need no await, and the watch over personal data."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, settings

import tiktok_events as tt
from tiktok_events.testing import SOURCE, FakeTikTok

pytest_plugins = ["quick_run", "marker_hook", "reference_table", "redis_fixtures", "pytester"]
# Without the extra `manager` there is no Events Manager to test; `nox -s tests_bare` runs the rest.
collect_ignore = [] if find_spec("starlette") else ["events_manager"]
# Both take options of their own, and minutes; `nox -s torture` runs one after the other.
if os.environ.get("TIKTOK_EVENTS_TORTURE") != "1":
    collect_ignore += ["torture", "machines"]

# A shell has what it starts in the background ignore SIGINT, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Machines that run tests are slow at times, which says nothing about the code.
settings.register_profile(
    "full", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)
settings.register_profile("quick", settings.get_profile("full"), max_examples=20)


class Awaited:
    """An `AsyncClient` on a loop of its own, driven like a `Client`."""

    def __init__(self, client: tt.AsyncClient) -> None:
        self.client = client
        self._runner = asyncio.Runner()

    def track(self, *events: Any) -> tt.TrackResponse:
        return self._runner.run(self.client.track(*events))

    def track_many(self, events: Any, on_progress: Any = None) -> tt.TrackResponse:
        return self._runner.run(self.client.track_many(events, on_progress))

    def post(self, body: bytes) -> tt.TrackResponse:
        return self._runner.run(self.client.post(body))

    def __enter__(self) -> Self:
        self._runner.run(self.client.__aenter__())
        return self

    def __exit__(self, *exception: object) -> None:
        self._runner.run(self.client.__aexit__(*exception))

    def close(self) -> None:
        self._runner.run(self.client.close())

    def end(self) -> None:
        self.close()
        self._runner.close()

    @property
    def url(self) -> str:
        return self.client.url

    def __repr__(self) -> str:
        return repr(self.client)


class Blocking:
    """A `Client`, with the adapter's one further method."""

    def __init__(self, client: tt.Client) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def __enter__(self) -> Self:
        self.client.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self.client.__exit__(*exception)

    def end(self) -> None:
        self.client.close()

    def __repr__(self) -> str:
        return repr(self.client)


@pytest.fixture
def tiktok() -> FakeTikTok:
    """A TikTok that answers as told and keeps what it was sent."""
    return FakeTikTok()


@pytest.fixture(params=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    """Each test that uses a client runs with both kinds."""
    return bool(request.param == "async")


@pytest.fixture
def connect(is_async: bool) -> Iterator[Callable[..., Any]]:
    """Make clients with the options given, of the kind under test; they are closed afterwards."""
    made: list[Any] = []

    def connected(source: tt.EventSource = SOURCE, **options: Any) -> Any:
        options = {"retry": tt.RetryPolicy(first_wait=0, max_wait=0), **options}
        made.append(Awaited(tt.AsyncClient(source, **options)) if is_async else Blocking(tt.Client(source, **options)))
        return made[-1]

    yield connected
    for client in made:
        client.end()


@pytest.fixture
def fake_http(tiktok: FakeTikTok, is_async: bool) -> Any:
    """The fake TikTok as an httpx client of the kind under test."""
    import httpx

    return httpx.AsyncClient(transport=tiktok) if is_async else httpx.Client(transport=tiktok)


@pytest.fixture
def make_client(connect: Callable[..., Any], fake_http: Any) -> Callable[..., Any]:
    """Make clients of the fake TikTok with the options given."""
    return lambda source=SOURCE, **options: connect(source, http=fake_http, **options)


@pytest.fixture
def client(make_client: Callable[..., Any]) -> Any:
    """A client of the fake TikTok that never waits between tries."""
    return make_client()


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the environment it happens to run in."""
    for name in os.environ:
        if name.startswith("TIKTOK_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
