"""The consumer group of all workers on every stream, with one consumer per process."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

from tiktok_events._outbox.lease_owner import is_gone, this_process
from tiktok_events._outbox.protocol import Claim, Record
from tiktok_events._outbox.redis import scripts
from tiktok_events._outbox.redis.keys import Stream, encoded, text
from tiktok_events._outbox.redis.server import NoGroup, RedisServer
from tiktok_events.errors import OutboxUnavailable

_GROUP = "workers"
# The consumer of entries that were given back. It is no process, so its entries wait until their delay is over.
_NOBODY = "nobody"
_MOST = 1_000
_LEASE = 30.0
_LONG_AGO = float("-inf")
_LOOK_EVERY, _SWEEP_EVERY, _FORGOTTEN = 1.0, 600.0, 3_600.0


class _EntryClaim(NamedTuple):
    """The id of a claim. `deliveries` changes every time the entry is delivered to a consumer."""

    stream: Stream
    entry: bytes
    deliveries: int
    lease_ms: int


class ConsumerGroup:
    """The consumer group of all workers."""

    def __init__(self, server: RedisServer, *, max_dead: int) -> None:
        self._server, self._max_dead = server, max_dead
        self._served = ""
        self._leases: dict[str, float] = {}
        self._cursors: dict[str, bytes] = {}
        self._looked = self._swept = _LONG_AGO

    def claim(self, streams: Sequence[Stream], limit: int, lease: float) -> list[Claim]:
        """Claim up to *limit* records of one of *streams* in turn: first those that were given back or lost, then new ones."""
        self._leases.update((stream.tag, lease) for stream in streams)
        now = time.monotonic()
        if now - self._swept >= _SWEEP_EVERY:
            self._swept = now
            self._sweep(streams)
        if now - self._looked >= _LOOK_EVERY:
            self._looked = now
            self._release(streams)
        claims = self._claim(streams, limit, int(lease * 1000))
        if not claims and self._release(streams):
            claims = self._claim(streams, limit, int(lease * 1000))
        return claims

    def ack(self, claims: Sequence[Claim]) -> None:
        """Delete those of *claims* whose lease still lasts."""
        self._decide(scripts.ACK, claims, lambda lease_ms: ("", ""))

    def nack(self, claims: Sequence[Claim], delay: float) -> None:
        """Give back those of *claims* whose lease still lasts, for *delay* seconds or for the lease if that is shorter."""
        self._decide(scripts.NACK, claims, lambda lease_ms: (_NOBODY, max(0, lease_ms - int(delay * 1000))))

    def dead_letter(self, claims: Sequence[Claim], reason: str) -> None:
        """Move those of *claims* whose lease still lasts to the dead letters."""
        self._decide(scripts.BURY, claims, lambda lease_ms: (encoded(reason), self._max_dead))

    def due_in(self, streams: Sequence[Stream]) -> float | None:
        """Seconds until a record of *streams* can be claimed; None if none is waiting."""
        lengths = self._server.piped(lambda pipe: [pipe.xlen(stream.key) for stream in streams])
        waits = []
        for stream, length in zip(streams, lengths, strict=True):
            pending = self._pending(stream) if length else None
            if length > (pending["pending"] if pending else 0) or (pending and self._gone(pending)):
                return 0.0
            if pending:
                waits.append(self._until_due(stream, pending["pending"]))
        return min(waits, default=None)

    def _claim(self, streams: Sequence[Stream], limit: int, lease_ms: int) -> list[Claim]:
        first = next((at for at, stream in enumerate(streams) if stream.tag > self._served), 0)
        for stream in (*streams[first:], *streams[:first]):
            try:
                claims = self._read(stream, limit, lease_ms)
            except NoGroup:
                made = self._server.run(scripts.MAKE_GROUP, [stream.key], _GROUP)
                claims = self._read(stream, limit, lease_ms) if made else []
            if claims:
                self._served = stream.tag
                return claims
        return []

    def _read(self, stream: Stream, limit: int, lease_ms: int) -> list[Claim]:
        holder, cursor = this_process(), self._cursors.get(stream.tag, b"0-0")
        count = min(limit, _MOST)
        self._cursors[stream.tag], *found = self._server.run(
            scripts.RECLAIM, [stream.key], _GROUP, holder, lease_ms, count, cursor
        )
        claims = []
        for (entry, (_, event_id, _, data, *_)), deliveries in zip(found[::2], found[1::2], strict=True):
            record = Record(*stream.route, text(event_id), data)
            attempts, times = divmod(deliveries, scripts.GIVEN_BACK)
            claims.append(Claim(record, attempts, times - 1, _EntryClaim(stream, entry, deliveries, lease_ms)))
        left = limit - len(claims)
        if left <= 0:
            return claims
        try:
            reply = self._server.ask(lambda client: client.xreadgroup(_GROUP, holder, {stream.key: ">"}, count=left))
        except OutboxUnavailable:
            if claims:
                return claims
            raise
        for entry, fields in _entries(reply):
            record = Record(*stream.route, text(fields[b"id"]), fields[b"data"])
            claims.append(Claim(record, record_id=_EntryClaim(stream, entry, 1, lease_ms)))
        return claims

    def _decide(self, script: str, claims: Sequence[Claim], arguments: Callable[[int], tuple[Any, Any]]) -> None:
        """Run *script* with the *arguments* of a lease in milliseconds, for the claims of each stream and lease."""
        alike: dict[tuple[str, int], list[_EntryClaim]] = defaultdict(list)
        for claim in claims:
            entry_claim = cast("_EntryClaim", claim.record_id)
            alike[entry_claim.stream.key, entry_claim.lease_ms].append(entry_claim)
        for (_, lease_ms), entry_claims in alike.items():
            keys = [entry_claims[0].stream.key, entry_claims[0].stream.dead]
            for at in range(0, len(entry_claims), _MOST):
                pairs = [
                    part
                    for entry_claim in entry_claims[at : at + _MOST]
                    for part in (entry_claim.entry, entry_claim.deliveries)
                ]
                with suppress(NoGroup):  # the server has lost its data, so there is no entry to change
                    self._server.run(script, keys, _GROUP, *arguments(lease_ms), *pairs)

    def _pending(self, stream: Stream) -> dict[str, Any] | None:
        with suppress(NoGroup):
            pending: dict[str, Any] = self._server.ask(lambda client: client.xpending(stream.key, _GROUP))
            return pending if pending["pending"] else None
        return None

    def _until_due(self, stream: Stream, pending: int) -> float:
        entries = self._server.ask(lambda client: client.xpending_range(stream.key, _GROUP, "-", "+", _MOST))
        longest = max((entry["time_since_delivered"] for entry in entries), default=0)
        due = max(0.0, self._leases.get(stream.tag, _LEASE) - longest / 1000)
        return due if pending <= _MOST else min(due, _LOOK_EVERY)

    def _gone(self, pending: dict[str, Any]) -> list[str]:
        names = [consumer["name"].decode() for consumer in pending["consumers"]]
        return [name for name in names if name != _NOBODY and is_gone(name)]

    def _release(self, streams: Sequence[Stream]) -> int:
        """Release the entries of processes of this host that have ended. Returns their number."""
        released = 0
        for stream in streams:
            pending = self._pending(stream)
            for name in self._gone(pending) if pending else []:
                released += self._server.run(scripts.RELEASE, [stream.key], _GROUP, name, _NOBODY)
        return released

    def _sweep(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            with suppress(NoGroup):
                self._server.run(scripts.SWEEP, [stream.key], _GROUP, int(_FORGOTTEN * 1000))


def _entries(reply: Any) -> Sequence[tuple[bytes, dict[bytes, bytes]]]:
    """The entries in XREADGROUP's reply for one stream: pairs in RESP2, a mapping in RESP3, empty or None."""
    if not reply:
        return []
    if isinstance(reply, dict):
        (pages,) = reply.values()
        return [entry for page in pages for entry in page]
    ((_, entries),) = reply
    return cast("Sequence[tuple[bytes, dict[bytes, bytes]]]", entries)
