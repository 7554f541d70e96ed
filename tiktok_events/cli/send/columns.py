"""Map CSV columns to fields of an event, and cells to their values."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from tiktok_events._spec.problem import Problem
from tiktok_events.cli.console import clean
from tiktok_events.cli.file_rules import problem
from tiktok_events.cli.send.cells import ITEM, PATHS, cell_value
from tiktok_events.cli.send.line import FileUnreadable, Line
from tiktok_events.cli.send.lines import CsvReader


def _short_names() -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for path in PATHS:
        leaf = path.rpartition(".")[2]
        if path.startswith(ITEM + ".") and f"properties.{leaf}" in PATHS:
            continue  # content_type and description are the fields of the event, not of an item
        names[leaf] = (*names.get(leaf, ()), path)
    return names


_SHORT_NAMES = _short_names()


@attrs.frozen
class Columns:
    """The field of each column of a file; None for a column that is left out."""

    paths: tuple[str | None, ...]
    width: int
    """Number of cells in the header, with unnamed ones at its end."""
    decimal_comma: bool = False

    @classmethod
    def of(
        cls,
        header: Sequence[str],
        mapping: Mapping[str, str],
        *,
        ignore_unknown: bool = False,
        decimal_comma: bool = False,
    ) -> Columns:
        """Find the field of each column of *header*. *mapping* renames columns; the name "" ignores one.

        Raises:
            FileUnreadable: If a column is unknown or ambiguous, or two columns have the same field.
        """
        names = [name.strip() for name in header]
        while names and not names[-1]:
            names.pop()
        missing = [name for name in mapping if name not in names]
        if missing:
            raise FileUnreadable(f"No column {_quoted(missing)} for --map. The columns are {_quoted(names)}.")
        paths = _resolve((mapping.get(name, name) for name in names), ignore_unknown=ignore_unknown)
        repeated = {path for path in paths if path and paths.count(path) > 1}
        if repeated:
            raise FileUnreadable(
                f"Several columns have the field {', '.join(sorted(repeated))}. Ignore all but one with --map 'COLUMN='."
            )
        if not any(paths):
            raise FileUnreadable("No column name is a field of the Events API. The first line must be the header.")
        return cls(tuple(paths), len(header), decimal_comma)

    def fields(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
        """Convert *cells* to the fields of an event, and return their problems too. An empty cell is an absent field."""
        fields: dict[str, Any] = {}
        problems: list[Problem] = []
        if len(cells) < len(self.paths) or any(cell.strip() for cell in cells[self.width :]):
            return fields, [problem("csv-cells", "line", f"{len(cells)} cells, the header has {len(self.paths)}")]
        for path, cell in zip(self.paths, cells, strict=False):
            text = cell.strip()
            if path and text:
                _set_field(fields, path, cell_value(path, text, problems, decimal_comma=self.decimal_comma))
        return fields, problems


def parse_csv(
    lines: Iterable[Line], mapping: Mapping[str, str], *, ignore_unknown: bool = False, decimal_comma: bool = False
) -> Iterator[Line]:
    """Parse the lines of a CSV file into records with the fields of an event.

    Raises:
        FileUnreadable: If the header cannot be read, before the first record.
    """
    source = CsvReader(lines)
    columns = Columns.of(source.header, mapping, ignore_unknown=ignore_unknown, decimal_comma=decimal_comma)
    return (_with_fields(record, columns) for record in source)


def _with_fields(record: Line, columns: Columns) -> Line:
    if record.problems:
        return record
    fields, problems = columns.fields(record.cells)
    return Line(record.number, record.text, None if problems else fields, tuple(problems))


def _resolve(names: Iterable[str], *, ignore_unknown: bool) -> list[str | None]:
    paths: list[str | None] = []
    unknown: list[str] = []
    for name in names:
        column = name.strip().lower().replace(" ", "_").replace("-", "_")
        column = f"properties.{column}" if column.startswith("contents.") else column
        matches = (column,) if column in PATHS else _SHORT_NAMES.get(column, ())
        paths.append(matches[0] if len(matches) == 1 else None)
        if len(matches) > 1:  # an ambiguous column is an error even with ignore_unknown: to ignore it would be a guess
            unknown.append(f"{_quoted([name])} ({' or '.join(matches)}?)")
        elif column and not matches and not ignore_unknown:
            unknown.append(_quoted([name]) + _hint(column))
    if unknown:
        message = f"These columns match no field of the Events API, or more than one: {', '.join(unknown)}."
        raise FileUnreadable(textwrap.fill(message, 72) + "\n" + _MAP_HINT)
    return paths


_MAP_HINT = """
Give the field of a column with --map 'COLUMN=FIELD', where FIELD is key,
event_time, email, value, properties.order_id and so on. Ignore a column with
--map 'COLUMN=', or all unknown columns with --ignore-unknown."""


def _hint(column: str) -> str:
    close = [name for name in _SHORT_NAMES if name.startswith(column)]
    close = close or difflib.get_close_matches(column, [*PATHS, *_SHORT_NAMES], 1, cutoff=0.75)
    return f" ({close[0]}?)" if close else ""


def _set_field(fields: dict[str, Any], path: str, value: Any) -> None:
    if path.startswith(ITEM + "."):
        item: dict[str, Any] = fields.setdefault("properties", {}).setdefault("contents", [{}])[0]
        item[path.rpartition(".")[2]] = value
        return
    where, _, leaf = path.rpartition(".")
    (fields.setdefault(where, {}) if where else fields)[leaf] = value


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{clean(name, 40)}"' for name in names)
