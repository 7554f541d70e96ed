"""Decode the bytes of a file into numbered lines: UTF-8, UTF-16 with a byte order mark, or a given encoding."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from tiktok_events.cli.file_rules import problem
from tiktok_events.cli.send.line import Line

MAX_LINE_BYTES = 1_000_000
_MAX_KEPT = 10_000
_CHUNK = 65_536
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_DECODED = "\ufffd"


def read_lines(stream: BinaryIO, encoding: str | None = None, max_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """Decode and number the lines of *stream*.

    Without *encoding* the file is UTF-8, or UTF-16 if it starts with that byte order mark. A line that cannot be
    decoded has a problem; bytes that are not UTF-8 are kept as surrogates.
    """
    if encoding is not None and codecs.lookup(encoding).name != "utf-8":
        return _decoded_lines(b"", stream, encoding, max_bytes)
    first = stream.readline(max_bytes + 1)
    if first.startswith(_UTF16):
        return _decoded_lines(first, stream, "utf-16", max_bytes)
    return _utf8_lines(first.removeprefix(codecs.BOM_UTF8), stream, max_bytes)


def _utf8_lines(first: bytes, stream: BinaryIO, max_bytes: int) -> Iterator[Line]:
    number, raw = 0, first
    while raw:
        number += 1
        if len(raw) > max_bytes and not raw.endswith(b"\n"):
            _skip_rest(stream, max_bytes)
            yield _too_long(number, raw[:_MAX_KEPT].decode("utf-8", "surrogateescape"))
        else:
            yield _decode_utf8(number, raw)
        raw = stream.readline(max_bytes + 1)


def _skip_rest(stream: BinaryIO, max_bytes: int) -> None:
    while (raw := stream.readline(max_bytes)) and not raw.endswith(b"\n"):
        pass


def _decode_utf8(number: int, raw: bytes) -> Line:
    try:
        return Line(number, raw.decode())
    except UnicodeDecodeError:
        text = raw.decode("utf-8", "surrogateescape")
        return Line(number, text, problems=(problem("line-not-utf8", "line"),))


def _decoded_lines(first: bytes, stream: BinaryIO, encoding: str, max_length: int) -> Iterator[Line]:
    for number, text in enumerate(_split(_decoded(first, stream, encoding), max_length), 1):
        if len(text) > max_length and not text.endswith("\n"):
            yield _too_long(number, text[:_MAX_KEPT])
        elif _NOT_DECODED in text:
            yield Line(number, text, problems=(problem("line-not-encoded", "line", encoding),))
        else:
            yield Line(number, text)


def _decoded(first: bytes, stream: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    chunk = first or stream.read(_CHUNK)
    while chunk:
        yield decoder.decode(chunk)
        chunk = stream.read(_CHUNK)
    yield decoder.decode(b"", final=True)


def _split(chunks: Iterator[str], max_length: int) -> Iterator[str]:
    """Split *chunks* of text into lines. Of a line that is too long only the beginning is returned."""
    pending, skips = "", False
    for chunk in chunks:
        *lines, pending = (pending + chunk).split("\n")
        for line in lines:
            if not skips:
                yield line + "\n"
            skips = False
        if skips:
            pending = ""
        elif len(pending) > max_length:
            yield pending
            pending, skips = "", True
    if pending:
        yield pending


def _too_long(number: int, beginning: str) -> Line:
    return Line(number, beginning, problems=(problem("line-too-long", "line"),))
