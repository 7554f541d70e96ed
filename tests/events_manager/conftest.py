"""An Events Manager in the same process, with a clock the test holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from shops import BASE, PIXEL, TOKEN, Clock, Shop

from tiktok_events.events_manager import create_app


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def open_shop(clock: Clock) -> AsyncIterator[Callable[..., Shop]]:
    """Make a manager with the options given, and somebody who talks to it."""
    made: list[Shop] = []

    def opened(**options: Any) -> Shop:
        app = create_app(**{"clock": clock, **options})
        http = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE)
        made.append(Shop(http, app, clock))
        return made[-1]

    yield opened
    for shop in made:
        await shop.http.aclose()
        shop.app.state.events_manager.store.close()


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """A manager that demands a token and a pixel, and takes faults."""
    return open_shop(token=TOKEN, source_id=PIXEL, faults=True)
