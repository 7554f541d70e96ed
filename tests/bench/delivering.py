"""Events delivered end to end on loopback: a loop of calls and a flush, until a server in its own process has them all.

The client, with all its threads, has one core where that can be arranged, and the server another. By the clock and
by the CPU time of the client alone: the clock is the truth on a machine that has nothing else to do.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import interleave as il
import order
import posthog
import segment.analytics as segment

import tiktok_events as tt
from tiktok_events._api.encoding import encode_item

SOURCE = tt.EventSource.web("C4A1B2C3D4E5F6G7H8I9", "token", id_namespace="shop")
EVENTS, ROUNDS = 2_000, 5
WAIT = 60.0
FACTOR, STRETCH = 4, 40_000

Talk = Callable[[], object]
Sender = Callable[[str], AbstractContextManager[tuple[Talk, Talk]]]
"""Given the server's address: what reports one event, and what waits until all are there."""


def _event() -> tt.Event:
    return tt.Event("Purchase", key=order.new_number(), **order.fields())


@contextmanager
def ours(address: str, **options: Any) -> Iterator[tuple[Talk, Talk]]:
    """`BackgroundClient` over memory."""
    client = tt.BackgroundClient(tt.Client(SOURCE, base_url=address, **options))
    yield lambda: client.track(_event()), lambda: client.flush(WAIT)
    client.close()


def by_fifty(address: str) -> AbstractContextManager[tuple[Talk, Talk]]:
    """The same, a request split before the 51st event."""
    size = len(encode_item(SOURCE, _event())[1])
    return ours(address, max_body_bytes=1_000 + 50 * (size + 1))


@contextmanager
def by_segment(address: str) -> Iterator[tuple[Talk, Talk]]:
    """Batches of 100, as it comes."""
    client = segment.Client("key", host=address)

    def track() -> None:
        fields = order.fields()
        context = {"traits": fields["user"], "page": fields["page"]}
        client.track(order.CUSTOMER, "Purchase", fields["properties"], context)

    yield track, client.flush
    client.join()


@contextmanager
def by_posthog(address: str) -> Iterator[tuple[Talk, Talk]]:
    """Batches of 100, as it comes."""
    client = posthog.Posthog("key", host=address)

    def capture() -> None:
        fields = order.fields()
        properties = {**fields["properties"], "$set": fields["user"], **fields["page"]}
        client.capture("Purchase", distinct_id=order.CUSTOMER, properties=properties)

    yield capture, lambda: client.flush(WAIT)
    client.shutdown()


def floor(size: int) -> Sender:
    """httpx and ready bodies of *size* events: nothing is built, queued or read."""
    body = tt.encode(SOURCE, [_event()] * size)

    @contextmanager
    def posting(address: str) -> Iterator[tuple[Talk, Talk]]:
        headers = {"Content-Type": "application/json", "Access-Token": "token"}
        with httpx.Client(trust_env=False) as client:

            def post() -> None:
                for _ in range(EVENTS // size):
                    client.post(f"{address}/event/track/", content=body, headers=headers)

            yield lambda: None, post

    return posting


class Sink:
    """The server, on another core than this process where there are two."""

    def __init__(self, core: int | None) -> None:
        script = [sys.executable, str(Path(__file__).with_name("sink.py")), *([] if core is None else [str(core)])]
        self._process = subprocess.Popen(script, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def taken(self) -> int:
        """Events since it was asked last."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/count")
        number = int(connection.getresponse().read())
        connection.close()
        return number

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def on_one_core() -> Iterator[int | None]:
    """Keep this thread, and the threads it starts, on one core; another one, if there is one, for whoever serves."""
    if not hasattr(os, "sched_setaffinity"):
        yield None
        return
    cores = os.sched_getaffinity(0)
    mine, *others = sorted(cores)
    os.sched_setaffinity(0, {mine})
    try:
        yield others[0] if others else mine
    finally:
        os.sched_setaffinity(0, cores)


def _deliver(report: Talk, flush: Talk, sink: Sink) -> tuple[float, float]:
    """Seconds an event took, by the clock and of the client's CPU."""
    gc.collect()
    clock, cpu = time.perf_counter(), time.process_time()
    for _ in range(EVENTS):
        report()
    flush()
    clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
    assert (there := sink.taken()) == EVENTS, f"{there} of {EVENTS} events came"
    return clock / EVENTS, cpu / EVENTS


def run() -> None:
    """Print the table."""
    senders: dict[str, Sender] = {
        "BackgroundClient, up to 1,000 a request": ours,
        "BackgroundClient, 50 a request": by_fifty,
        "segment, 100 a request": by_segment,
        "posthog, 100 a request": by_posthog,
        "floor: httpx, ready bodies of 1,000": floor(1_000),
        "floor: httpx, ready bodies of 50": floor(50),
    }
    clock = {name: il.Candidate(name, list) for name in senders}
    cpu = {name: il.Candidate(name, list) for name in senders}
    with on_one_core() as other, ExitStack() as stack:
        sink = Sink(other)
        stack.callback(sink.close)
        # Each stays for all rounds, as in a server: its connection is made once, in the round that warms up.
        all_ = {name: stack.enter_context(send(f"http://127.0.0.1:{sink.port}")) for name, send in senders.items()}
        for turn in range(ROUNDS + 1):
            at = turn % len(senders)
            for name in [*senders][at:] + [*senders][:at]:
                took = _deliver(*all_[name], sink)
                if turn:
                    clock[name].times.append(took[0])
                    cpu[name].times.append(took[1])
    il.show("Delivered end to end, one core, by the clock", _rows(clock), "events/s")
    il.show("The same, by the client's CPU time", _rows(cpu), "events/s")


def _rows(measured: dict[str, il.Candidate]) -> list[il.Row]:
    big, small, by_segment, by_posthog, *floors = measured.values()
    rows = []
    for mine in (big, small):
        rate, first = 1 / mine.median, True
        for peer, name in ((by_posthog, "posthog"), (by_segment, "segment")):
            times = peer.ratio(mine)
            told = il.verdict(FACTOR / times, 1, min(1, FACTOR / times) if rate >= STRETCH else None)
            rows.append(
                il.Row(
                    mine.name if first else "", rate, f"{times:.1f} x {name}", f">= {FACTOR} x ({STRETCH:,}/s)", told
                )
            )
            first = False
    rows += [il.Row(one.name, 1 / one.median, f"{one.ratio(big):.2f} x our time") for one in (by_segment, by_posthog)]
    return rows + [il.Row(one.name, 1 / one.median, f"{one.ratio(big):.2f} x our time") for one in floors]
