"""One `track` call in the caller, into memory and onto this machine's disk, nobody delivering. The same order for all.

In memory what the caller's thread computes is counted; on disk also what it waits for, by the clock.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import interleave as il
import order
import posthog
import segment.analytics as segment

import tiktok_events as tt

SOURCE = tt.EventSource.web("C4A1B2C3D4E5F6G7H8I9", "token", id_namespace="shop")
Make = Callable[[], tt.Outbox]


class Ours:
    """`BackgroundClient.track` of a fresh Event into an outbox; after each round it is empty again."""

    def __init__(self, make: Make) -> None:
        self.make = make

    @contextmanager
    def around(self) -> Iterator[None]:
        outbox = self.make()
        before = outbox.depth()
        self.client = tt.BackgroundClient(tt.Client(SOURCE), outbox, deliver=False)
        self.call()  # opens the file, which a process does once
        yield
        stats = self.client.stats()
        assert not stats.problems
        assert outbox.depth() - before == stats.queued > 0, "some went elsewhere"
        if outbox.scope != "process":
            self.client.close()

    def call(self) -> None:
        self.client.track(tt.Event("Purchase", key=order.new_number(), **order.fields()))


class Peers:
    """Both stop right before their queue's put when they do not send, which favours them by about a microsecond."""

    def __init__(self) -> None:
        self._segment = segment.Client("key", send=False)
        self._posthog = posthog.Posthog("key", host="http://127.0.0.1:9", send=False)

    def segment(self) -> None:
        fields = order.fields()
        context = {"traits": fields["user"], "page": fields["page"]}
        self._segment.track(order.CUSTOMER, "Purchase", fields["properties"], context)

    def posthog(self) -> None:
        fields = order.fields()
        properties = {**fields["properties"], "$set": fields["user"], **fields["page"]}
        self._posthog.capture("Purchase", distinct_id=order.CUSTOMER, properties=properties)

    def close(self) -> None:
        self._posthog.shutdown()


def in_memory(peers: Peers, rounds: int = 60, loops: int = 100) -> None:
    """Print what a call computes."""
    ours = Ours(tt.MemoryOutbox)
    mine = il.Candidate("BackgroundClient.track, memory", ours.call, ours.around)
    bare = il.Candidate("the caller's own fresh dict (part of every row)", order.fields)
    seg, hog = il.Candidate("segment track()", peers.segment), il.Candidate("posthog capture()", peers.posthog)
    il.interleave([bare, mine, seg, hog], rounds=rounds, loops=loops, clock=time.thread_time)
    ratio, us = mine.ratio(seg), mine.median * 1e6
    il.show(
        "One track() call, hot",
        [
            il.Row(bare.name, bare.median * 1e6, ""),
            il.Row(mine.name, us, f"{ratio:.2f} x segment", "<= 0.6 x segment", il.verdict(ratio, 0.6)),
            il.Row("", us, f"{mine.ratio(hog):.2f} x posthog", "<= 20 us (stretch 12)", il.verdict(us, 20, 12)),
            il.Row(seg.name, seg.median * 1e6, f"{seg.ratio(mine):.2f} x ours"),
            il.Row(hog.name, hog.median * 1e6, f"{hog.ratio(mine):.2f} x ours"),
        ],
    )


def on_disk(peers: Peers, folder: Path, rounds: int = 20, loops: int = 100) -> None:
    """Print how long a call takes."""

    def ours(name: str, make: Make) -> il.Candidate:
        one = Ours(make)
        return il.Candidate(name, one.call, one.around)

    each = ours('SQLiteOutbox, commit="each": on disk', partial(tt.SQLiteOutbox, folder / "each.db", busy_wait=30))
    group = ours(
        'SQLiteOutbox, commit="group": within 50 ms',
        partial(tt.SQLiteOutbox, folder / "group.db", commit="group", busy_wait=30),
    )
    memory, hog = ours("MemoryOutbox", tt.MemoryOutbox), il.Candidate("posthog capture(), memory", peers.posthog)
    il.interleave([memory, each, group, hog], rounds=rounds, loops=loops)
    rows = [il.Row(memory.name, memory.median * 1e6, f"{memory.ratio(hog):.2f} x posthog")]
    for one in (each, group):
        ratio = one.ratio(hog)
        said = "<= 0.85 x (stretch 0.7)", il.verdict(ratio, 0.85, 0.7)
        rows.append(il.Row(one.name, one.median * 1e6, f"{ratio:.2f} x posthog", *said))
    rows.append(il.Row(hog.name, hog.median * 1e6, f"{hog.ratio(each):.2f} x on disk"))
    il.show("One track() call by the clock, SQLite NORMAL", rows)


def run() -> None:
    """Print both tables."""
    peers, folder = Peers(), Path(tempfile.mkdtemp(prefix="calls-", dir=Path.cwd()))  # a real disk, as in outboxes
    try:
        in_memory(peers)
        on_disk(peers, folder)
    finally:
        peers.close()
        shutil.rmtree(folder)
