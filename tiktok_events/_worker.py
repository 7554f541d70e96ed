"""The one delivery loop: claim, join, post, and then acknowledge, give back or bury."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from tiktok_events._client import Client
from tiktok_events._facts.fields import MAX_EVENTS
from tiktok_events._outbox.protocol import Claim, Outbox, Route
from tiktok_events._responses import EventResult, TrackResponse
from tiktok_events._retry import RetryPolicy
from tiktok_events.errors import ApiError, ConfigurationError, TikTokEventsError

_LOG = logging.getLogger("tiktok_events")
_PAUSE = 300.0
OnSettled = Callable[[Sequence[EventResult]], object]


class Worker:
    """Delivers what is in *outbox*, each record through the client of its source.

    `lease` is how long a claim is this worker's, in seconds; `max_wait` the longest pause between tries. Records of
    sources that no client serves stay where they are. `on_settled` is given the results of every batch that is done
    with: delivered, partial or rejected, not those that will be tried again.

    Raises:
        ConfigurationError: If two clients serve the same source, or there is none.
    """

    def __init__(
        self,
        outbox: Outbox,
        *clients: Client,
        lease: float = 30.0,
        max_wait: float = 300.0,
        on_settled: OnSettled | None = None,
    ) -> None:
        self.outbox = outbox
        self._clients: dict[Route, Client] = {}
        for client in clients:
            source = client.source
            route = (source.event_source, source.event_source_id, source.test_event_code)
            if route in self._clients:
                raise ConfigurationError("two clients serve the same event source")
            self._clients[route] = client
        if not self._clients:
            raise ConfigurationError("a worker needs at least one client")
        self._routes = frozenset(self._clients)
        self._lease = lease
        self._retry = RetryPolicy(max_wait=max_wait)
        self._failures: dict[Route, int] = {}
        self._on_settled = on_settled

    def step(self) -> int:
        """Deliver one batch of what is due; how many events it held, 0 when nothing is due."""
        return self._step(self._routes)

    def _step(self, routes: frozenset[Route]) -> int:
        claims = self.outbox.claim(MAX_EVENTS, lease=self._lease, routes=routes)
        if claims:
            route = claims[0].record.route
            items = [(claim.record.event_id, claim.record.data) for claim in claims]
            self._settle(route, claims, self._clients[route].deliver_once(items))
        return len(claims)

    def drain_once(self, timeout: float | None = None) -> int:
        """Deliver what is due, for Celery beat, cron and the like; how many deliveries were tried.

        Without a *timeout* a source that fails is left for the next call. With one, in seconds, it also waits for what
        is due later, but begins no wait that does not fit.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        tried, failed = 0, frozenset[Route]()
        while True:
            before = dict(self._failures)
            moved = self._step(self._routes - failed)
            tried += moved
            if deadline is None:
                if not moved:
                    return tried
                failed |= {route for route, times in self._failures.items() if times > before.get(route, 0)}
                continue
            due, left = self.due_in(), deadline - time.monotonic()
            if due is None or left <= 0 or due > left:
                return tried
            time.sleep(due)

    def due_in(self) -> float | None:
        """Seconds until there is something to do; None if nothing waits."""
        return self.outbox.due_in(self._routes)

    def _settle(self, route: Route, claims: Sequence[Claim], response: TrackResponse) -> None:
        settled = [result for result in response.results if result.status != "failed"]
        if settled and self._on_settled is not None:
            self._on_settled(settled)  # before the outbox shows it: who waits for that then reads true numbers
        by_status: dict[str, list[Claim]] = {"delivered": [], "partial": [], "rejected": [], "failed": []}
        for claim, result in zip(claims, response.results, strict=True):
            by_status[result.status].append(claim)
            if result.status == "rejected":
                self.outbox.bury([claim], reason=result.message)
                _LOG.warning("TikTok refused event %s: %s", result.event_id, result.message)
        taken = by_status["delivered"] + by_status["partial"]
        if taken:
            self.outbox.ack(taken)
        if by_status["failed"]:
            self._give_back(route, by_status["failed"], response.error)
        else:
            self._failures.pop(route, None)

    def _give_back(self, route: Route, claims: Sequence[Claim], error: TikTokEventsError | None) -> None:
        failures = self._failures[route] = self._failures.get(route, 0) + 1
        stopped = isinstance(error, ApiError) and error.stops
        delay = _PAUSE if stopped or error is None else self._retry.wait(error, failures)
        if failures == 1:
            what = "nothing gets through until the set-up is mended" if stopped else "trying again"
            _LOG.log(logging.ERROR if stopped else logging.WARNING, "%s; %s, events are kept", error, what)
        self.outbox.nack(claims, delay=delay, reason=str(error))
