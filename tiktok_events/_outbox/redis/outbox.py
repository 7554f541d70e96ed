"""`RedisOutbox`: an outbox in Redis Streams, for events that web hosts put and worker hosts deliver.

A route has one stream (or several) with one consumer group. XREADGROUP reads new records, XAUTOCLAIM takes over the
records of lost workers, and a script deletes delivered records with XACK and XDEL in one step.
"""

from __future__ import annotations

import itertools
import random
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any, cast

from tiktok_events._outbox.protocol import (
    NOTHING_STORED,
    Claim,
    DeadLetter,
    PutResult,
    Record,
    RecordId,
    Repeat,
    Route,
    Scope,
)
from tiktok_events._outbox.redis import scripts
from tiktok_events._outbox.redis.consumer_group import ConsumerGroup
from tiktok_events._outbox.redis.dead_letters import DeadLetters
from tiktok_events._outbox.redis.keys import Keys, Stream, encode
from tiktok_events._outbox.redis.server import NoMemoryError, RedisServer
from tiktok_events._outbox.remembered_keys import REMEMBER_DAYS, checked_days
from tiktok_events._runtime.clock import monotonic
from tiktok_events.errors import OutboxFull

_PAGE = 1_000
_LONG_AGO = float("-inf")
_CACHE_SECONDS, _REGISTER_EVERY = 1.0, 30.0


class RedisOutbox:
    """An outbox in the Redis at *url* (`redis://`, `rediss://` or `unix://`): any host puts, any host delivers.

    It needs redis-py (`pip install "tiktok-events[redis]"`) and Redis 6.2 or later, with `appendonly yes` and the
    `maxmemory-policy` noeviction. `config_warnings` returns, and the first use logs, the settings that can lose events.
    Every key in Redis begins with *prefix*. `timeout` bounds the wait for a reply and `connect_timeout` the wait for a
    connection, in seconds; a call with all its replies ends within ten times `timeout`; no command is retried.

    The outbox holds `max_events` events, and a few more when several processes put within the same second. Of the dead
    letters of each stream the last `max_dead` are kept. With `streams` above 1, the events of a source are spread over
    that many streams: each stream is in order, all of them together are not. The keys of a stream share a hash tag, but
    a cluster of several nodes was not tested.

    A keyed event is not stored again within `remember_keys` days, by whatever host it is put, unless it became a dead
    letter; 0 turns this off. `clock` is the Unix time by which days are counted, by default the server's.

    `put` waits for the network, so a request should not call it: `BackgroundClient` puts from its thread. When a reply
    is lost, `put` raises although the events are stored; put again, they have the same event ids. Leases use the
    server's clock; the leases of a process of this host that has ended are released at once. Give all workers the same
    lease, because a worker measures the claims of others by its own. `nack` waits no longer than the lease. Threads may
    share an outbox; a forked child opens its own connections.

    Raises:
        ConfigurationError: If redis-py is missing, or *url* is not the URL of a Redis.
        ValueError: If a number is not positive, `remember_keys` is negative, or *prefix* contains a brace.
    """

    scope: Scope = "network"

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "tiktok-events",
        streams: int = 1,
        max_events: int = 1_000_000,
        max_dead: int = 10_000,
        remember_keys: float = REMEMBER_DAYS,
        clock: Callable[[], float] | None = None,
        timeout: float = 5.0,
        connect_timeout: float = 3.0,
    ) -> None:
        if min(streams, max_events, max_dead, timeout, connect_timeout) <= 0:
            raise ValueError("streams, max_events, max_dead, timeout and connect_timeout must be positive")
        if set("{}") & set(prefix):
            raise ValueError("prefix must not contain a brace: Redis would read it as a hash tag")
        self._server = RedisServer(url, timeout=timeout, connect_timeout=connect_timeout)
        self._keys = Keys(prefix)
        self._dead = DeadLetters(self._server, self._streams, clock)
        self._group = ConsumerGroup(self._server, max_dead=max_dead)
        self._shards, self._max_events = streams, max_events
        self._remember, self._clock = checked_days(remember_keys), clock
        self._next_shard = itertools.count(random.randrange(streams))
        self._warned = False
        self._registered: dict[str, float] = {}
        self._stream_cache: tuple[list[Stream], float] = [], _LONG_AGO
        self._depth_cache: tuple[int, float] = 0, _LONG_AGO

    def __repr__(self) -> str:
        return f"RedisOutbox({self._server.address!r}, prefix={self._keys.prefix!r})"

    def put(self, records: Sequence[Record]) -> PutResult:
        """Store *records*, all or none, except repeated ones, in one round trip.

        Raises:
            OutboxFull: If it would hold more than `max_events`, or the server has reached its `maxmemory`.
            OutboxUnavailable: If the server cannot be reached or accepts no writes now.
        """
        if not records:
            return NOTHING_STORED
        by_stream = self._by_stream(records)
        self._check_room(len(records))
        try:
            self._register(by_stream)
            replies = self._server.run_scripts(scripts.PUT, [self._put(*one) for one in by_stream.items()])
        except NoMemoryError as error:
            raise OutboxFull(str(error)) from None
        self._warn_once()
        stored: list[RecordId] = []
        repeated: list[Repeat] = []
        for (stream, its_records), reply in zip(by_stream.items(), replies, strict=True):
            for record, entry in zip(its_records, reply, strict=True):
                if isinstance(entry, int):
                    repeated.append(Repeat(record.event_id, float(entry)))
                else:
                    stored.append((stream.key, entry))
        return PutResult.of(stored, repeated)

    def _by_stream(self, records: Sequence[Record]) -> dict[Stream, list[Record]]:
        """*records* by stream: the same one for the same key, the next in turn for the others."""
        shard = next(self._next_shard)
        by_stream: dict[Stream, list[Record]] = defaultdict(list)
        for record in records:
            number = zlib.crc32(encode(record.event_id)) if record.is_keyed else shard
            by_stream[self._keys.of(record.route, number % self._shards)].append(record)
        return by_stream

    def _put(self, stream: Stream, records: Sequence[Record]) -> tuple[list[str], list[Any]]:
        """Keys and arguments of `scripts.PUT`."""
        arguments: list[Any] = [self._remember, "" if self._clock is None else self._clock()]
        for record in records:
            arguments += (encode(record.event_id), record.data, int(record.is_keyed))
        return [stream.key, stream.remembered], arguments

    def claim(self, limit: int, *, lease: float, routes: Collection[Route]) -> list[Claim]:
        """As `Outbox.claim`. Records that were given back or lost come first; the stream that was served goes to the back."""
        self._warn_once()
        return self._group.claim(self._streams_of(routes), limit, lease)

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
        self._check_room(self._dead.count(event_ids))
        try:
            return self._dead.replay(event_ids)
        except NoMemoryError as error:
            raise OutboxFull(str(error)) from None

    def purge(self, event_ids: Collection[str] | None = None) -> int:
        """As `Outbox.purge`."""
        return self._dead.purge(event_ids)

    def undelivered(self, record_ids: Collection[RecordId]) -> Collection[RecordId]:
        """As `Outbox.undelivered`."""
        by_key: dict[str, list[bytes]] = defaultdict(list)
        for key, entry in cast("Collection[tuple[str, bytes]]", record_ids):
            by_key[key].append(entry)
        existing: list[RecordId] = []
        for key, entries in by_key.items():
            for start in range(0, len(entries), _PAGE):
                found = self._server.run_script(scripts.EXISTING, [key], *entries[start : start + _PAGE])
                existing += [(key, entry) for entry in found]
        return existing

    def depth(self) -> int:
        """As `Outbox.depth`, for all sources and streams."""
        streams = self._streams()
        return sum(self._server.pipeline(lambda pipe: [pipe.xlen(stream.key) for stream in streams]))

    def age(self) -> float | None:
        """As `Outbox.age`, by the server's clock. A replayed record is as old as its replay."""
        streams = self._streams()
        oldest = self._server.pipeline(lambda pipe: [pipe.xrange(stream.key, count=1) for stream in streams])
        put = [int(entries[0][0].partition(b"-")[0]) / 1000 for entries in oldest if entries]
        if not put:
            return None
        return max(0.0, self._server.time() - min(put))

    def due_in(self, routes: Collection[Route]) -> float | None:
        """As `Outbox.due_in`, if other workers use the lease of the last `claim` here (30 s before the first)."""
        return self._group.due_in(self._streams_of(routes))

    def config_warnings(self) -> list[str]:
        """Warnings about server settings that can lose events; empty if there are none or the settings cannot be read.

        Raises:
            OutboxUnavailable: If the server cannot be reached.
        """
        return self._server.config_warnings()

    def close(self) -> None:
        """Close the connections that are not in use. The outbox may be used again."""
        self._server.close()

    def _streams(self) -> list[Stream]:
        """All registered streams, and those that this process puts into, because the set may have been lost."""
        tags: Collection[bytes] = self._server.execute(lambda client: client.smembers(self._keys.streams))
        return [self._keys.stream(tag) for tag in sorted({*map(bytes.decode, tags), *tuple(self._registered)})]

    def _streams_of(self, routes: Collection[Route]) -> list[Stream]:
        """The streams of *routes*: those by the settings of this process, and those of processes with other settings."""
        registered, at = self._stream_cache
        if monotonic() - at >= _CACHE_SECONDS:
            registered = self._streams()
            self._stream_cache = registered, monotonic()
        own = {self._keys.of(route, shard) for route in routes for shard in range(self._shards)}
        return sorted(own.union(stream for stream in registered if stream.route in routes))

    def _register(self, streams: Collection[Stream]) -> None:
        """Add *streams* to the set of streams, again every 30 s, because the server may have lost it."""
        now = monotonic()
        due = [stream.tag for stream in streams if now - self._registered.get(stream.tag, _LONG_AGO) >= _REGISTER_EVERY]
        if due:
            self._server.execute(lambda client: client.sadd(self._keys.streams, *due))
            self._registered.update(dict.fromkeys(due, now))

    def _check_room(self, number: int) -> None:
        depth, at = self._depth_cache
        now = monotonic()
        if now - at >= _CACHE_SECONDS or depth + number > self._max_events:
            depth, at = self.depth(), now
        if depth + number > self._max_events:
            raise OutboxFull(f"the outbox has no room: it holds {depth:,} events")
        self._depth_cache = depth + number, at

    def _warn_once(self) -> None:
        if not self._warned:
            self._warned = True
            self._server.warn()
