"""The one delivery loop: claim, join, post, and then acknowledge, give back or dead_letter."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tiktok_events._api.async_client import AsyncClient
from tiktok_events._api.client import Client
from tiktok_events._api.response import EventResult, TrackResponse
from tiktok_events._api.retry import RetryPolicy
from tiktok_events._delivery.circuit_breaker import Circuits
from tiktok_events._delivery.event_loop_thread import Deliverer, deliverer
from tiktok_events._delivery.outage import Outage
from tiktok_events._delivery.rate_limit import TokenBucket
from tiktok_events._outbox.protocol import Claim, Outbox, Route
from tiktok_events._spec.fields import MAX_EVENTS
from tiktok_events.errors import (
    ApiError,
    ConfigurationError,
    RateLimitError,
    TikTokEventsError,
)

_LOG = logging.getLogger("tiktok_events")
_PAUSE = 300.0
_OUTAGE = 1.0
_OURS = 0.9
"""The part of a lease in which answers are waited for; the rest is for saying what became of the claims."""
_TRIED_OFTEN = 3
_ALONE = 5
OnSettled = Callable[[Sequence[EventResult]], object]
OnRetry = Callable[[Sequence[EventResult], float], object]


class Worker:
    """Delivers what is in *outbox*, each record through the client of its source.

    `lease` is how long a claim is this worker's, and no answer is waited for longer; `max_wait` is the longest pause
    between tries, and `poll` how often an outbox that others put into is looked at while it is empty, all in seconds.
    `in_flight` requests are under way at once in `run`, at most `rate` begin in a second (TikTok allows 1,000).
    Records of sources that no client serves stay where they are. A refused event is buried, and so is one that fails
    alone while its neighbours get through, or is alone when workers have died on it twice `max_crashed_deliveries` times;
    nothing else is given up. `on_settled` is given the results of what is done with, `on_retry` the results of what is
    tried again and the seconds until then; both run in the worker's threads.

    Raises:
        ConfigurationError: If two clients serve the same source, or there is none.
        ValueError: If `rate` or `in_flight` is not positive.
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
        on_settled: OnSettled | None = None,
        on_retry: OnRetry | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.outbox = outbox
        self._clients: dict[Route, Deliverer] = {}
        for client in clients:
            route = client.source.route
            if route in self._clients:
                raise ConfigurationError("two clients serve the same event source")
            self._clients[route] = deliverer(client)
        if not self._clients:
            raise ConfigurationError("a worker needs at least one client")
        if in_flight < 1:
            raise ValueError("in_flight must be 1 or more")
        self._routes = frozenset(self._clients)
        self._lease, self._poll, self._in_flight, self._max_crashed_deliveries = (
            lease,
            poll,
            in_flight,
            max_crashed_deliveries,
        )
        self._retry = RetryPolicy(max_wait=max_wait)
        self._bucket = TokenBucket(rate)
        self._circuits = Circuits(clock)
        self._clock = clock
        self._on_settled, self._on_retry = on_settled, on_retry
        self._delivered: Counter[Route] = Counter()
        self._alone: dict[str, tuple[int, int]] = {}

    def __repr__(self) -> str:
        return f"Worker({self.outbox!r}, {len(self._clients)} sources)"

    def step(self) -> int:
        """Deliver one batch of what is due; how many events it held, 0 when nothing is due.

        Raises:
            OutboxUnavailable: If the outbox cannot be used now.
            ConfigurationError: If its file cannot be an outbox.
        """
        return self._step(self._routes)

    def run(self, stop: threading.Event, *, drain: float = 10.0) -> int:
        """Deliver until *stop* is set, then what is due for at most *drain* seconds; how many events are left.

        It never raises for what an outbox or TikTok does. A request that is under way when the bound is over is
        waited for, as long as its client's timeout and the lease say. 0 are left if the outbox cannot tell.
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
        """Deliver what is due, for Celery beat, cron and the like; how many deliveries were tried.

        Without a *timeout* a source that fails is left for the next call. With one, in seconds, it also waits for what
        is due later, but begins no wait that does not fit; a request that is under way is waited for.

        Raises:
            OutboxUnavailable: If the outbox cannot be used now.
            ConfigurationError: If its file cannot be an outbox.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
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
            due, left = self.due_in(), deadline - time.monotonic()
            if due is None or left <= 0 or due > left:
                return tried
            time.sleep(due)

    def due_in(self) -> float | None:
        """Seconds until there is something to do; None if nothing waits.

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

    def close(self) -> None:
        """Close the connections that its clients opened; they open new ones when they are used again."""
        for client in self._clients.values():
            client.close()

    def _loop(self, stop: threading.Event, drain: float, outage: Outage) -> None:
        while not stop.is_set():
            stop.wait(outage.passing(self._turn, _OUTAGE))
        deadline = time.monotonic() + drain
        while time.monotonic() < deadline and outage.passing(self.step, 0):
            pass

    def _turn(self) -> float:
        """One step; the seconds until there may be another."""
        if self.step():
            return 0.0
        due = self.due_in()
        return self._poll if due is None else min(self._poll, due)

    def _step(self, routes: frozenset[Route]) -> int:
        ready = self._circuits.ready(routes)
        begun = self._clock()
        claims = self.outbox.claim(MAX_EVENTS, lease=self._lease, routes=ready) if ready else []
        if claims:
            route = claims[0].record.route
            with self._circuits.trying(route):
                self._deliver(route, self._sorted_out(claims), begun)
        return len(claims)

    def _sorted_out(self, claims: list[Claim]) -> list[list[Claim]]:
        """*claims* in requests, without those that are left for later.

        Of what workers seem to die on, a half by chance is sent, and after all else: where answers of the outbox get
        lost, living workers look like dead ones, and no event is to blame. One that is to blame is alone in the end.
        """
        suspects = [claim for claim in claims if claim.crashed_deliveries >= self._max_crashed_deliveries]
        if not suspects:
            return list(_pieces(claims))
        pieces = list(_pieces([claim for claim in claims if claim.crashed_deliveries < self._max_crashed_deliveries]))
        if len(suspects) == 1 and suspects[0].crashed_deliveries >= 2 * self._max_crashed_deliveries:
            self.outbox.dead_letter(
                suspects, reason=f"its worker was gone {suspects[0].crashed_deliveries} times before a word on it"
            )
            _LOG.error("event %s buried: its workers died on it", suspects[0].record.event_id)
            return pieces
        random.shuffle(suspects)
        half = (len(suspects) + 1) // 2
        if suspects[half:]:
            self.outbox.nack(suspects[half:], delay=0.0, reason="its workers were gone often")
        return [*pieces, suspects[:half]]

    def _deliver(self, route: Route, pieces: list[list[Claim]], begun: float) -> None:
        """Deliver what was claimed at *begun*, and give back what there is no time for while it is still ours."""
        failures, stopped = 0, False
        while pieces and (left := begun + self._lease * _OURS - self._clock()) > 0:
            piece = pieces.pop(0)
            items = [(claim.record.event_id, claim.record.data) for claim in piece]
            response = self._clients[route].deliver_once(items, self._bucket.take, left)
            if self._settle(route, piece, response):
                continue
            failures += 1
            stopped = isinstance(response.error, ApiError) and response.error.stops
            if stopped or failures > 1 or self._clock() - begun > self._lease / 2:
                break
        rest = [claim for piece in pieces for claim in piece]
        if rest:
            delay = 0.0 if stopped else self._circuits.wait(route)
            self.outbox.nack(rest, delay=delay, reason="its neighbours failed, or took all the time")

    def _settle(self, route: Route, claims: Sequence[Claim], response: TrackResponse) -> bool:
        """Say what became of *claims*; whether none of them has to be tried again."""
        pairs = list(zip(claims, response.results, strict=True))
        done = [(claim, result) for claim, result in pairs if result.status != "failed"]
        failed = [(claim, result) for claim, result in pairs if result.status == "failed"]
        if done and self._on_settled is not None:
            # Before the outbox shows it: who waits for that then reads true numbers.
            self._on_settled([result for _, result in done])
        for claim, result in done:
            if result.status == "rejected":
                self.outbox.dead_letter([claim], reason=result.message)
                _LOG.warning("TikTok refused event %s: %s", result.event_id, result.message)
        taken = [claim for claim, result in done if result.status != "rejected"]
        if taken:
            self.outbox.ack(taken)
        self._delivered[route] += len(taken)
        if self._alone:
            for claim, _ in done:
                self._alone.pop(claim.record.event_id, None)
        if failed:
            self._give_back(route, failed, response.error)
        elif self._circuits.mend(route):
            _LOG.info("events are delivered again")
        return not failed

    def _give_back(self, route: Route, failed: list[tuple[Claim, EventResult]], error: Exception | None) -> None:
        claims = [claim for claim, _ in failed]
        if len(claims) == 1 and self._is_poison(route, claims[0], error):
            self.outbox.dead_letter(claims, reason=f"failed alone {_ALONE} times while others got through: {error}")
            _LOG.error("event %s buried: it fails alone while others get through", claims[0].record.event_id)
            return
        stopped = isinstance(error, ApiError) and error.stops
        failures = self._circuits.failures(route) + 1
        delay = _PAUSE if stopped or error is None else self._retry.wait(error, failures)
        self._circuits.fail(route, delay)
        if failures == 1:
            what = "nothing gets through until the set-up is mended" if stopped else "trying again"
            _LOG.log(logging.ERROR if stopped else logging.WARNING, "%s; %s, events are kept", error, what)
        # A set-up that is refused is this worker's: one that is mended need not wait for the events.
        self.outbox.nack(claims, delay=0.0 if stopped else delay, reason=str(error))
        if self._on_retry is not None:
            self._on_retry([result for _, result in failed], delay)

    def _is_poison(self, route: Route, claim: Claim, error: Exception | None) -> bool:
        """Whether the event itself makes TikTok fail: again and again, while its neighbours are taken."""
        if claim.attempts < _TRIED_OFTEN or isinstance(error, RateLimitError):
            return False
        if error is None or (isinstance(error, ApiError) and error.stops):
            return False
        event_id, delivered = claim.record.event_id, self._delivered[route]
        times, then = self._alone.get(event_id, (0, -1))
        times += delivered > then
        if times >= _ALONE:
            self._alone.pop(event_id, None)
            return True
        self._alone[event_id] = times, delivered
        return False


def _pieces(claims: list[Claim]) -> Iterator[list[Claim]]:
    """*claims* in requests: what was tried often goes apart, in ever smaller ones, so that one cannot hold up all."""
    new = [claim for claim in claims if claim.attempts < _TRIED_OFTEN]
    often = [claim for claim in claims if claim.attempts >= _TRIED_OFTEN]
    if new:
        yield new
    if often:
        size = max(1, len(often) >> (min(claim.attempts for claim in often) - _TRIED_OFTEN + 1))
        for start in range(0, len(often), size):
            yield often[start : start + size]
