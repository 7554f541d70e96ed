"""One `track` call in the caller, into memory, nobody delivering. The same order for all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import interleave as il
import order
import posthog
import segment.analytics as segment

import tiktok_events as tt

SOURCE = tt.EventSource.web("C4A1B2C3D4E5F6G7H8I9", "token", id_namespace="shop")


class Ours:
    """`BackgroundClient.track` of a fresh Event into a fresh outbox each round."""

    @contextmanager
    def around(self) -> Iterator[None]:
        self.client = tt.BackgroundClient(tt.Client(SOURCE), deliver=False)
        yield
        assert not self.client.stats().problems

    def call(self) -> None:
        self.client.track(tt.Event("Purchase", key=order.NUMBER, **order.fields()))


def run(rounds: int = 60, loops: int = 100) -> None:
    """Print the table."""
    # Both stop right before their queue's put when they do not send, which favours them by about a microsecond.
    segment_client = segment.Client("key", send=False)
    posthog_client = posthog.Posthog("key", host="http://127.0.0.1:9", send=False)

    def by_segment() -> None:
        fields = order.fields()
        segment_client.track(
            order.CUSTOMER, "Purchase", fields["properties"], {"traits": fields["user"], "page": fields["page"]}
        )

    def by_posthog() -> Any:
        fields = order.fields()
        properties = {**fields["properties"], "$set": fields["user"], **fields["page"]}
        return posthog_client.capture("Purchase", distinct_id=order.CUSTOMER, properties=properties)

    ours = Ours()
    mine = il.Candidate("BackgroundClient.track, memory", ours.call, ours.around)
    bare = il.Candidate("the caller's own fresh dict (part of every row)", order.fields)
    seg, hog = il.Candidate("segment track()", by_segment), il.Candidate("posthog capture()", by_posthog)
    il.interleave([bare, mine, seg, hog], rounds=rounds, loops=loops)
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
    posthog_client.shutdown()
