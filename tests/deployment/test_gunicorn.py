"""gunicorn and uvicorn, started as the recipes say; tests/torture has them with `preload_app`, under load."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
import servers
from clocks import until
from conftest import Shop, ended, needs

needs("gunicorn", "uvicorn")
PAGES = [f"page-{number:02}" for number in range(20)]


def gunicorn(shop: Shop, *options: object, **environment: str):
    """Two workers that import the shop themselves."""
    words = ["-m", "gunicorn", "--workers", "2", "--bind", shop.address, *options, "wsgi_shop:app"]
    server = shop.start(sys.executable, *words, **environment)
    shop.comes_up()
    return server


@pytest.mark.parametrize(
    "options", [(), ("--threads", 4), ("--max-requests", 3)], ids=["sync", "threads", "max-requests"]
)
def test_gunicorn_delivers_at_its_end(shop, options):
    """Whatever kind its workers are of, and also those that are replaced after some pages."""
    server = gunicorn(shop, *options)
    shop.visit(*PAGES)
    os.kill(server.pid, signal.SIGTERM)

    assert ended(server)[0] == 0
    assert shop.arrived == sorted(["up", *PAGES])


def test_gunicorn_delivers_at_a_reload(shop):
    """SIGHUP ends the old workers as SIGTERM does."""
    server = gunicorn(shop)
    before = set(shop.visit(*PAGES))
    os.kill(server.pid, signal.SIGHUP)
    until(lambda: shop.visit("later")[0] not in before)
    os.kill(server.pid, signal.SIGTERM)

    assert ended(server)[0] == 0
    assert shop.arrived == sorted(["later", "up", *PAGES])


def test_a_graceful_timeout_that_is_too_short_needs_an_outbox(shop):
    """A worker that is killed while it delivers leaves the rest in the file, for whoever comes next."""

    def take_long(handler):
        time.sleep(5)
        servers.answer_ok(handler)

    shop.tiktok.respond = take_long
    url = {"TIKTOK_OUTBOX_URL": "sqlite:///tiktok.db"}
    server = gunicorn(shop, "--graceful-timeout", 1, **url)
    shop.visit(*PAGES)
    os.kill(server.pid, signal.SIGTERM)
    ended(server)
    shop.tiktok.respond = servers.answer_ok
    taken = len(shop.tiktok.event_ids)
    next_one = shop.start(sys.executable, "-m", "tiktok_events.cli", "worker", "--once", **url)

    assert ended(next_one)[0] == 0
    assert len(shop.tiktok.event_ids) > taken
    assert shop.arrived == sorted(["up", *PAGES])


def test_uvicorn_delivers_at_its_end(shop):
    """Each of its workers when its lifespan ends."""
    host, port = shop.address.split(":")
    words = ["-m", "uvicorn", "--workers", "2", "--host", host, "--port", port, "asgi_shop:app"]
    server = shop.start(sys.executable, *words)
    shop.comes_up()
    shop.visit(*PAGES)
    os.kill(server.pid, signal.SIGTERM)

    assert ended(server)[0] == 0
    assert shop.arrived == sorted(["up", *PAGES])
