"""What things are called in Redis: streams, their dead letters, the set that lists them; and how text is written."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote, unquote

from tiktok_events._outbox.protocol import Route


class Stream(NamedTuple):
    """A stream of one route, the stream of its dead letters, and what the set of streams knows it by."""

    tag: str
    key: str
    dead: str
    route: Route


class Keys:
    """Names behind one prefix. The keys of one stream share a hash tag, so a cluster keeps them together."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.streams = f"{prefix}:streams"
        self._known: dict[str, Stream] = {}

    def of(self, route: Route, shard: int) -> Stream:
        """The stream of *route* with the number *shard*."""
        return self.stream(":".join([str(shard), *(quote(part, safe="") for part in route if part is not None)]))

    def stream(self, tag: str) -> Stream:
        """The stream that the set of streams knows by *tag*."""
        stream = self._known.get(tag)
        if stream is None:
            _, source, source_id, *test = map(unquote, tag.split(":"))
            key = f"{self.prefix}:{{{tag}}}"
            stream = self._known[tag] = Stream(tag, key, f"{key}:dead", (source, source_id, test[0] if test else None))
        return stream


def encoded(value: str) -> bytes:
    """*value* as bytes. Half of a surrogate pair, which JSON may hold, is kept and raises nothing."""
    return value.encode("utf-8", "surrogatepass")


def text(value: bytes) -> str:
    """What `encoded` was given."""
    return value.decode("utf-8", "surrogatepass")
