"""Choose which claimed events share a request, and find events that make every delivery fail (poison messages)."""

from __future__ import annotations

import logging
import random
from collections import Counter
from collections.abc import Iterator, Sequence

from tiktok_events._outbox.protocol import Claim, Outbox, Route
from tiktok_events.errors import ApiError, RateLimitError

_LOG = logging.getLogger("tiktok_events")
_MANY_ATTEMPTS = 3
"""Attempts after which an event is delivered apart from new ones."""
MAX_FAILURES_ALONE = 5
"""Failures of an event that is alone in its request, while others are delivered, before it is a dead letter."""


class Batches:
    """Split claims into requests. An event is a suspect once *max_crashed_deliveries* workers ended while they had it."""

    def __init__(self, outbox: Outbox, max_crashed_deliveries: int) -> None:
        self._outbox, self._max_crashed_deliveries = outbox, max_crashed_deliveries

    def split(self, claims: list[Claim]) -> list[list[Claim]]:
        """*claims* as requests, without those that are given back for a later claim.

        Of the suspects a random half is sent, in the last request. Where the outbox's answers are lost, a living
        worker looks like a crashed one and no event is at fault; an event that is at fault is alone in the end, and
        becomes a dead letter after twice *max_crashed_deliveries*.
        """
        limit = self._max_crashed_deliveries
        suspects = [claim for claim in claims if claim.crashed_deliveries >= limit]
        if not suspects:
            return list(_by_attempts(claims))
        batches = list(_by_attempts([claim for claim in claims if claim.crashed_deliveries < limit]))
        if len(suspects) == 1 and suspects[0].crashed_deliveries >= 2 * limit:
            crashes = suspects[0].crashed_deliveries
            self._outbox.dead_letter(suspects, reason=f"workers crashed {crashes} times while they delivered it")
            _LOG.error(
                "event %s is a dead letter: workers crashed %d times while they delivered it",
                suspects[0].record.event_id,
                crashes,
            )
            return batches
        random.shuffle(suspects)
        half = (len(suspects) + 1) // 2
        if suspects[half:]:
            self._outbox.nack(suspects[half:], delay=0.0, reason="workers crashed while they delivered it")
        return [*batches, suspects[:half]]


def _by_attempts(claims: list[Claim]) -> Iterator[list[Claim]]:
    """New events in one request; those with many attempts apart and in ever smaller ones, so that one cannot block all."""
    new = [claim for claim in claims if claim.attempts < _MANY_ATTEMPTS]
    often = [claim for claim in claims if claim.attempts >= _MANY_ATTEMPTS]
    if new:
        yield new
    if often:
        size = max(1, len(often) >> (min(claim.attempts for claim in often) - _MANY_ATTEMPTS + 1))
        for start in range(0, len(often), size):
            yield often[start : start + size]


class PoisonDetector:
    """Find an event that fails alone in its request again and again while TikTok takes other events of its source."""

    def __init__(self) -> None:
        self._delivered: Counter[Route] = Counter()
        self._alone: dict[str, tuple[int, int]] = {}

    def record_delivered(self, route: Route, number: int) -> None:
        """Count *number* events of *route* that TikTok took."""
        self._delivered[route] += number

    def record_result(self, claims: Sequence[Claim]) -> None:
        """Forget the failures of *claims*, which have a result now."""
        if self._alone:
            for claim in claims:
                self._alone.pop(claim.record.event_id, None)

    def is_poison(self, route: Route, claim: Claim, error: Exception | None) -> bool:
        """Whether *claim*, which failed alone with *error*, failed often enough while others were delivered."""
        if claim.attempts < _MANY_ATTEMPTS or isinstance(error, RateLimitError):
            return False
        if error is None or (isinstance(error, ApiError) and error.is_configuration_error):
            return False
        event_id, delivered = claim.record.event_id, self._delivered[route]
        failures, delivered_before = self._alone.get(event_id, (0, -1))
        failures += delivered > delivered_before
        if failures >= MAX_FAILURES_ALONE:
            self._alone.pop(event_id, None)
            return True
        self._alone[event_id] = failures, delivered
        return False
