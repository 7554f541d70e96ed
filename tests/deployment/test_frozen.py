"""A process that is stopped between two calls, as functions of a cloud are."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest
import servers
from clocks import until
from conftest import APPS, Shop


class Runtime:
    """Calls a handler, and lets its process run only meanwhile."""

    def __init__(self, shop: Shop, how: str) -> None:
        self._process = shop.start(sys.executable, APPS / "handler.py", how)
        assert self._process.stderr
        self._told = self._process.stderr

    def goes_on(self) -> None:
        """Let its process run."""
        os.kill(self._process.pid, signal.SIGCONT)

    def call(self, number: str) -> str:
        """What the handler gives for *number*; from then on its process stands still."""
        self.goes_on()
        assert self._process.stdin
        self._process.stdin.write(f"{number}\n")
        self._process.stdin.flush()
        answer = self._told.readline().strip()
        os.kill(self._process.pid, signal.SIGSTOP)
        return answer


@pytest.mark.parametrize("how", ["flush", "async"])
def test_what_is_flushed_has_arrived_when_the_process_is_stopped(shop, how):
    """In the first call, which imports and connects, and in those after it."""
    runtime = Runtime(shop, how)

    for number in range(3):
        assert runtime.call(f"order-{number}") == "0"
        assert shop.arrived[-1] == f"order-{number}"


def test_a_connection_that_was_closed_meanwhile_is_opened_again(shop):
    """As the other side does with one that nobody uses."""

    def answer_and_hang_up(handler):
        servers.answer_ok(handler)
        handler.close_connection = True

    shop.tiktok.respond = answer_and_hang_up
    runtime = Runtime(shop, "flush")

    for number in range(3):
        assert runtime.call(f"order-{number}") == "0"
    assert shop.arrived == ["order-0", "order-1", "order-2"]


def test_what_is_not_flushed_comes_with_a_later_call(shop):
    """The thread stands still as well, and goes on where it was."""
    runtime = Runtime(shop, "hope")
    runtime.call("order-0")
    time.sleep(1.5)  # more than a connection and an answer take
    arrived = shop.arrived
    runtime.call("order-1")
    runtime.goes_on()

    assert arrived == []
    until(lambda: shop.arrived == ["order-0", "order-1"])
