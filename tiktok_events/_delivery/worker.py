"""The delivery loop: claim a batch, POST it, then acknowledge it, give it back or move it to the dead letters."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from tiktok_events._api.async_client import AsyncClient
from tiktok_events._api.client import Client
from tiktok_events._api.response import EventResult, TrackResponse
from tiktok_events._api.retry import RetryPolicy
from tiktok_events._api.transport import import_transport
from tiktok_events._delivery.async_runner import Deliverer, deliverer
from tiktok_events._delivery.batches import MAX_FAILURES_ALONE, Batches, PoisonDetector
from tiktok_events._delivery.circuit_breaker import CircuitBreakers
from tiktok_events._delivery.event_age import age_text, split_by_age
from tiktok_events._delivery.outage import Outage
from tiktok_events._delivery.rate_limit import TokenBucket
from tiktok_events._outbox.protocol import Claim, Outbox, Route
from tiktok_events._runtime.clock import monotonic
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.errors import ApiError, ConfigurationError, TikTokEventsError, TransportError

_LOG = logging.getLogger("tiktok_events")
_CONFIGURATION_PAUSE = 300.0
"""Seconds before a source is tried again whose token or settings TikTok refuses."""
_OUTAGE_PAUSE = 1.0
"""Seconds before an outbox that failed is used again."""
_SHARE_FOR_REQUESTS = 0.9
"""The part of a lease that requests may take; the rest is for the acknowledgements."""
OnResults = Callable[[Sequence[EventResult]], object]
OnRetry = Callable[[Sequence[EventResult], float], object]


class Worker:
    """Deliver what is in *outbox*, each record through the client of its source.

    A record whose source has no client stays in the outbox. A refused event becomes a dead letter. So does an event
    that fails alone while others are delivered, and one that is alone when its workers have crashed twice
    `max_crashed_deliveries` times. Everything else is tried again without limit.

    - `lease`: seconds before another worker may take over a claim; no answer is waited for longer.
    - `max_wait`: the longest pause between attempts, in seconds.
    - `in_flight`: requests at the same time in `run`.
    - `rate`: requests per second at most (TikTok allows 1,000).
    - `poll`: seconds between two looks into an empty outbox that other processes put into.
    - `max_event_age`: seconds after its `event_time` in which an event is delivered; an older one becomes a dead letter.
      None (the default) delivers all. TikTok counts a copy again that arrives more than 48 hours after the browser's
      (O: help centre, "Event deduplication"): 172,800 suits a site whose pixel reports the same events.
    - `on_results` is called with final results, `on_retry` with the results of what is tried again and the seconds
      until then; both in the worker's threads.

    Raises:
        ConfigurationError: If two clients serve the same source, or there is none.
        ValueError: If `rate`, `in_flight` or `max_event_age` is not positive.
    """

    def __init__(
        self,
        outbox: Outbox,
        *clients: Client | AsyncClient,
        lease: float = 30.0,
        max_wait: float = 300.0,
        in_flight: int = 4,
        rate: float = 1_000.0,
        poll: float = 0.1,
        max_crashed_deliveries: int = 10,
        max_event_age: float | None = None,
        on_results: OnResults | None = None,
        on_retry: OnRetry | None = None,
        clock: Callable[[], float] = monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.outbox = outbox
        self._clients: dict[Route, Deliverer] = {}
        for client in clients:
            route = client.source.route
            if route in self._clients:
                raise ConfigurationError("two clients have the same event source: give one client for each")
            self._clients[route] = deliverer(client)
        if not self._clients:
            raise ConfigurationError("a worker needs at least one client")
        if in_flight < 1:
            raise ValueError("in_flight must be 1 or more")
        if max_event_age is not None and max_event_age <= 0:
            raise ValueError("max_event_age must be a positive number of seconds, or None")
        self._routes = frozenset(self._clients)
        self._lease, self._poll, self._in_flight = lease, poll, in_flight
        self._retry = RetryPolicy(max_wait=max_wait)
        self._bucket = TokenBucket(rate)
        self._circuits = CircuitBreakers(clock)
        self._clock, self._wall_clock, self._max_event_age = clock, wall_clock, max_event_age
        self._on_results, self._on_retry = on_results, on_retry
        self._batches = Batches(outbox, max_crashed_deliveries)
        self._poison = PoisonDetector()
        self._refusals: dict[Route, TransportError] = {}

    def __repr__(self) -> str:
        return f"Worker({self.outbox!r}, {len(self._clients)} sources)"

    def local_refusal(self) -> TransportError | None:
        """The error of the last request, if a loopback address refused the connection, and so for all sources."""
        return next(iter(self._refusals.values())) if self._refusals.keys() == self._clients.keys() else None

    def step(self) -> int:
        """Deliver one batch of what is due. Returns the number of events in it, 0 if nothing is due.

        Raises:
            OutboxUnavailable: If the outbox cannot be used now.
            ConfigurationError: If its file cannot be an outbox.
        """
        return self._step(self._routes)

    def run(self, stop: threading.Event, *, drain: float = 10.0) -> int:
        """Deliver until *stop* is set, then what is due for at most *drain* seconds. Returns the number of events left.

        Errors of the outbox or of TikTok do not end it. A request in flight at the end of *drain* is waited for, up
        to its client's timeout and the lease. Returns 0 if the outbox cannot be read at the end.
        """
        outage = Outage()
        others = [threading.Thread(target=self._loop, args=(stop, drain, outage)) for _ in range(self._in_flight - 1)]
        for thread in others:
            thread.start()
        self._loop(stop, drain, outage)
        for thread in others:
            thread.join()
        try:
            return self.outbox.depth()
        except TikTokEventsError:
            return 0

    def drain_once(self, timeout: float | None = None) -> int:
        """Deliver what is due, for Celery beat and cron. Returns the number of events in the batches it tried.

        Without a *timeout* a source that fails is left for the next call. With one, in seconds, events that are due
        later are waited for if the wait fits; a request in flight is always waited for.

        Raises:
            OutboxUnavailable: If the outbox cannot be used now.
            ConfigurationError: If its file cannot be an outbox.
        """
        deadline = None if timeout is None else monotonic() + timeout
        tried, failed = 0, frozenset[Route]()
        while True:
            before = {route: self._circuits.failures(route) for route in self._routes}
            moved = self._step(self._routes - failed)
            tried += moved
            if deadline is None:
                if not moved:
                    return tried
                failed |= {route for route in self._routes if self._circuits.failures(route) > before[route]}
                continue
            due, left = self.due_in(), deadline - monotonic()
            if due is None or left <= 0 or due > left:
                return tried
            time.sleep(due)

    def due_in(self) -> float | None:
        """Seconds until an event is due; None if none is waiting.

        Raises:
            OutboxUnavailable: If the outbox cannot be used now.
            ConfigurationError: If its file cannot be an outbox.
        """
        ready = self._circuits.ready(self._routes)
        waits = [self.outbox.due_in(ready)] if ready else []
        for route in self._routes - ready:
            due = self.outbox.due_in({route})
            waits.append(None if due is None else max(due, self._circuits.wait(route)))
        return min((due for due in waits if due is not None), default=None)

    def prepare(self) -> None:
        """Import what the first request needs."""
        import_transport()

    def close(self) -> None:
        """Close the connections that its clients opened; they open new ones when they are used again."""
        for client in self._clients.values():
            client.close()

    def _loop(self, stop: threading.Event, drain: float, outage: Outage) -> None:
        while not stop.is_set():
            stop.wait(outage.guard(self._turn, _OUTAGE_PAUSE))
        deadline = monotonic() + drain
        while monotonic() < deadline and outage.guard(self.step, 0):
            pass

    def _turn(self) -> float:
        """Deliver one batch. Returns the seconds until the next one."""
        if self.step():
            return 0.0
        due = self.due_in()
        return self._poll if due is None else min(self._poll, due)

    def _step(self, routes: frozenset[Route]) -> int:
        ready = self._circuits.ready(routes)
        claimed_at = self._clock()
        claims = self.outbox.claim(MAX_EVENTS, lease=self._lease, routes=ready) if ready else []
        if claims:
            route = claims[0].record.route
            with self._circuits.trial(route):
                try:
                    self._deliver(route, self._batches.split(self._without_old(claims)), claimed_at)
                except Exception:  # such as no file descriptor for a connection
                    with suppress(TikTokEventsError):
                        self.outbox.nack(claims, delay=_OUTAGE_PAUSE, reason="the delivery was interrupted")
                    raise
        return len(claims)

    def _without_old(self, claims: list[Claim]) -> list[Claim]:
        """*claims* without the events that are older than `max_event_age`, which become dead letters."""
        if self._max_event_age is None:
            return claims
        fresh, old = split_by_age(claims, self._max_event_age, self._wall_clock())
        if old:
            reason = f"happened more than {age_text(self._max_event_age)} ago (max_event_age)"
            self.outbox.dead_letter(old, reason=reason)
            _LOG.warning("%d events are dead letters: each of them %s", len(old), reason)
            if self._on_results is not None:
                self._on_results([EventResult(one.record.event_id, "rejected", message=reason) for one in old])
        return fresh

    def _deliver(self, route: Route, batches: list[list[Claim]], claimed_at: float) -> None:
        """Deliver *batches* while their lease lasts, and give back the batches that there is no time for."""
        failures, stopped = 0, False
        while batches and (left := claimed_at + self._lease * _SHARE_FOR_REQUESTS - self._clock()) > 0:
            batch = batches.pop(0)
            items = [(claim.record.event_id, claim.record.data) for claim in batch]
            response = self._clients[route].deliver_once(items, self._bucket.take, left)
            if self._apply(route, batch, response):
                continue
            failures += 1
            stopped = isinstance(response.error, ApiError) and response.error.is_configuration_error
            if stopped or failures > 1 or self._clock() - claimed_at > self._lease / 2:
                break
        rest = [claim for batch in batches for claim in batch]
        if rest:
            delay = 0.0 if stopped else self._circuits.wait(route)
            self.outbox.nack(rest, delay=delay, reason="the requests before it failed, or took the whole lease")

    def _apply(self, route: Route, claims: Sequence[Claim], response: TrackResponse) -> bool:
        """Apply *response* to the outbox. Returns whether every claim has a final result."""
        if isinstance(response.error, TransportError) and response.error.is_refused_locally:
            self._refusals[route] = response.error
        else:
            self._refusals.pop(route, None)
        pairs = list(zip(claims, response.results, strict=True))
        done = [(claim, result) for claim, result in pairs if result.status != "failed"]
        failed = [(claim, result) for claim, result in pairs if result.status == "failed"]
        if done and self._on_results is not None:
            # Before the acknowledgement: `flush` waits for the outbox, and its caller then reads complete numbers.
            self._on_results([result for _, result in done])
        for claim, result in done:
            if result.status == "rejected":
                self.outbox.dead_letter([claim], reason=result.message)
                _LOG.warning("TikTok refused event %s: %s", result.event_id, result.message)
        delivered = [claim for claim, result in done if result.status != "rejected"]
        if delivered:
            self.outbox.ack(delivered)
        self._poison.record_delivered(route, len(delivered))
        self._poison.record_result([claim for claim, _ in done])
        if failed:
            self._give_back(route, failed, response.error)
        elif self._circuits.record_success(route):
            _LOG.info("events are delivered again")
        return not failed

    def _give_back(self, route: Route, failed: list[tuple[Claim, EventResult]], error: Exception | None) -> None:
        claims = [claim for claim, _ in failed]
        if len(claims) == 1 and self._poison.is_poison(route, claims[0], error):
            reason = f"failed {MAX_FAILURES_ALONE} times while other events were delivered: {error}"
            self.outbox.dead_letter(claims, reason=reason)
            _LOG.error(
                "event %s is a dead letter: it keeps failing while other events are delivered",
                claims[0].record.event_id,
            )
            return
        stopped = isinstance(error, ApiError) and error.is_configuration_error
        failures = self._circuits.failures(route) + 1
        delay = _CONFIGURATION_PAUSE if stopped or error is None else self._retry.wait(error, failures)
        self._circuits.record_failure(route, delay)
        if failures == 1:
            next_step = "nothing is delivered until the token or the settings are fixed" if stopped else "trying again"
            _LOG.log(logging.ERROR if stopped else logging.WARNING, "%s; %s; the events are kept", error, next_step)
        # The refused token is this worker's: a worker with a new token must not wait for the events.
        self.outbox.nack(claims, delay=0.0 if stopped else delay, reason=str(error))
        if self._on_retry is not None:
            self._on_retry([result for _, result in failed], delay)
