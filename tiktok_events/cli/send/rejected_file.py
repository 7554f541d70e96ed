"""The file of lines that were not delivered, readable by its owner only, because it holds personal data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self, TextIO

from tiktok_events._spec.problem import Problem
from tiktok_events.cli.send.lines import FileUnreadable, Line

SUFFIX = ".rejected.jsonl"
_OURS = '{"line": '


def path_for(file: str, given: str | None) -> Path:
    """The path of the file for the rejected lines of *file* ("-" is stdin) go.

    Stdin cannot be read again, so what an earlier run kept of it is never written over.

    Raises:
        FileUnreadable: If *given* is the file itself, or one that we did not write.
    """
    if given is not None:
        return _checked(Path(given), file)
    if file != "-":
        return Path(file + SUFFIX)
    path, number = Path("stdin" + SUFFIX), 2
    while path.exists():
        path, number = Path(f"stdin-{number}{SUFFIX}"), number + 1
    return path


def _checked(path: Path, file: str) -> Path:
    if not path.exists():
        return path
    if file != "-" and path.samefile(file):
        raise FileUnreadable("--rejected is the file itself")
    with path.open(encoding="utf-8", errors="replace") as there:
        if not path.is_file() or there.read(len(_OURS)) not in ("", _OURS):
            raise FileUnreadable("--rejected is there already and holds something else")
    return path


class RejectedFile:
    """Lines that were not delivered, as JSONL, readable by the owner only. It is deleted if there are none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._empty = True
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        # Made before anything is sent, so that nothing can be refused without a place to go. A new file, never an
        # old one: its mode is right from the first byte, and a link in its place is not followed.
        self.path.unlink(missing_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8")
        return self

    def __exit__(self, *exception: object) -> None:
        if self._file is not None:
            self._file.close()
        if self._empty:
            self.path.unlink(missing_ok=True)

    def __bool__(self) -> bool:
        return not self._empty

    def refused(self, line: Line, problems: Iterable[Problem]) -> None:
        """Write *line* with its problems."""
        rows = [{"rule": one.rule, "field": one.field, "message": one.message, "fix": one.fix} for one in problems]
        self._write({"line": line.number, "problems": rows, "item": line.text})

    def failed(self, line: Line, error: str) -> None:
        """Write *line* with the reason why it was not delivered."""
        self._write({"line": line.number, "error": error, "item": line.text})

    def flush(self) -> None:
        """Flush to the operating system, so that a killed process loses at most one batch."""
        if self._file is not None:
            self._file.flush()

    def _write(self, record: dict[str, object]) -> None:
        if self._file is not None:
            self._empty = False
            self._file.write(json.dumps(record) + "\n")
