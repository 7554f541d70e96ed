"""Celery with a queue in a folder: tasks that report, and beat that has an outbox drained."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from clocks import until
from conftest import Shop, ended, needs

import tiktok_events as tt

needs("celery")
ORDERS = [f"order-{number:02}" for number in range(10)]


@pytest.fixture
def celery(shop: Shop):
    """Start `celery -A tasks`, with what follows."""
    (shop.folder / "queue").mkdir()

    def start(*words: object, **environment: str):
        return shop.start(sys.executable, "-m", "celery", "-A", "tasks", *words, **environment)

    return start


@pytest.fixture
def ordered(shop: Shop, celery):
    """Start a worker with two children once tasks that report are waiting for it."""
    ordering = "import tasks, sys; [tasks.ordered.delay(number) for number in sys.argv[1:]]"
    assert ended(shop.start(sys.executable, "-c", ordering, *ORDERS))[0] == 0

    def start(*options: object):
        return celery("worker", "--concurrency", 2, "--pool", "prefork", *options)

    return start


@pytest.mark.parametrize("seconds", [3.5])
def test_the_children_of_a_worker_that_ends_deliver(shop, ordered):
    """They run no atexit; and two requests take longer than Celery takes to end."""
    worker = ordered()
    until(lambda: all((shop.folder / number).exists() for number in ORDERS))
    os.kill(worker.pid, signal.SIGTERM)

    assert ended(worker)[0] == 0
    assert shop.arrived == ORDERS


def test_children_that_are_replaced_deliver(shop, ordered):
    """Each ends after two tasks, with one of their events still to be sent, and the worker goes on."""
    worker = ordered("--max-tasks-per-child", 2)
    until(lambda: shop.arrived == ORDERS)

    assert worker.poll() is None


def test_beat_has_the_outbox_drained(shop, celery):
    """The shop only puts; a task of Celery's delivers."""
    file = shop.folder / "tiktok.db"
    worker = celery("worker", "--concurrency", 1, "--beat", TIKTOK_OUTBOX_URL=f"sqlite:///{file}")
    source = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token")
    outbox = tt.SQLiteOutbox(file)
    with tt.BackgroundClient(tt.Client(source, base_url=shop.tiktok.url), outbox, deliver=False) as web:
        for number in ORDERS:
            web.track(tt.Event("Purchase", event_id=number, user={"ttclid": "E.C.P.1"}))
        until(lambda: outbox.depth() == 0)
    os.kill(worker.pid, signal.SIGTERM)

    assert ended(worker)[0] == 0
    assert shop.arrived == ORDERS
    assert len(shop.tiktok.tokens) == len(shop.tiktok.bodies)
    assert set(shop.tiktok.tokens) == {"example-token"}
