"""Split decoded lines into records: JSONL objects, and CSV records with cells.

A line that cannot be read becomes a `Line` with problems and raises nothing, so that the other lines are read.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

import attrs

from tiktok_events._runtime import json_codec
from tiktok_events.cli.file_rules import problem
from tiktok_events.cli.send.decoding import MAX_LINE_BYTES
from tiktok_events.cli.send.line import FileUnreadable, Line

_MAX_RECORD_LINES = 200
"""Maximum physical lines of one CSV record, so that a quote that is never closed spoils one line, not the rest of the file."""


def parse_jsonl(lines: Iterable[Line]) -> Iterator[Line]:
    """Read each line as one JSON object. Empty lines are skipped."""
    for line in lines:
        text = line.text.rstrip("\r\n")
        if line.problems:
            yield attrs.evolve(line, text=text)
        elif text.strip():
            yield _parse_object(attrs.evolve(line, text=text))


def _parse_object(line: Line) -> Line:
    try:
        fields = json_codec.loads(line.text)
    except ValueError:
        return attrs.evolve(line, problems=(problem("not-json", "line"),))
    if not isinstance(fields, dict):
        return attrs.evolve(line, problems=(problem("not-an-object", "line"),))
    return attrs.evolve(line, fields=fields)


class CsvReader:
    """Reads the records of a CSV file as lines with cells. A record may span lines and has the number of its first."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._pushed_back: deque[Line] = deque()
        self._delimiter = ","
        self.header = self._read_header()

    def _read_header(self) -> list[str]:
        first = self._next_line()
        while first is not None and not first.text.strip():
            first = self._next_line()
        if first is None:
            raise FileUnreadable("The file is empty.")
        if first.problems:
            found = first.problems[0]
            raise FileUnreadable(f"The header (line {first.number}) {found.message}. {found.fix}")
        # Spreadsheets write the delimiter into a first line.
        if first.text.lower().startswith("sep=") and len(first.text.strip()) == 5:
            self._delimiter = first.text[4]
            return self._read_header()
        self._pushed_back.appendleft(first)
        if self._delimiter == ",":
            self._delimiter = max(",;\t", key=first.text.count)
        header = self._read_record()
        if header is None or header.problems:
            raise FileUnreadable("The first line is not a CSV header: a quote is not closed.")
        return header.cells

    def __iter__(self) -> Iterator[Line]:
        while (record := self._read_record()) is not None:
            if record.problems or any(cell.strip() for cell in record.cells):
                yield record

    def _read_record(self) -> Line | None:
        first = self._next_line()
        if first is None or first.problems:
            return first and attrs.evolve(first, text=first.text.rstrip("\r\n"))
        record_lines: list[Line] = []
        try:
            cells = next(csv.reader(self._feed(first, record_lines), delimiter=self._delimiter, strict=True))
        except csv.Error:
            self._pushed_back.extendleft(reversed(record_lines[1:]))
            return Line(first.number, first.text.rstrip("\r\n"), problems=(problem("csv-quotes", "line"),))
        text = "".join(line.text for line in record_lines).rstrip("\r\n")
        return Line(first.number, text, cells=cells)

    def _feed(self, first: Line, record_lines: list[Line]) -> Iterator[str]:
        line: Line | None = first
        size = 0
        while line is not None:
            size += len(line.text)
            if line.problems or len(record_lines) == _MAX_RECORD_LINES or size > MAX_LINE_BYTES:
                self._pushed_back.appendleft(line)
                return
            record_lines.append(line)
            yield line.text
            line = self._next_line()

    def _next_line(self) -> Line | None:
        return self._pushed_back.popleft() if self._pushed_back else next(self._lines, None)
