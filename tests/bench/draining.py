"""Put into a Redis and drain it: our outbox beside a hand-written redis-py, both one by one and 1,000 at a time.

By hand nothing is checked: no late holder, no bound, no lost worker, and the reply is not even read.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import interleave as il
import order

import tiktok_events as tt

sys.path.append(str(Path(__file__).parents[1]))
import redis_process

MANY = 1_000
ROUTE = ("web", "C4A1B2C3D4E5F6G7H8I9", None)
DATA = json.dumps(order.by_hand("0123456789abcdef0123456789abcdef"), separators=(",", ":")).encode()
RECORDS = [tt.Record(*ROUTE, f"event-{number}", DATA) for number in range(MANY)]
KEY, GROUP = "by-hand", "workers"


class ByHand:
    """What somebody would write in an afternoon."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def put(self, number: int) -> None:
        with self.client.pipeline() as pipe:
            for record in RECORDS[:number]:
                pipe.xadd(KEY, {"id": record.event_id, "data": record.data})
            pipe.execute()

    def drain(self, number: int) -> None:
        reply = self.client.xreadgroup(GROUP, "one", {KEY: ">"}, count=number)
        ((_, entries),) = reply.items() if isinstance(reply, dict) else reply
        entries = entries[0] if isinstance(reply, dict) else entries
        ids = [entry for entry, _ in entries]
        with self.client.pipeline() as pipe:
            pipe.xack(KEY, GROUP, *ids)
            pipe.xdel(KEY, *ids)
            pipe.execute()


class Ours:
    """The outbox."""

    def __init__(self, outbox: tt.RedisOutbox) -> None:
        self.outbox = outbox

    def put(self, number: int) -> None:
        self.outbox.put(RECORDS[:number])

    def drain(self, number: int) -> None:
        self.outbox.ack(self.outbox.claim(number, lease=30, routes={ROUTE}))


@contextmanager
def filled(client: Any, who: ByHand | Ours, batches: int) -> Iterator[None]:
    """Have so many batches of 1,000 in it, and nothing afterwards."""
    client.flushall()
    client.xgroup_create(KEY, GROUP, "0", mkstream=True)
    for _ in range(batches):
        who.put(MANY)
    yield
    client.flushall()


def _table(client: Any, title: str, candidates: tuple[ByHand, Ours], number: int, loops: int) -> None:
    rows = []
    for verb, batches in (("put", 0), ("drain", loops * number // MANY + 1)):
        hand, ours = (
            il.Candidate(
                f"{name}: {verb} {number:,} at a time",
                partial(getattr(who, verb), number),
                partial(filled, client, who, batches),
            )
            for name, who in zip(("by hand", "RedisOutbox"), candidates, strict=True)
        )
        il.interleave([hand, ours], rounds=4, loops=loops)
        for one in (hand, ours):
            rate = number / one.median
            rows.append(il.Row(one.name, one.median / number * 1e6, f"{one.ratio(hand):.2f} x by hand, {rate:,.0f}/s"))
    il.show(title, rows)


def run() -> None:
    """Print the tables, without appendonly and with it; about 10 s. A line, where there is no redis-server."""
    why = redis_process.missing()
    if why:
        print(f"\nNothing was put into a Redis: {why}")
        return
    for said, settings in (("no appendonly", ()), ("appendonly, everysec", ("--appendonly", "yes"))):
        with tempfile.TemporaryDirectory() as folder, redis_process.RedisProcess(Path(folder), *settings) as server:
            outbox = tt.RedisOutbox(server.url)
            with server.client() as client:
                candidates = ByHand(client), Ours(outbox)
                for number, loops in ((1, 100), (MANY, 3)):
                    _table(client, f"Redis, {said}: us per event", candidates, number, loops)
            outbox.close()
