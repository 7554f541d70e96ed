"""Map CSV columns to fields of an event, and cells to their values."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from tiktok_events._runtime import json_codec
from tiktok_events._spec.fields import CONTENT, EVENT, OBJECTS, Field
from tiktok_events._spec.problem import Problem
from tiktok_events.cli.console import clean
from tiktok_events.cli.rules import problem
from tiktok_events.cli.send.lines import CsvRecords, FileUnreadable, Line

_ITEM = "properties.contents"
_JSON_TYPES = ("contents", "strings", "object", "any")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# A spreadsheet marks text that looks like a number with an apostrophe, and some exports keep it.
_MARKED_TEXT = frozenset({"user.phone", "user.zip_code"})


def _paths() -> dict[str, Field]:
    paths = {name: field for name, field in EVENT.items() if name not in OBJECTS}
    for name, fields in OBJECTS.items():
        paths |= {f"{name}.{field}": one for field, one in fields.items()}
    paths |= {f"{_ITEM}.{field}": one for field, one in CONTENT.items()}
    return paths | {"key": Field(), "user.phone_region": Field()}


PATHS = _paths()
"""Every column by its full name; `properties.contents.price` and its like make the one item of a line."""


def _plain_names() -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {}
    for path in PATHS:
        leaf = path.rpartition(".")[2]
        if path.startswith(_ITEM + ".") and f"properties.{leaf}" in PATHS:
            continue  # content_type and description mean those of the event, not of an item
        names[leaf] = (*names.get(leaf, ()), path)
    return names


_PLAIN = _plain_names()


@attrs.frozen
class Columns:
    """The field of each column of a file; None for a column that is left out."""

    paths: tuple[str | None, ...]
    width: int
    """Cells in the header, those without a name at its end included."""

    @classmethod
    def of(cls, header: Sequence[str], renamed: Mapping[str, str], *, ignore_unknown: bool = False) -> Columns:
        """Read *header*, in which *renamed* gives columns another name ("" leaves one out).

        Raises:
            FileUnreadable: If a column is unknown or could be two fields, or a field comes twice.
        """
        names = [name.strip() for name in header]
        while names and not names[-1]:
            names.pop()
        strangers = [name for name in renamed if name not in names]
        if strangers:
            raise FileUnreadable(f"there is no column {_quoted(strangers)} to map; the columns are {_quoted(names)}")
        paths = _resolved((renamed.get(name, name) for name in names), ignore_unknown=ignore_unknown)
        twice = {path for path in paths if path and paths.count(path) > 1}
        if twice:
            raise FileUnreadable(f"two columns are {', '.join(sorted(twice))}: leave one out with --map NAME=")
        if not any(paths):
            raise FileUnreadable("no column has a name of the Events API: is the first line the header?")
        return cls(tuple(paths), len(header))

    def fields(self, cells: Sequence[str]) -> tuple[dict[str, Any], list[Problem]]:
        """The fields of an event in *cells*. An empty cell is an absent field."""
        fields: dict[str, Any] = {}
        found: list[Problem] = []
        if len(cells) < len(self.paths) or any(cell.strip() for cell in cells[self.width :]):
            return fields, [problem("csv-cells", "line", f"{len(cells)} cells, the header has {len(self.paths)}")]
        for path, cell in zip(self.paths, cells, strict=False):
            text = cell.strip()
            if path and text:
                _put(fields, path, text, found)
        return fields, found


def records(lines: Iterable[Line], renamed: Mapping[str, str], *, ignore_unknown: bool = False) -> Iterator[Line]:
    """Read the lines of a CSV file as records with their fields.

    Raises:
        FileUnreadable: If the header cannot be read or understood; before the first record.
    """
    source = CsvRecords(lines)
    columns = Columns.of(source.header, renamed, ignore_unknown=ignore_unknown)
    return (_with_fields(record, columns) for record in source)


def _with_fields(record: Line, columns: Columns) -> Line:
    if record.problems:
        return record
    fields, found = columns.fields(record.cells)
    return Line(record.number, record.text, None if found else fields, tuple(found))


def _resolved(names: Iterable[str], *, ignore_unknown: bool) -> list[str | None]:
    paths: list[str | None] = []
    unknown: list[str] = []
    for name in names:
        wanted = name.strip().lower().replace(" ", "_").replace("-", "_")
        wanted = f"properties.{wanted}" if wanted.startswith("contents.") else wanted
        several = (wanted,) if wanted in PATHS else _PLAIN.get(wanted, ())
        paths.append(several[0] if len(several) == 1 else None)
        if len(several) > 1:  # ambiguous: leaving the column out would be a guess too
            unknown.append(f"{_quoted([name])} ({' or '.join(several)}?)")
        elif wanted and not several and not ignore_unknown:
            unknown.append(_quoted([name]) + _hint(wanted))
    if unknown:
        message = f"no single field of the Events API: {', '.join(unknown)}."
        raise FileUnreadable(textwrap.fill(message, 72) + "\n" + _ADVICE)
    return paths


_ADVICE = """
Say what a column is with --map 'COLUMN=FIELD', where FIELD is key, event_time,
email, value, properties.order_id and so on. Leave one out with --map 'COLUMN=',
or all that are no field with --ignore-unknown."""


def _hint(wanted: str) -> str:
    close = [name for name in _PLAIN if name.startswith(wanted)]
    close = close or difflib.get_close_matches(wanted, [*PATHS, *_PLAIN], 1, cutoff=0.75)
    return f" ({close[0]}?)" if close else ""


def _put(fields: dict[str, Any], path: str, text: str, found: list[Problem]) -> None:
    value = _value(path, text, found)
    if path.startswith(_ITEM + "."):
        item: dict[str, Any] = fields.setdefault("properties", {}).setdefault("contents", [{}])[0]
        item[path.rpartition(".")[2]] = value
        return
    where, _, leaf = path.rpartition(".")
    (fields.setdefault(where, {}) if where else fields)[leaf] = value


def _value(path: str, text: str, found: list[Problem]) -> Any:
    field = PATHS[path]
    if field.type == "boolean":
        if text.lower() not in _BOOLEANS:
            found.append(problem("cell-boolean", path))
        return _BOOLEANS.get(text.lower())
    if path in _MARKED_TEXT and text.startswith("'"):
        text = text[1:].strip()
    if field.type in ("contents", "object") or (text[0] in "[{" and (field.many or field.type in _JSON_TYPES)):
        return _json_cell(path, text, found)
    return text


def _json_cell(path: str, text: str, found: list[Problem]) -> Any:
    try:
        return json_codec.loads(text)
    except ValueError:
        found.append(problem("cell-json", path))
        return None


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{clean(name, 40)}"' for name in names)
