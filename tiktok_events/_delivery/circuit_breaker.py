"""Circuit breaker per event source: after a failure, no requests until its wait is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import attrs

from tiktok_events._outbox.protocol import Route


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
