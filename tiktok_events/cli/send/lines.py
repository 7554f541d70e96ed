"""Decode a file into numbered lines, and CSV into records.

A line that cannot be read becomes a `Line` with problems and raises nothing, so that the other lines are read.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Literal

import attrs

from tiktok_events._runtime import json_codec
from tiktok_events._spec.problem import Problem
from tiktok_events.cli.rules import problem

Format = Literal["jsonl", "csv"]

LONGEST_LINE = 1_000_000
_KEPT_OF_LONG = 10_000
_MOST_LINES = 200
"""Physical lines in one CSV record: a quote that is never closed costs one line, not the rest of the file."""
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class FileUnreadable(ValueError):
    """The whole file cannot be read. The text is shown to the user."""


@attrs.frozen
class Line:
    """One line or CSV record: its text, and its *fields* or its problems."""

    number: int
    text: str = attrs.field(repr=False)
    fields: dict[str, Any] | None = attrs.field(default=None, repr=False)
    problems: tuple[Problem, ...] = ()
    cells: list[str] = attrs.field(factory=list, repr=False)


def numbered(stream: BinaryIO, longest: int = LONGEST_LINE) -> Iterator[Line]:
    """Number and decode the lines of *stream*. Bytes that are no UTF-8 survive as surrogates.

    Raises:
        FileUnreadable: If it starts as UTF-16 does.
    """
    number = 0
    while piece := stream.readline(longest + 1):
        number += 1
        if number == 1:
            if piece.startswith(_UTF16):
                raise FileUnreadable("the file is UTF-16: save it as UTF-8 (in a spreadsheet: CSV UTF-8)")
            piece = piece.removeprefix(b"\xef\xbb\xbf")
        if len(piece) > longest and not piece.endswith(b"\n"):
            _skip_rest(stream, longest)
            kept = piece[:_KEPT_OF_LONG].decode("utf-8", "surrogateescape")
            yield Line(number, kept, problems=(problem("line-too-long", "line"),))
        else:
            yield _decoded(number, piece)


def _skip_rest(stream: BinaryIO, longest: int) -> None:
    while (piece := stream.readline(longest)) and not piece.endswith(b"\n"):
        pass


def _decoded(number: int, piece: bytes) -> Line:
    try:
        return Line(number, piece.decode())
    except UnicodeDecodeError:
        text = piece.decode("utf-8", "surrogateescape")
        return Line(number, text, problems=(problem("line-not-utf8", "line"),))


def jsonl(lines: Iterable[Line]) -> Iterator[Line]:
    """Read each line as one JSON object. Empty lines are skipped."""
    for line in lines:
        text = line.text.rstrip("\r\n")
        if line.problems:
            yield attrs.evolve(line, text=text)
        elif text.strip():
            yield _object(attrs.evolve(line, text=text))


def _object(line: Line) -> Line:
    try:
        fields = json_codec.loads(line.text)
    except ValueError:
        return attrs.evolve(line, problems=(problem("not-json", "line"),))
    if not isinstance(fields, dict):
        return attrs.evolve(line, problems=(problem("not-an-object", "line"),))
    return attrs.evolve(line, fields=fields)


class CsvRecords:
    """The records of a CSV file with their cells; a record may span lines, and is numbered by its first."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._waiting: deque[Line] = deque()
        self._delimiter = ","
        self.header = self._header()

    def _header(self) -> list[str]:
        first = self._next()
        while first is not None and not first.text.strip():
            first = self._next()
        if first is None:
            raise FileUnreadable("the file is empty")
        if first.problems:
            raise FileUnreadable(f"line {first.number}, the header, {first.problems[0].message}")
        if first.text.lower().startswith("sep=") and len(first.text.strip()) == 5:  # a hint that spreadsheets write
            self._delimiter = first.text[4]
            return self._header()
        self._waiting.appendleft(first)
        if self._delimiter == ",":
            self._delimiter = max(",;\t", key=first.text.count)
        header = self._record()
        if header is None or header.problems:
            raise FileUnreadable("the first line is no CSV header: a quote is not closed")
        return header.cells

    def __iter__(self) -> Iterator[Line]:
        while (record := self._record()) is not None:
            if record.problems or any(cell.strip() for cell in record.cells):
                yield record

    def _record(self) -> Line | None:
        first = self._next()
        if first is None or first.problems:
            return first and attrs.evolve(first, text=first.text.rstrip("\r\n"))
        taken: list[Line] = []
        try:
            cells = next(csv.reader(self._feed(first, taken), delimiter=self._delimiter, strict=True))
        except csv.Error:
            self._waiting.extendleft(reversed(taken[1:]))
            return Line(first.number, first.text.rstrip("\r\n"), problems=(problem("csv-quotes", "line"),))
        text = "".join(line.text for line in taken).rstrip("\r\n")
        return Line(first.number, text, cells=cells)

    def _feed(self, first: Line, taken: list[Line]) -> Iterator[str]:
        line: Line | None = first
        size = 0
        while line is not None:
            size += len(line.text)
            if line.problems or len(taken) == _MOST_LINES or size > LONGEST_LINE:
                self._waiting.appendleft(line)
                return
            taken.append(line)
            yield line.text
            line = self._next()

    def _next(self) -> Line | None:
        return self._waiting.popleft() if self._waiting else next(self._lines, None)
