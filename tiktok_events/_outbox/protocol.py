"""What waits, and what every outbox promises to whoever puts and whoever delivers."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
from typing import Literal, NamedTuple, Protocol

import attrs

Route = tuple[str, str, str | None]
"""event_source, event_source_id, test_event_code: events of one request share all three."""

Reach = Literal["process", "machine", "network"]
"""Who shares an outbox: this process alone, every process of this machine, or every machine of a network."""

RecordId = Hashable
"""What an outbox knows a record by."""


class Record(NamedTuple):
    """One event, encoded and hashed, and where it goes. Never a token: whoever delivers has that."""

    event_source: str
    event_source_id: str
    test_event_code: str | None
    event_id: str
    data: bytes

    @property
    def route(self) -> Route:
        """What the events of one request share."""
        return self[:3]

    def __repr__(self) -> str:
        return f"Record({self.event_source!r}, {self.event_id!r}, {len(self.data)} bytes)"


@attrs.define(eq=False)
class Claim:
    """A record that somebody is delivering: acknowledge it, give it back, or dead_letter it.

    `attempts` is how often it was given back, `crashed_deliveries` how often whoever had it was gone before a word on it.
    """

    record: Record
    attempts: int = 0
    crashed_deliveries: int = 0
    record_id: RecordId = attrs.field(default=None, repr=False)


@attrs.frozen
class DeadLetter:
    """An event that will not be tried again: why (no personal data), and since when (Unix seconds)."""

    record: Record
    reason: str
    time: float


class Outbox(Protocol):
    """What `BackgroundClient` puts into and `Worker` takes from.

    What `claim` hands out is nobody else's for `lease` seconds; after that it may be handed out again, so delivery is
    at least once, and TikTok's deduplication makes it once. Threads share an outbox, and a forked child goes on with
    it. Every method may raise `OutboxUnavailable`; what is given to it was not taken then.
    """

    reach: Reach
    """Who shares it. Of one that reaches over a network, nothing is asked while a request waits."""

    def put(self, records: Sequence[Record]) -> Collection[RecordId]:
        """Keep *records*, all or none; the record_ids `still` takes (none, if its reach is this process).

        Raises:
            OutboxFull: If there is no room for all of them.
            OutboxUnavailable: If they cannot be kept now.
        """
        ...

    def claim(self, limit: int, *, lease: float, routes: Collection[Route]) -> list[Claim]:
        """Up to *limit* records of one of *routes*, oldest first, for *lease* seconds; an empty list if none is due."""
        ...

    def ack(self, claims: Sequence[Claim]) -> None:
        """Forget *claims*: they are delivered. One whose lease ran out is somebody else's, and left alone."""
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
        """Put dead letters back to be delivered, all or those of *event_ids*; how many."""
        ...

    def purge(self, event_ids: Collection[str] | None = None) -> int:
        """Forget dead letters for good, all or those of *event_ids*; how many."""
        ...

    def still(self, record_ids: Collection[RecordId]) -> Collection[RecordId]:
        """Those of *record_ids* that are neither delivered nor dead."""
        ...

    def depth(self) -> int:
        """How many records are in it, claimed ones included, dead ones not."""
        ...

    def age(self) -> float | None:
        """Seconds since the oldest of them was put; None if there is none."""
        ...

    def due_in(self, routes: Collection[Route]) -> float | None:
        """Seconds until a record of *routes* can be claimed: 0 for now, None if none is waiting."""
        ...

    def close(self) -> None:
        """See that what was put is kept, and let go of files and connections. It may be used again."""
        ...
