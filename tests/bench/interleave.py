"""Time candidates side by side: every round runs each of them once, so that drift of the machine hits all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

Call = Callable[[], Any]


@dataclass
class Candidate:
    """Something to time: `call` runs `loops` times a round, inside `around()`."""

    name: str
    call: Call
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    times: list[float] = field(default_factory=list)
    """Seconds per call, one number a round."""

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return statistics.median(self.times)

    def ratio(self, other: Candidate) -> float:
        """The median of the per-round ratios to *other*."""
        return statistics.median(mine / its for mine, its in zip(self.times, other.times, strict=True))

    def above(self, other: Candidate) -> float:
        """The median of the per-round differences to *other*, in seconds."""
        return statistics.median(mine - its for mine, its in zip(self.times, other.times, strict=True))


def interleave(
    candidates: list[Candidate], *, rounds: int, loops: int, clock: Callable[[], float] = time.perf_counter
) -> None:
    """Fill the candidates' times. The order turns by one each round: nobody always runs behind the same neighbour.

    For what only computes, *clock* can be `time.thread_time`: then the machine's other work is not counted.
    """
    for candidate in candidates:
        with candidate.around():
            for _ in range(loops):  # warm up, unmeasured
                candidate.call()
    for turn in range(rounds):
        at = turn % len(candidates)
        for candidate in candidates[at:] + candidates[:at]:
            with candidate.around():
                candidate.times.append(_time(candidate.call, loops, clock))


def _time(call: Call, loops: int, clock: Callable[[], float]) -> float:
    gc.collect()
    repeat = range(loops)
    start = clock()
    for _ in repeat:
        call()
    return (clock() - start) / loops


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Have *value* at *owner*.*name* for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@dataclass
class Row:
    """One line of the table; `budget` and `verdict` are empty for peers, which are there for scale."""

    what: str
    time: float
    ratio: str
    budget: str = ""
    verdict: str = ""


def verdict(value: float, budget: float, stretch: float | None = None) -> str:
    """What a measured *value* says of its budget. Never fails anything."""
    if stretch is not None and value <= stretch:
        return "within, stretch too"
    return "within" if value <= budget else f"OVER by {value / budget - 1:.0%}"


def show(title: str, rows: list[Row], unit: str = "us") -> None:
    """Print a table of times in *unit*."""
    widths = [max(len(title), *(len(row.what) for row in rows)), 10, 22, 26]
    print()
    print(f"{title:<{widths[0]}} {unit:>{widths[1]}}  {'ratio':<{widths[2]}} {'budget':<{widths[3]}} verdict")
    print("-" * (sum(widths) + 22))
    for row in rows:
        print(
            f"{row.what:<{widths[0]}} {row.time:>{widths[1]},.1f}  {row.ratio:<{widths[2]}} {row.budget:<{widths[3]}} {row.verdict}"
        )
