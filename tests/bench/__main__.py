"""`nox -s bench`, or `python tests/bench [topic ...]`: our times beside their budgets and our peers'; `TOPICS` has the topics.

Prints, and never fails for a time. Each table is interleaved, so its ratios hold on a machine that drifts; the
microseconds are of this machine and this minute.
"""

from __future__ import annotations

import platform
import sys
import time
from importlib import import_module

import tiktok_events

TOPICS = {
    "build": "building",
    "calls": "calls",
    "delivery": "delivering",
    "import": "importing",
    "match": "match",
    "memory": "memory",
    "middleware": "middleware",
    "outboxes": "outboxes",
    "parsers": "parsers",
    "redis": "draining",
}
"""The module of each topic; its `run()` prints. Imported when it is asked for: what a peer brings is no other's load."""


def main(names: list[str]) -> None:
    """Print the tables of the topics *names*, or of all."""
    unknown = set(names) - TOPICS.keys()
    if unknown:
        raise SystemExit(f"no such topic: {', '.join(unknown)}; there are {', '.join(TOPICS)}")
    start = time.perf_counter()
    print(
        f"Python {platform.python_version()}, tiktok-events {tiktok_events.__version__} from {tiktok_events.__path__[0]}"
    )
    for name in names or TOPICS:
        import_module(TOPICS[name]).run()
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
