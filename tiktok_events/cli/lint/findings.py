"""Check the request bodies and items of a file, and report each problem with its line and path."""

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
from tiktok_events.cli.file_rules import problem
from tiktok_events.cli.send.decoding import read_lines
from tiktok_events.cli.send.line import FileUnreadable, Line

Shape = Literal["body", "lines"]

MAX_BODY_BYTES = 16_000_000
"""Maximum bytes of one body, or of one line: sixteen times what 1,000 events need."""
_BODY_KEYS = (frozenset(ENVELOPE) | frozenset(LEGACY[""])) - {"timestamp", "pixel_code", "test_event_code"}


@attrs.frozen
class Finding:
    """One problem and its line in the file. The line is None if the whole file is one body."""

    line: int | None
    problem: Problem

    @property
    def location(self) -> str:
        """The line and the path of the field, as text."""
        path = self.problem.field
        return path if self.line is None else f"line {self.line}: {path}" if path != "line" else f"line {self.line}"


@attrs.frozen
class CheckResult:
    """The number of events and the findings of one body or line."""

    events: int
    findings: tuple[Finding, ...]


def check_stream(stream: BinaryIO, shape: Shape | None, kind: Kind, now: float) -> Iterator[CheckResult]:
    """Check *stream*: one body, or one item or body per line; with *shape* None the format is detected.

    *kind* is the event source of items without a body; a body names its own.

    Raises:
        FileUnreadable: If it is one body of more than `MAX_BODY_BYTES`.
    """
    if shape == "lines":
        return _check_lines(stream, kind, now)
    text = stream.read(MAX_BODY_BYTES + 1)
    if shape is None and _looks_like_jsonl(text):
        return _check_lines(_ResumedStream(text, stream), kind, now)
    if len(text) > MAX_BODY_BYTES:
        raise FileUnreadable("The file is larger than any request body. If it is JSONL, use --input jsonl.")
    return iter([_check_body(text.removeprefix(b"\xef\xbb\xbf"), kind, now)])


def _looks_like_jsonl(text: bytes) -> bool:
    """Return whether the first line is a complete JSON object and more lines follow."""
    first, _, rest = text.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    if not rest.strip() or not first.lstrip().startswith(b"{"):
        return False
    try:
        return isinstance(json_codec.loads(first), dict)
    except ValueError:
        # Pretty-printed JSON begins with a line of one brace; a malformed line of JSONL does not.
        return first.strip() != b"{" and first.rstrip().endswith(b"}") and rest.lstrip().startswith(b"{")


class _ResumedStream:
    """A stream that first returns bytes that were already read, then the rest of the original stream."""

    def __init__(self, text: bytes, stream: BinaryIO) -> None:
        self._text = BytesIO(text)
        self._stream = stream

    def readline(self, size: int) -> bytes:
        raw = self._text.readline(size)
        if len(raw) < size and not raw.endswith(b"\n"):
            raw += self._stream.readline(size - len(raw))
        return raw


def _check_lines(stream: Any, kind: Kind, now: float) -> Iterator[CheckResult]:
    for line in read_lines(stream, max_bytes=MAX_BODY_BYTES):
        if line.problems:
            yield CheckResult(0, _findings(line.problems, line.number))
        elif line.text.strip():
            yield _check_line(line, kind, now)


def _check_line(line: Line, kind: Kind, now: float) -> CheckResult:
    try:
        value = json_codec.loads(line.text)
    except ValueError:
        return CheckResult(0, _findings([problem("not-json", "line")], line.number))
    return _check_value(value, line.text, kind, now, line.number)


def _check_body(text: bytes, kind: Kind, now: float) -> CheckResult:
    try:
        value = json_codec.loads(text)
    except ValueError:
        return CheckResult(0, _findings(check_body(text, now=now).problems, None))
    if isinstance(value, list):  # a data list without its body
        return _check_value(
            {"event_source": kind, "event_source_id": _PLACEHOLDER_IDS[kind], "data": value}, None, kind, now, None
        )
    return _check_value(value, None, kind, now, None)


_PLACEHOLDER_IDS: dict[Kind, str] = {"web": "C0000000000000000000", "app": "1", "offline": "1", "crm": "1"}
"""Ids that pass every rule, for a list of items without an envelope."""


def _check_value(value: Any, text: str | None, kind: Kind, now: float, number: int | None) -> CheckResult:
    if isinstance(value, dict) and _is_body(value):
        report = check_body(json.dumps(value) if text is None else text, now=now)
        data = value.get("data")
        return CheckResult(len(data) if isinstance(data, list) else 0, _findings(report.problems, number))
    if not isinstance(value, dict):
        return CheckResult(0, _findings([problem("not-an-object", "body" if number is None else "line")], number))
    return CheckResult(1, _findings(check_raw_item(value, kind, now=now), number))


def _is_body(value: dict[str, Any]) -> bool:
    return not value.keys().isdisjoint(_BODY_KEYS) or "event" not in value


def _findings(problems: Iterable[Problem], number: int | None) -> tuple[Finding, ...]:
    return tuple(Finding(number, item) for item in problems)
