"""Read the bodies and items of a file, and find their problems with line and path."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, BinaryIO, Literal

import attrs

from tiktok_events._checks.body import check_body, check_raw_item
from tiktok_events._runtime import json_codec
from tiktok_events._spec.fields import ENVELOPE, LEGACY, Kind
from tiktok_events._spec.problem import Problem
from tiktok_events.cli.rules import problem
from tiktok_events.cli.send.lines import FileUnreadable, Line, numbered

Shape = Literal["body", "lines"]

LARGEST = 16_000_000
"""Bytes of one body, or of one line that may be a body: sixteen times what 1,000 events need."""
_BODY_KEYS = (frozenset(ENVELOPE) | frozenset(LEGACY[""])) - {"timestamp", "pixel_code", "test_event_code"}


@attrs.frozen
class Finding:
    """One problem with its line in the file (None for a body that is the whole file) and its path."""

    line: int | None
    problem: Problem

    @property
    def place(self) -> str:
        """Line and path as text."""
        path = self.problem.field
        return path if self.line is None else f"line {self.line}: {path}" if path != "line" else f"line {self.line}"


@attrs.frozen
class Checked:
    """One body or line: its number of events and its problems."""

    events: int
    findings: tuple[Finding, ...]


def checked(stream: BinaryIO, shape: Shape | None, kind: Kind, now: float) -> Iterator[Checked]:
    """Check *stream*: one body, or one item or body per line; with *shape* None the format is detected.

    *kind* is the event source of items that stand alone; a body says its own.

    Raises:
        FileUnreadable: If it is one body and larger than any.
    """
    if shape == "lines":
        return _each_line(stream, kind, now)
    text = stream.read(LARGEST + 1)
    if shape is None and _is_lines(text):
        return _each_line(_Joined(text, stream), kind, now)
    if len(text) > LARGEST:
        raise FileUnreadable("it is larger than any request body: is it JSONL? Then say --format jsonl")
    return iter([_whole(text.removeprefix(b"\xef\xbb\xbf"), kind, now)])


def _is_lines(text: bytes) -> bool:
    """Whether the first line is a JSON object by itself and others follow."""
    first, _, rest = text.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    if not rest.strip() or not first.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json_codec.loads(first), dict)
    except ValueError:
        # Pretty-printed JSON begins with a brace alone on its line; a broken line of JSONL does not.
        return first.strip() != b"{" and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")


class _Joined:
    """The lines that were read already, then the rest of the stream."""

    def __init__(self, text: bytes, stream: BinaryIO) -> None:
        self._text = BytesIO(text)
        self._stream = stream

    def readline(self, size: int) -> bytes:
        piece = self._text.readline(size)
        if len(piece) < size and not piece.endswith(b"\n"):
            piece += self._stream.readline(size - len(piece))
        return piece


def _each_line(stream: Any, kind: Kind, now: float) -> Iterator[Checked]:
    for line in numbered(stream, LARGEST):
        if line.problems:
            yield Checked(0, _found(line.problems, line.number))
        elif line.text.strip():
            yield _checked_line(line, kind, now)


def _checked_line(line: Line, kind: Kind, now: float) -> Checked:
    try:
        value = json_codec.loads(line.text)
    except ValueError:
        return Checked(0, _found([problem("not-json", "line")], line.number))
    return _checked_value(value, line.text, kind, now, line.number)


def _whole(text: bytes, kind: Kind, now: float) -> Checked:
    try:
        value = json_codec.loads(text)
    except ValueError:
        return Checked(0, _found(check_body(text, now=now).problems, None))
    if isinstance(value, list):  # the data list alone
        return _checked_value(
            {"event_source": kind, "event_source_id": _ANY[kind], "data": value}, None, kind, now, None
        )
    return _checked_value(value, None, kind, now, None)


_ANY: dict[Kind, str] = {"web": "C0000000000000000000", "app": "1", "offline": "1", "crm": "1"}
"""Ids that no rule minds, for a list of items without an envelope."""


def _checked_value(value: Any, text: str | None, kind: Kind, now: float, number: int | None) -> Checked:
    if isinstance(value, dict) and _is_body(value):
        report = check_body(json.dumps(value) if text is None else text, now=now)
        data = value.get("data")
        return Checked(len(data) if isinstance(data, list) else 0, _found(report.problems, number))
    if not isinstance(value, dict):
        return Checked(0, _found([problem("not-an-object", "body" if number is None else "line")], number))
    return Checked(1, _found(check_raw_item(value, kind, now=now), number))


def _is_body(value: dict[str, Any]) -> bool:
    return not value.keys().isdisjoint(_BODY_KEYS) or "event" not in value


def _found(problems: Iterable[Problem], number: int | None) -> tuple[Finding, ...]:
    return tuple(Finding(number, one) for one in problems)
