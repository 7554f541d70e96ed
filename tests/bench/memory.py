"""What an event costs in memory while it waits: the growth of a process of its own for each candidate.

Every event has strings of its own, as those of different visitors do. Nobody delivers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import interleave as il
import order

EVENTS, WARM = 20_000, 1_000
BUDGET, STRETCH = 1.3, 1.1
_STATM = Path("/proc/self/statm")


def fresh(value: Any) -> Any:
    """A copy of *value* that shares no text with it, but for the keys."""
    if isinstance(value, dict):
        return {key: fresh(one) for key, one in value.items()}
    if isinstance(value, list):
        return [fresh(one) for one in value]
    return value.encode().decode() if isinstance(value, str) else value


def ours() -> Callable[[dict[str, Any]], object]:
    """`BackgroundClient` over memory."""
    import tiktok_events as tt

    source = tt.EventSource.web("C4A1B2C3D4E5F6G7H8I9", "token", id_namespace="shop")
    client = tt.BackgroundClient(tt.Client(source), deliver=False)
    return lambda fields: client.track(tt.Event("Purchase", key=order.NUMBER, **fields))


def by_segment() -> Callable[[dict[str, Any]], object]:
    """Its queue, without a thread to empty it."""
    import segment.analytics as segment

    client = segment.Client("key", thread=0, max_queue_size=EVENTS + WARM)
    return lambda fields: client.track(
        fields["user"]["external_id"],
        "Purchase",
        fields["properties"],
        {"traits": fields["user"], "page": fields["page"]},
    )


def by_posthog() -> Callable[[dict[str, Any]], object]:
    """Its queue, without a thread to empty it."""
    import posthog

    client = posthog.Posthog("key", host="http://127.0.0.1:9", thread=0, max_queue_size=EVENTS + WARM)
    return lambda fields: client.capture(
        "Purchase",
        distinct_id=fields["user"]["external_id"],
        properties={**fields["properties"], "$set": fields["user"], **fields["page"]},
    )


CANDIDATES = {"ours": ours, "segment": by_segment, "posthog": by_posthog}


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(name: str) -> None:
    """Print the bytes that an event of the candidate *name* keeps resident."""
    queue = CANDIDATES[name]()
    for number in range(WARM + EVENTS):
        if number == WARM:
            before = _resident()
        queue(fresh(order.fields()))
    print((_resident() - before) / EVENTS, flush=True)
    os._exit(0)  # what is queued goes nowhere, and nobody shall wait for it


def _of(name: str) -> float:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}  # a safe path leaves out the script's own folder
    process = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True, check=True, env=env)
    return float(process.stdout)


def run() -> None:
    """Print the table."""
    if not _STATM.exists():
        print("\nMemory was not measured: it is read from /proc")
        return
    import tiktok_events as tt
    from tiktok_events._api.encoding import encode_item

    source = tt.EventSource.web("C4A1B2C3D4E5F6G7H8I9", "token", id_namespace="shop")
    size = len(encode_item(source, tt.Event("Purchase", key=order.NUMBER, **order.fields()))[1])
    rows = []
    for name, title in (("ours", "BackgroundClient, memory"), ("segment", "segment"), ("posthog", "posthog")):
        each = _of(name)
        ratio = f"{each / size:.2f} x, {each * 100_000 / 2**20:,.0f} MiB/100k"
        row = il.Row(title, each, ratio)
        if name == "ours":
            row.budget, row.verdict = f"<= {BUDGET} x (stretch {STRETCH})", il.verdict(each / size, BUDGET, STRETCH)
        rows.append(row)
    il.show(f"Memory of a queued event ({size:,} bytes of JSON)", rows, "bytes")


if __name__ == "__main__":
    measure(sys.argv[1])
