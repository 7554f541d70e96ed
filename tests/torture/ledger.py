"""What was accepted, what was counted, and what became of the difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

COLUMNS = ("case", "outbox", "accepted", "counted", "doubles", "dead", "in memory", "missing", "seconds")


@attrs.frozen(kw_only=True)
class Row:
    """One case. `accepted` were kept by the outbox, `in_memory` were tracked and died with their process.

    `doubles` are the copies of an event that arrived after its first; the manager counts none of them.
    """

    case: str
    outbox: str
    accepted: int
    counted: int
    doubles: int
    dead: int
    in_memory: int
    missing: int
    seconds: float

    def cells(self) -> list[str]:
        """As the table shows it."""
        *numbers, seconds = attrs.astuple(self)
        return [f"{one:,}" if isinstance(one, int) else one for one in numbers] + [f"{seconds:.1f}"]


@attrs.frozen
class Written:
    """The files in which tracked processes write, each id on a line, opened to append.

    An id is in `tried` before `track` is called, in `kept` when the outbox's `put` has returned, and in `tracked` when
    `track` has: a kill between two of them can only make too little of what was accepted.
    """

    folder: Path

    def ids(self, name: str) -> Counter[str]:
        """The ids of one file."""
        path = self.folder / name
        # A kill in the middle of a write leaves half a line behind.
        lines = path.read_text("ascii").split("\n")[:-1] if path.exists() else []
        return Counter(lines)


def row_of(
    case: str,
    outbox: str,
    written: Written,
    received: Sequence[Mapping[str, Any]],
    dead: Collection[str],
    *,
    seconds: float,
    may_lose_memory: bool,
) -> Row:
    """Settle the accounts.

    Raises:
        AssertionError: If an event was counted twice, or under an id that nobody gave it.
    """
    tried, tracked, kept = (written.ids(name) for name in ("tried", "tracked", "kept"))
    taken = Counter(event["event_id"] for event in received if event["code"] == 0)
    counted = Counter(event["event_id"] for event in received if event["counted"])
    assert not [one for one, times in counted.items() if times > 1], "counted twice"
    assert counted.keys() <= tried.keys(), "an id that nobody gave"
    done = counted.keys() | set(dead)
    if outbox == "memory" and may_lose_memory:
        kept &= Counter(done)  # what dies with a process was never anybody else's
    in_memory = tracked.keys() - kept.keys() - done if may_lose_memory else set()
    accepted = (kept.keys() | tracked.keys()) - in_memory
    return Row(
        case=case,
        outbox=outbox,
        accepted=len(accepted),
        counted=len(accepted & counted.keys()),
        doubles=sum(taken.values()) - len(taken),
        dead=len(set(dead)),
        in_memory=len(in_memory),
        missing=len(accepted - done),
        seconds=seconds,
    )


def table(rows: Sequence[Row]) -> str:
    """*rows* as a table of Markdown, aligned so that a terminal shows it too."""
    return aligned(COLUMNS, [row.cells() for row in rows], left=2)


def aligned(head: Sequence[str], lines: Sequence[Sequence[str]], *, left: int) -> str:
    """A table of Markdown; the first *left* columns are words, the others numbers."""
    columns = range(len(head))
    widths = [max(len(line[column]) for line in (head, *lines)) for column in columns]
    texts = [
        " | ".join(
            cell.ljust(widths[column]) if column < left else cell.rjust(widths[column])
            for column, cell in enumerate(line)
        )
        for line in (head, *lines)
    ]
    rule = " | ".join("-" * widths[column] if column < left else "-" * (widths[column] - 1) + ":" for column in columns)
    return "\n".join(f"| {text} |" for text in (texts[0], rule, *texts[1:]))
