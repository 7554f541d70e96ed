"""How fast, and whether at all: the token bucket of a worker's requests, the circuit of each of its routes, outages."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TypeVar

import attrs

from tiktok_events._outbox.protocol import Route
from tiktok_events.errors import OutboxUnavailable

_LOG = logging.getLogger("tiktok_events")
T = TypeVar("T")


class TokenBucket:
    """Lets *rate* requests a second through, at most a tenth of a second's worth at once.

    Raises:
        ValueError: If *rate* is not positive.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        if not rate > 0:
            raise ValueError("rate must be more than 0 requests a second")
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._most = self._tokens = max(1.0, rate / 10)
        self._filled = clock()
        self._lock = threading.Lock()

    def take(self) -> None:
        """Wait for a token. Who comes first is served first, since each takes its own before it waits."""
        with self._lock:
            now = self._clock()
            self._tokens = min(self._most, self._tokens + max(0.0, now - self._filled) * self._rate) - 1
            self._filled = now
            wait = -self._tokens / self._rate
        if wait > 0:
            self._sleep(wait)


@attrs.define
class _Circuit:
    failures: int = 0
    until: float = 0.0
    trying: bool = False


class Circuits:
    """Which routes are left alone for now. A failure opens a route's circuit; one try at a time finds it mended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[Route, _Circuit] = {}
        self._lock = threading.Lock()

    def ready(self, routes: Collection[Route]) -> frozenset[Route]:
        """Those of *routes* that may be tried now."""
        if not self._open:
            return frozenset(routes)
        return frozenset(route for route in routes if self.wait(route) <= 0)

    def wait(self, route: Route) -> float:
        """Seconds until *route* may be tried; what another thread is trying may be asked for again soon."""
        with self._lock:
            circuit = self._open.get(route)
            if circuit is None:
                return 0.0
            return max(circuit.until - self._clock(), 0.05 if circuit.trying else 0.0)

    @contextmanager
    def trying(self, route: Route) -> Iterator[None]:
        """While this lasts nobody else finds *route* mended."""
        with self._lock:
            circuit = self._open.get(route)
            if circuit is not None:
                circuit.trying = True
        try:
            yield
        finally:
            if circuit is not None:
                circuit.trying = False

    def failures(self, route: Route) -> int:
        """How often in a row *route* has failed."""
        circuit = self._open.get(route)
        return circuit.failures if circuit else 0

    def fail(self, route: Route, wait: float) -> None:
        """Leave *route* alone for *wait* seconds."""
        with self._lock:
            circuit = self._open.setdefault(route, _Circuit())
            circuit.failures += 1
            circuit.until = self._clock() + wait

    def mend(self, route: Route) -> bool:
        """*route* delivers; whether it had not before."""
        with self._lock:
            return self._open.pop(route, None) is not None


class Outage:
    """Keeps delivery loops going through whatever an outbox does; said once when it begins, and once when it ends.

    Threads that share one say it once together: what one of them began before the last change is no news.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lasts, self._changed = False, float("-inf")

    def passing(self, work: Callable[[], T], otherwise: T) -> T:
        """What *work* gives, or *otherwise* while it raises."""
        begun = self._clock()
        try:
            given = work()
        except OutboxUnavailable as error:
            self._begins(begun, "%s; the events are kept", error)
        except Exception as error:  # noqa: BLE001 - the loop must outlive whatever stumbles, and its text may name values
            self._begins(begun, "delivery stumbled; the events are kept (%s)", type(error).__name__)
        else:
            if self._lasts and self._turns(begun, lasts=False):
                _LOG.info("delivery goes on")
            return given
        return otherwise

    def _begins(self, begun: float, message: str, *told: object) -> None:
        if self._turns(begun, lasts=True):
            _LOG.error(message, *told)

    def _turns(self, begun: float, *, lasts: bool) -> bool:
        """Whether work that was begun then is the first to tell."""
        with self._lock:
            if self._lasts == lasts or begun < self._changed:
                return False
            self._lasts, self._changed = lasts, self._clock()
            return True
