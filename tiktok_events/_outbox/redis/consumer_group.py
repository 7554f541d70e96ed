"""The consumer group of all workers on every stream, with one consumer per process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, cast

from tiktok_events._outbox.lease_owner import has_ended, this_process
from tiktok_events._outbox.protocol import Claim, Record
from tiktok_events._outbox.redis import scripts
from tiktok_events._outbox.redis.keys import Stream, decode, encode
from tiktok_events._outbox.redis.server import NoGroupError, RedisServer
from tiktok_events._runtime.clock import monotonic
from tiktok_events._runtime.payload import Payload
from tiktok_events.errors import OutboxUnavailable

_GROUP = "workers"
# The consumer that holds entries until their delay is over. It is not a process, so it is never found to have ended.
# Its name is stored in Redis and may not change.
_DELAYED = "nobody"
_PAGE = 1_000
_DEFAULT_LEASE = 30.0
_LONG_AGO = float("-inf")
_RELEASE_EVERY, _CLEAN_EVERY, _IDLE_CONSUMER = 1.0, 600.0, 3_600.0


class _EntryClaim(NamedTuple):
    """The id of a claim. `deliveries` changes every time the entry is delivered to a consumer."""

    stream: Stream
    entry: bytes
    deliveries: int
    lease_ms: int


class ConsumerGroup:
    """The consumer group of all workers. It remembers the lease of the last claim and where XAUTOCLAIM stopped."""

    def __init__(self, server: RedisServer, *, max_dead: int) -> None:
        self._server, self._max_dead = server, max_dead
        self._last_served = ""
        self._leases: dict[str, float] = {}
        self._cursors: dict[str, bytes] = {}
        self._released_at = self._cleaned_at = _LONG_AGO

    def claim(self, streams: Sequence[Stream], limit: int, lease: float) -> list[Claim]:
        """Claim up to *limit* records of one of *streams* in turn: first those that were given back or lost, then new ones."""
        self._leases.update((stream.tag, lease) for stream in streams)
        now = monotonic()
        if now - self._cleaned_at >= _CLEAN_EVERY:
            self._cleaned_at = now
            self._delete_idle_consumers(streams)
        if now - self._released_at >= _RELEASE_EVERY:
            self._released_at = now
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
        self._decide(scripts.NACK, claims, lambda lease_ms: (_DELAYED, max(0, lease_ms - int(delay * 1000))))

    def dead_letter(self, claims: Sequence[Claim], reason: str) -> None:
        """Move those of *claims* whose lease still lasts to the dead letters."""
        self._decide(scripts.DEAD_LETTER, claims, lambda lease_ms: (encode(reason), self._max_dead))

    def due_in(self, streams: Sequence[Stream]) -> float | None:
        """Seconds until a record of *streams* can be claimed; None if none is waiting."""
        lengths = self._server.pipeline(lambda pipe: [pipe.xlen(stream.key) for stream in streams])
        waits = []
        for stream, length in zip(streams, lengths, strict=True):
            pending = self._pending(stream) if length else None
            if length > (pending["pending"] if pending else 0) or (pending and self._ended_consumers(pending)):
                return 0.0
            if pending:
                waits.append(self._until_due(stream, pending["pending"]))
        return min(waits, default=None)

    def _claim(self, streams: Sequence[Stream], limit: int, lease_ms: int) -> list[Claim]:
        first = next((index for index, stream in enumerate(streams) if stream.tag > self._last_served), 0)
        for stream in (*streams[first:], *streams[:first]):
            try:
                claims = self._read(stream, limit, lease_ms)
            except NoGroupError:
                has_stream = self._server.run_script(scripts.CREATE_GROUP, [stream.key], _GROUP)
                claims = self._read(stream, limit, lease_ms) if has_stream else []
            if claims:
                self._last_served = stream.tag
                return claims
        return []

    def _read(self, stream: Stream, limit: int, lease_ms: int) -> list[Claim]:
        consumer, cursor = this_process(), self._cursors.get(stream.tag, b"0-0")
        count = min(limit, _PAGE)
        self._cursors[stream.tag], *found = self._server.run_script(
            scripts.RECLAIM, [stream.key], _GROUP, consumer, lease_ms, count, cursor
        )
        claims = []
        for (entry, (_, event_id, _, data, *keyed)), deliveries in zip(found[::2], found[1::2], strict=True):
            record = Record(*stream.route, decode(event_id), Payload(data), bool(keyed))
            attempts, delivered = divmod(deliveries, scripts.GIVEN_BACK)
            claims.append(Claim(record, attempts, delivered - 1, _EntryClaim(stream, entry, deliveries, lease_ms)))
        left = limit - len(claims)
        if left <= 0:
            return claims
        try:
            reply = self._server.execute(
                lambda client: client.xreadgroup(_GROUP, consumer, {stream.key: ">"}, count=left)
            )
        except OutboxUnavailable:
            if claims:
                return claims
            raise
        for entry, fields in _entries(reply):
            record = Record(*stream.route, decode(fields[b"id"]), Payload(fields[b"data"]), b"keyed" in fields)
            claims.append(Claim(record, record_id=_EntryClaim(stream, entry, 1, lease_ms)))
        return claims

    def _decide(self, script: str, claims: Sequence[Claim], arguments: Callable[[int], tuple[Any, Any]]) -> None:
        """Run *script* once for the claims of each stream and lease; *arguments* returns its arguments for a lease in ms."""
        by_lease: dict[tuple[str, int], list[_EntryClaim]] = defaultdict(list)
        for claim in claims:
            entry_claim = cast("_EntryClaim", claim.record_id)
            by_lease[entry_claim.stream.key, entry_claim.lease_ms].append(entry_claim)
        for (_, lease_ms), entry_claims in by_lease.items():
            stream = entry_claims[0].stream
            keys = [stream.key, stream.dead, stream.remembered]
            for start in range(0, len(entry_claims), _PAGE):
                pairs = [
                    argument
                    for entry_claim in entry_claims[start : start + _PAGE]
                    for argument in (entry_claim.entry, entry_claim.deliveries)
                ]
                with suppress(NoGroupError):  # the server has lost its data, so there is no entry to change
                    self._server.run_script(script, keys, _GROUP, *arguments(lease_ms), *pairs)

    def _pending(self, stream: Stream) -> dict[str, Any] | None:
        with suppress(NoGroupError):
            pending: dict[str, Any] = self._server.execute(lambda client: client.xpending(stream.key, _GROUP))
            return pending if pending["pending"] else None
        return None

    def _until_due(self, stream: Stream, pending: int) -> float:
        entries = self._server.execute(lambda client: client.xpending_range(stream.key, _GROUP, "-", "+", _PAGE))
        longest = max((entry["time_since_delivered"] for entry in entries), default=0)
        due = max(0.0, self._leases.get(stream.tag, _DEFAULT_LEASE) - longest / 1000)
        return due if pending <= _PAGE else min(due, _RELEASE_EVERY)

    def _ended_consumers(self, pending: dict[str, Any]) -> list[str]:
        names = [consumer["name"].decode() for consumer in pending["consumers"]]
        return [name for name in names if name != _DELAYED and has_ended(name)]

    def _release(self, streams: Sequence[Stream]) -> int:
        """Release the entries of processes of this host that have ended. Returns their number."""
        released = 0
        for stream in streams:
            pending = self._pending(stream)
            for name in self._ended_consumers(pending) if pending else []:
                released += self._server.run_script(scripts.RELEASE, [stream.key], _GROUP, name, _DELAYED)
        return released

    def _delete_idle_consumers(self, streams: Sequence[Stream]) -> None:
        for stream in streams:
            with suppress(NoGroupError):
                self._server.run_script(scripts.DELETE_IDLE_CONSUMERS, [stream.key], _GROUP, int(_IDLE_CONSUMER * 1000))


def _entries(reply: Any) -> Sequence[tuple[bytes, dict[bytes, bytes]]]:
    """The entries in XREADGROUP's reply for one stream: pairs in RESP2, a mapping in RESP3, empty or None."""
    if not reply:
        return []
    if isinstance(reply, dict):
        (pages,) = reply.values()
        return [entry for page in pages for entry in page]
    ((_, entries),) = reply
    return cast("Sequence[tuple[bytes, dict[bytes, bytes]]]", entries)
