"""`RedisOutbox`: an outbox in Redis Streams, for events that web hosts put and worker hosts deliver.

A route has one stream (or several) with one consumer group: XREADGROUP reads new records, XAUTOCLAIM takes over those
of lost workers, and a script runs XACK and XDEL in one step for delivered ones.
"""

from __future__ import annotations

import itertools
import random
import time
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, cast

from tiktok_events._outbox.protocol import Claim, DeadLetter, Reach, Record, RecordId, Route
from tiktok_events._outbox.redis import scripts
from tiktok_events._outbox.redis.consumer_group import ConsumerGroup
from tiktok_events._outbox.redis.dead_letters import DeadLetters
from tiktok_events._outbox.redis.keys import Keys, Stream, encoded
from tiktok_events._outbox.redis.server import NoMemory, RedisServer
from tiktok_events.errors import OutboxFull

_PAGE = 1_000
_LONG_AGO = float("-inf")
_SEEN_FOR, _LISTED_FOR = 1.0, 30.0


class RedisOutbox:
    """An outbox in the Redis at *url* (`redis://`, `rediss://` or `unix://`): any host puts, any host delivers.

    It needs redis-py (`pip install "tiktok-events[redis]"`) and Redis 6.2 or later, with `appendonly yes` and the
    `maxmemory-policy` noeviction: `dangers` tells, and the first use logs, what would lose events. Every name in
    Redis begins with *prefix*. `timeout` bounds the wait for an answer and `connect_timeout` that for a connection,
    in seconds; nothing is tried twice.

    It takes `max_events` events, and some more when several processes put within the same second; the last
    `max_dead` dead letters of each stream are kept. With `streams` above 1 the events of a source are spread over so
    many streams: each of them is in order, all together are not. The keys of a stream share a hash tag, but a cluster
    of several nodes was not tried.

    `put` waits for the network, so no request should call it: `BackgroundClient` puts from its thread. When an answer
    is lost on the way, `put` raises although the events are there; put again, they have the same event ids. Leases go
    by the server's clock, and that of a process of this host that is gone ends at once. Give all workers the same
    lease: whoever claims measures others by its own. `nack` waits no longer than the lease. Threads share an outbox;
    a forked child has connections of its own.

    Raises:
        ConfigurationError: If redis-py is missing, or *url* is no address of a Redis.
        ValueError: If a number is not positive, or *prefix* contains a brace.
    """

    reach: Reach = "network"

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "tiktok-events",
        streams: int = 1,
        max_events: int = 1_000_000,
        max_dead: int = 10_000,
        timeout: float = 5.0,
        connect_timeout: float = 3.0,
    ) -> None:
        if min(streams, max_events, max_dead, timeout, connect_timeout) <= 0:
            raise ValueError("streams, max_events, max_dead, timeout and connect_timeout must be positive")
        if set("{}") & set(prefix):
            raise ValueError("prefix must not contain a brace: Redis would read it as a hash tag")
        self._server = RedisServer(url, timeout=timeout, connect_timeout=connect_timeout)
        self._keys = Keys(prefix)
        self._dead = DeadLetters(self._server, self._streams)
        self._group = ConsumerGroup(self._server, max_dead=max_dead)
        self._shards, self._max_events = streams, max_events
        self._turns = itertools.count(random.randrange(streams))
        self._warned = False
        self._listed: dict[str, float] = {}
        self._seen: tuple[list[Stream], float] = [], _LONG_AGO
        self._room: tuple[int, float] = 0, _LONG_AGO

    def __repr__(self) -> str:
        return f"RedisOutbox({self._server.place!r}, prefix={self._keys.prefix!r})"

    def put(self, records: Sequence[Record]) -> list[RecordId]:
        """Store *records*, all or none, in one round trip.

        Raises:
            OutboxFull: If it holds `max_events`, or the server as much as its `maxmemory` allows.
            OutboxUnavailable: If the server cannot be reached or takes nothing now.
        """
        if not records:
            return []
        shard = next(self._turns) % self._shards
        streams = {route: self._keys.of(route, shard) for route in {record.route for record in records}}
        self._make_sure_of_room(len(records))
        try:
            self._list(streams.values())
            entries = self._server.ask(lambda client: _add(client, records, streams))
        except NoMemory as full:
            raise OutboxFull(str(full)) from None
        self._warn_once()
        return [(streams[record[:3]].key, entry) for record, entry in zip(records, entries, strict=True)]

    def claim(self, limit: int, *, lease: float, routes: Collection[Route]) -> list[Claim]:
        """As `Outbox.claim`. Records that were given back or lost come first; the stream that was served goes to the back."""
        self._warn_once()
        return self._group.claim(self._serving(routes), limit, lease)

    def ack(self, claims: Sequence[Claim]) -> None:
        """As `Outbox.ack`."""
        self._group.ack(claims)

    def nack(self, claims: Sequence[Claim], *, delay: float, reason: str) -> None:
        """As `Outbox.nack`, but a *delay* longer than the lease is cut to it, because Redis has no negative idle time."""
        self._group.nack(claims, delay)

    def dead_letter(self, claims: Sequence[Claim], *, reason: str) -> None:
        """As `Outbox.dead_letter`."""
        self._group.dead_letter(claims, reason)

    def dead(self, limit: int = 1_000) -> Sequence[DeadLetter]:
        """As `Outbox.dead`."""
        return self._dead.newest(limit)

    def replay(self, event_ids: Collection[str] | None = None) -> int:
        """As `Outbox.replay`.

        Raises:
            OutboxFull: If there is no room for all of them, by `max_events` or the server's `maxmemory`.
        """
        self._make_sure_of_room(self._dead.count(event_ids))
        try:
            return self._dead.take_back(event_ids)
        except NoMemory as full:
            raise OutboxFull(str(full)) from None

    def purge(self, event_ids: Collection[str] | None = None) -> int:
        """As `Outbox.purge`."""
        return self._dead.purge(event_ids)

    def still(self, record_ids: Collection[RecordId]) -> Collection[RecordId]:
        """As `Outbox.still`."""
        by_key: dict[str, list[bytes]] = defaultdict(list)
        for key, entry in cast("Collection[tuple[str, bytes]]", record_ids):
            by_key[key].append(entry)
        there: list[RecordId] = []
        for key, entries in by_key.items():
            for at in range(0, len(entries), _PAGE):
                found = self._server.run(scripts.STILL, [key], *entries[at : at + _PAGE])
                there += [(key, entry) for entry in found]
        return there

    def depth(self) -> int:
        """As `Outbox.depth`: of all sources and streams."""
        streams = self._streams()
        return sum(self._server.piped(lambda pipe: [pipe.xlen(stream.key) for stream in streams]))

    def age(self) -> float | None:
        """As `Outbox.age`, by the server's clock. A replayed record is as old as its replay."""
        streams = self._streams()
        firsts = self._server.piped(lambda pipe: [pipe.xrange(stream.key, count=1) for stream in streams])
        put = [int(entries[0][0].partition(b"-")[0]) / 1000 for entries in firsts if entries]
        if not put:
            return None
        seconds, microseconds = self._server.ask(lambda client: client.time())
        return max(0.0, float(seconds + microseconds / 1e6 - min(put)))

    def due_in(self, routes: Collection[Route]) -> float | None:
        """As `Outbox.due_in`, if other workers use the lease of the last `claim` here (30 s before the first)."""
        return self._group.due_in(self._serving(routes))

    def dangers(self) -> list[str]:
        """Sentences about settings of the server that can lose events; empty if there are none, or they cannot be read.

        Raises:
            OutboxUnavailable: If the server cannot be reached.
        """
        return self._server.dangers()

    def close(self) -> None:
        """Close the connections that are not in use. It may be used again."""
        self._server.close()

    def _streams(self) -> list[Stream]:
        """All listed streams, and those that this process puts into, in case the list is lost."""
        tags: Collection[bytes] = self._server.ask(lambda client: client.smembers(self._keys.streams))
        return [self._keys.stream(tag) for tag in sorted({*map(bytes.decode, tags), *tuple(self._listed)})]

    def _serving(self, routes: Collection[Route]) -> list[Stream]:
        """The streams of *routes*: those of this process's settings, and those of processes with other settings."""
        listed, at = self._seen
        if time.monotonic() - at >= _SEEN_FOR:
            listed = self._streams()
            self._seen = listed, time.monotonic()
        ours = {self._keys.of(route, shard) for route in routes for shard in range(self._shards)}
        return sorted(ours.union(stream for stream in listed if stream.route in routes))

    def _list(self, streams: Collection[Stream]) -> None:
        """Add *streams* to the set of streams, which may have been lost with other data of the server."""
        now = time.monotonic()
        old = [stream.tag for stream in streams if now - self._listed.get(stream.tag, _LONG_AGO) >= _LISTED_FOR]
        if old:
            self._server.ask(lambda client: client.sadd(self._keys.streams, *old))
            self._listed.update(dict.fromkeys(old, now))

    def _make_sure_of_room(self, number: int) -> None:
        counted, at = self._room
        now = time.monotonic()
        if now - at >= _SEEN_FOR or counted + number > self._max_events:
            counted, at = self.depth(), now
        if counted + number > self._max_events:
            raise OutboxFull(f"the outbox holds {counted:,} events")
        self._room = counted + number, at

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            self._server.warn()


def _add(client: Any, records: Sequence[Record], streams: dict[Route, Stream]) -> list[bytes]:
    keys = {route: stream.key.encode() for route, stream in streams.items()}
    adding = [
        ("XADD", keys[record[:3]], b"*", b"id", encoded(record.event_id), b"data", record.data) for record in records
    ]
    if len(adding) == 1:
        return [client.execute_command(*adding[0])]
    with client.pipeline(transaction=True) as pipe:
        for command in adding:
            pipe.execute_command(*command)
        entries: list[bytes] = pipe.execute()
    return entries
