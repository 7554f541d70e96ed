"""`nox -s bench`, or `python tests/bench [topic ...]`: our times beside their budgets and our peers'; `TABLES` has the topics.

Prints, and never fails for a time. Each table is interleaved, so its ratios hold on a machine that drifts; the
microseconds are of this machine and this minute.
"""

from __future__ import annotations

import platform
import sys
import time

import building
import calls
import draining
import importing
import outboxes

import tiktok_events

TABLES = {
    "build": building.run,
    "calls": calls.run,
    "import": importing.run,
    "outboxes": outboxes.run,
    "redis": draining.run,
}


def main(names: list[str]) -> None:
    """Print the tables called *names*, or all."""
    unknown = set(names) - TABLES.keys()
    if unknown:
        raise SystemExit(f"no such table: {', '.join(unknown)}; there are {', '.join(TABLES)}")
    start = time.perf_counter()
    print(
        f"Python {platform.python_version()}, tiktok-events {tiktok_events.__version__} from {tiktok_events.__path__[0]}"
    )
    for name in names or TABLES:
        TABLES[name]()
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
