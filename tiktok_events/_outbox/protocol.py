"""The outbox protocol: records, claims, dead letters, and what every outbox guarantees."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from typing import Literal, NamedTuple, Protocol, Self, runtime_checkable

import attrs

Route = tuple[str, str, str | None]
"""event_source, event_source_id, test_event_code: events of one request share all three."""

Scope = Literal["process", "machine", "network"]
"""Who shares an outbox: this process alone, every process of this machine, or every machine of a network."""

RecordId = Hashable
"""The id of a record in its outbox."""


class Record(NamedTuple):
    """One encoded event and the source it is for. It holds no access token: the worker has that."""

    event_source: str
    event_source_id: str
    test_event_code: str | None
    event_id: str
    data: bytes
    is_keyed: bool = False
    """Whether the event has a key, so that its id stands for one conversion for good."""

    @property
    def route(self) -> Route:
        """What the events of one request share."""
        return self[:3]

    def __repr__(self) -> str:
        return f"Record({self.event_source!r}, {self.event_id!r}, {len(self.data)} bytes)"


class Repeat(NamedTuple):
    """A record that was not stored: a keyed event with its id was put `age` seconds before."""

    event_id: str
    age: float


class PutResult(tuple[RecordId, ...]):  # noqa: SLOT001 - a subclass of tuple cannot have slots with values
    """The ids of the records that were stored, for `Outbox.undelivered`; none if `scope` is "process".

    `repeated` has a `Repeat` for each record that was not stored, because a keyed event with its id was put before.
    """

    repeated: Sequence[Repeat] = ()

    @classmethod
    def of(cls, record_ids: Iterable[RecordId], repeated: Sequence[Repeat]) -> Self:
        """A result with *record_ids* and *repeated*."""
        result = cls(record_ids)
        if repeated:
            result.repeated = repeated
        return result


OnRepeated = Callable[[Sequence[Repeat]], None]
"""Called with records that an outbox has found repeated."""


@runtime_checkable
class WritesLater(Protocol):
    """An outbox whose `put` returns before it has looked for repeated events."""

    def on_repeated(self, route: Route, call: OnRepeated) -> None:
        """Call *call*, a method, with the repeated events of *route* that a later write finds."""


NOTHING_STORED = PutResult()


@attrs.define(eq=False)
class Claim:
    """A record that a worker has leased: it acknowledges it, gives it back, or moves it to the dead letters.

    `attempts` counts how often the record was given back, `crashed_deliveries` how often its lease ended without a
    result because the worker had crashed.
    """

    record: Record
    attempts: int = 0
    crashed_deliveries: int = 0
    record_id: RecordId = attrs.field(default=None, repr=False)


@attrs.frozen
class DeadLetter:
    """An event that is not tried again: the reason (without personal data) and the time (Unix seconds)."""

    record: Record
    reason: str
    time: float


class Outbox(Protocol):
    """The queue between `BackgroundClient`, which puts events, and `Worker`, which delivers them.

    A claim belongs to one worker for `lease` seconds. After that the record may be claimed again, so delivery is at
    least once, and TikTok's deduplication makes it count once. An outbox is thread-safe and works after a fork. Every
    method may raise `OutboxUnavailable`; it has changed nothing then.
    """

    scope: Scope
    """Which processes share it. An outbox on a network is not used while a web request waits."""

    def put(self, records: Sequence[Record]) -> PutResult:
        """Store *records*, all or none, except those that repeat a keyed event.

        An outbox remembers the ids of keyed events that wait or were delivered for `remember_keys` days (28 by default),
        and does not store such an event again. The id of a dead letter is forgotten.

        Raises:
            OutboxFull: If there is no room for all of them.
            OutboxUnavailable: If they cannot be stored now.
        """
        ...

    def claim(self, limit: int, *, lease: float, routes: Collection[Route]) -> list[Claim]:
        """Up to *limit* records of one of *routes*, oldest first, for *lease* seconds; an empty list if none is due."""
        ...

    def ack(self, claims: Sequence[Claim]) -> None:
        """Delete *claims*, which are delivered. A claim whose lease has run out is ignored."""
        ...

    def nack(self, claims: Sequence[Claim], *, delay: float, reason: str) -> None:
        """Give *claims* back, to be claimed again after *delay* seconds."""
        ...

    def dead_letter(self, claims: Sequence[Claim], *, reason: str) -> None:
        """Move *claims* to the dead letters; *reason* holds no personal data."""
        ...

    def dead(self, limit: int = 1_000) -> Sequence[DeadLetter]:
        """The newest *limit* dead letters, oldest first."""
        ...

    def replay(self, event_ids: Collection[str] | None = None) -> int:
        """Move dead letters, all or those of *event_ids*, back to the queue. Returns their number."""
        ...

    def purge(self, event_ids: Collection[str] | None = None) -> int:
        """Delete dead letters, all or those of *event_ids*. Returns their number."""
        ...

    def undelivered(self, record_ids: Collection[RecordId]) -> Collection[RecordId]:
        """Those of *record_ids* that are neither delivered nor dead letters."""
        ...

    def depth(self) -> int:
        """The number of records, claimed ones included, dead letters not."""
        ...

    def age(self) -> float | None:
        """Seconds since the oldest record was put; None if there is none."""
        ...

    def due_in(self, routes: Collection[Route]) -> float | None:
        """Seconds until a record of *routes* can be claimed: 0 for now, None if none is waiting."""
        ...

    def close(self) -> None:
        """Write what was put, and close files and connections. The outbox may be used again."""
        ...
