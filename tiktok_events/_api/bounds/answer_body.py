"""The body of an answer, bounded as it is read and as it is decompressed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from tiktok_events.errors import TransportError

if TYPE_CHECKING:
    from httpx import Response

LARGEST_ANSWER = 65_536
"""Bytes of an answer, as sent and as decompressed. TikTok's answers have less than 1 kB as a rule."""
_MOST_ENCODINGS = 2
_FORMATS = {"gzip": (31,), "x-gzip": (31,), "deflate": (15, -15)}
"""`wbits` of zlib, in the order of trying: "deflate" comes with a zlib header, and from some servers without one."""
_REFUSED = ("br", "zstd", "compress", "x-compress")
"""Encodings for which the standard library of every supported Python has no decompressor with a bound."""


class AnswerBody:
    """Collects the body of *answer*, and decodes gzip and deflate.

    Requests ask for no encoding; some proxies compress all the same. A transport may also have read the answer
    already; then the body is complete from the start.

    Raises:
        TransportError: If the encoding is another one, or more than two were applied.
    """

    def __init__(self, answer: Response) -> None:
        self._status = answer.status_code
        self._received = bytearray()
        self._encodings: list[str] = []
        self.is_complete = answer.is_stream_consumed
        if self.is_complete:
            self.take(answer.content)
            return
        for name in answer.headers.get("content-encoding", "").split(","):
            encoding = name.strip().lower()
            if encoding in _REFUSED:
                raise self._error(f"is compressed ({encoding}), although the request asks for no compression")
            if encoding in _FORMATS:  # other words are no encoding; some servers put a charset here
                self._encodings.insert(0, encoding)
        if len(self._encodings) > _MOST_ENCODINGS:
            raise self._error("is compressed more than twice")

    def take(self, chunk: bytes) -> None:
        """Add *chunk*.

        Raises:
            TransportError: If the body is larger than 64 kB.
        """
        self._received += chunk
        if len(self._received) > LARGEST_ANSWER:
            raise self._error("is larger than any of TikTok's")

    def content(self) -> bytes:
        """The decoded body.

        Raises:
            TransportError: If it cannot be decoded, or is larger than 64 kB when decoded.
        """
        body = bytes(self._received)
        for encoding in self._encodings:
            body = self._decompressed(body, _FORMATS[encoding])
        return body

    def _decompressed(self, body: bytes, formats: tuple[int, ...]) -> bytes:
        for wbits in formats:
            decompressor = zlib.decompressobj(wbits)
            try:
                content = decompressor.decompress(body, LARGEST_ANSWER + 1)
            except zlib.error:
                continue
            if len(content) > LARGEST_ANSWER:
                raise self._error("is larger than any of TikTok's when decompressed")
            if decompressor.eof:
                return content
        raise self._error("cannot be decompressed")

    def _error(self, what: str) -> TransportError:
        return TransportError(f"the answer (HTTP {self._status}) {what}")
