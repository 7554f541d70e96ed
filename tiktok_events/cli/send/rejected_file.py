"""The file of lines that were not delivered, readable by its owner only, because it holds personal data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Self, TextIO

from tiktok_events._spec.problem import Problem
from tiktok_events.cli.send.line import FileUnreadable, Line

SUFFIX = ".rejected.jsonl"
_FIRST_BYTES = '{"line": '


def rejected_path(file: str, option: str | None) -> Path:
    """Return the path for the rejected lines of *file* ("-" is stdin): *option*, or one derived from *file*.

    Stdin cannot be read again, so the rejected lines of an earlier run over stdin are never overwritten.

    Raises:
        FileUnreadable: If *option* is the input file, or an existing file that `send` did not write.
    """
    if option is not None:
        return _checked(Path(option), file)
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
        raise FileUnreadable("--rejected names the input file. Give another path.")
    with path.open(encoding="utf-8", errors="replace") as existing:
        if not path.is_file() or existing.read(len(_FIRST_BYTES)) not in ("", _FIRST_BYTES):
            raise FileUnreadable("--rejected names a file that `send` did not write. Give another path.")
    return path


class RejectedFile:
    """Lines that were not delivered, as JSONL, readable by the owner only. The file is deleted if it is empty."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._empty = True
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        # Created before anything is sent, so that every refused line can be written. An existing file is replaced: the
        # new one has the right mode from the first byte, and a symbolic link at the path is not followed.
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

    def write_refused(self, line: Line, problems: Iterable[Problem]) -> None:
        """Write *line* with its problems."""
        rows = [
            {"rule": problem.rule, "field": problem.field, "message": problem.message, "fix": problem.fix}
            for problem in problems
        ]
        self._write({"line": line.number, "problems": rows, "item": line.text})

    def write_failed(self, line: Line, error: str) -> None:
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
