"""Redis keys: the streams, their dead letters, and the set that lists the streams; and the encoding of text."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, unquote

from tiktok_events._outbox.protocol import Route


class Stream(NamedTuple):
    """A stream of one route, the stream of its dead letters, its remembered ids, and its member in the set of streams."""

    tag: str
    key: str
    dead: str
    remembered: str
    route: Route


class Keys:
    """Keys with a prefix. The keys of one stream share a hash tag, so that a cluster stores them in one slot."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.streams = f"{prefix}:streams"
        self._known: dict[str, Stream] = {}

    def of(self, route: Route, shard: int) -> Stream:
        """The stream of *route* with the number *shard*."""
        return self.stream(":".join([str(shard), *(quote(part, safe="") for part in route if part is not None)]))

    def stream(self, tag: str) -> Stream:
        """The stream with the member *tag* in the set of streams."""
        stream = self._known.get(tag)
        if stream is None:
            _, source, source_id, *test = map(unquote, tag.split(":"))
            key = f"{self.prefix}:{{{tag}}}"
            route = source, source_id, test[0] if test else None
            stream = self._known[tag] = Stream(tag, key, f"{key}:dead", f"{key}:keys", route)
        return stream


def encode(value: str) -> bytes:
    """*value* as bytes. A lone surrogate, which JSON may hold, is kept and does not raise."""
    return value.encode("utf-8", "surrogatepass")


def decode(value: bytes) -> str:
    """The text that `encode` was given."""
    return value.decode("utf-8", "surrogatepass")
