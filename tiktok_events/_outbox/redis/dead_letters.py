"""Dead letters in Redis: one stream beside each stream of records, with reason and time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from tiktok_events._outbox.protocol import DeadLetter, Record
from tiktok_events._outbox.redis.keys import Stream, decode
from tiktok_events._outbox.redis.server import RedisServer
from tiktok_events._runtime.payload import Payload

_PAGE = 1_000
_RECORD = (b"id", b"data", b"keyed")
Entry = tuple[bytes, dict[bytes, bytes]]


class DeadLetters:
    """The dead letters of all streams that *streams* returns."""

    def __init__(
        self, server: RedisServer, streams: Callable[[], Sequence[Stream]], clock: Callable[[], float] | None
    ) -> None:
        self._server, self._streams, self._clock = server, streams, clock

    def newest(self, limit: int) -> tuple[DeadLetter, ...]:
        """The newest *limit* dead letters, oldest first."""
        if limit <= 0:
            return ()
        streams = self._streams()
        pages = self._server.pipeline(lambda pipe: [pipe.xrevrange(stream.dead, count=limit) for stream in streams])
        found = [
            (_id(entry), stream, fields) for stream, page in zip(streams, pages, strict=True) for entry, fields in page
        ]
        found.sort(key=lambda letter: letter[0])
        return tuple(_letter(*letter) for letter in found[-limit:])

    def count(self, event_ids: Collection[str] | None) -> int:
        """The number of dead letters, of all or those of *event_ids*."""
        return sum(len(page) for stream in self._streams() for page in self._pages(stream, event_ids))

    def replay(self, event_ids: Collection[str] | None) -> int:
        """Move dead letters, all or those of *event_ids*, to the end of their streams. Returns their number."""
        return sum(self._move(stream, page, back=True) for stream, page in self._all(event_ids))

    def purge(self, event_ids: Collection[str] | None) -> int:
        """Delete dead letters, all or those of *event_ids*. Returns their number."""
        return sum(self._move(stream, page, back=False) for stream, page in self._all(event_ids))

    def _now(self) -> float:
        return self._server.time() if self._clock is None else self._clock()

    def _all(self, event_ids: Collection[str] | None) -> Iterator[tuple[Stream, list[Entry]]]:
        for stream in self._streams():
            for page in self._pages(stream, event_ids):
                yield stream, page

    def _pages(self, stream: Stream, event_ids: Collection[str] | None) -> Iterator[list[Entry]]:
        after = "-"
        while True:
            page = self._page(stream, after)
            if not page:
                return
            after = f"({page[-1][0].decode()}"
            yield [entry for entry in page if event_ids is None or decode(entry[1][b"id"]) in event_ids]

    def _page(self, stream: Stream, after: str) -> list[Entry]:
        page: list[Entry] = self._server.execute(lambda client: client.xrange(stream.dead, min=after, count=_PAGE))
        return page

    def _move(self, stream: Stream, page: Sequence[Entry], *, back: bool) -> int:
        """Delete *page*, and with *back* add it to its stream again, in one transaction; skip entries that are gone."""
        if not page:
            return 0

        def move(pipe: Any) -> int:
            # Under WATCH: a change by another process restarts this transaction.
            existing = {entry for entry, _ in pipe.xrange(stream.dead, min=page[0][0], max=page[-1][0])}
            chosen = [(entry, fields) for entry, fields in page if entry in existing]
            now = self._now()
            pipe.multi()
            for entry, fields in chosen:
                if back:
                    pipe.xadd(stream.key, {name: fields[name] for name in _RECORD if name in fields})
                    if b"keyed" in fields:
                        pipe.zadd(stream.remembered, {fields[b"id"]: now})
                pipe.xdel(stream.dead, entry)
            return len(chosen)

        return int(self._server.execute(lambda client: client.transaction(move, stream.dead, value_from_callable=True)))


def _letter(entry: tuple[int, int], stream: Stream, fields: dict[bytes, bytes]) -> DeadLetter:
    record = Record(*stream.route, decode(fields[b"id"]), Payload(fields[b"data"]), b"keyed" in fields)
    return DeadLetter(record, decode(fields[b"reason"]), entry[0] / 1000)


def _id(entry: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = entry.partition(b"-")
    return int(milliseconds), int(sequence)
