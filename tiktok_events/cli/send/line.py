"""`Line`: one line of a file, or one CSV record, and its fields or its problems."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from tiktok_events._spec.problem import Problem

Format = Literal["jsonl", "csv"]


class FileUnreadable(ValueError):
    """Raised if a file as a whole cannot be read. The message is shown to the user."""


@attrs.frozen
class Line:
    """One line or CSV record: its text, and its *fields* or its problems."""

    number: int
    text: str = attrs.field(repr=False)
    fields: dict[str, Any] | None = attrs.field(default=None, repr=False)
    problems: tuple[Problem, ...] = ()
    cells: list[str] = attrs.field(factory=list, repr=False)
