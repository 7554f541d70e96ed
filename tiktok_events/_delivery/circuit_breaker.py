"""Circuit breakers, one per event source: after a failure, no request until its wait is over."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

import attrs

from tiktok_events._outbox.protocol import Route

_PROBE_INTERVAL = 0.05
"""Seconds before another thread asks again whether the trial request of a source has succeeded."""


@attrs.define
class _OpenCircuit:
    failures: int = 0
    open_until: float = 0.0
    is_on_trial: bool = False


class CircuitBreakers:
    """Which sources get no requests now. A failure opens a circuit; one request at a time may close it again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._open: dict[Route, _OpenCircuit] = {}
        self._lock = threading.Lock()

    def ready(self, routes: Collection[Route]) -> frozenset[Route]:
        """Those of *routes* that may get a request now."""
        if not self._open:
            return frozenset(routes)
        return frozenset(route for route in routes if self.wait(route) <= 0)

    def wait(self, route: Route) -> float:
        """Seconds until *route* may get a request; a short wait while another thread's trial request is in flight."""
        with self._lock:
            circuit = self._open.get(route)
            if circuit is None:
                return 0.0
            return max(circuit.open_until - self._clock(), _PROBE_INTERVAL if circuit.is_on_trial else 0.0)

    @contextmanager
    def trial(self, route: Route) -> Iterator[None]:
        """Keep other threads from *route* while its circuit is open and this thread's request is in flight."""
        with self._lock:
            circuit = self._open.get(route)
            if circuit is not None:
                circuit.is_on_trial = True
        try:
            yield
        finally:
            if circuit is not None:
                circuit.is_on_trial = False

    def failures(self, route: Route) -> int:
        """The number of consecutive failures of *route*."""
        circuit = self._open.get(route)
        return circuit.failures if circuit else 0

    def record_failure(self, route: Route, wait: float) -> None:
        """Open the circuit of *route* for *wait* seconds."""
        with self._lock:
            circuit = self._open.setdefault(route, _OpenCircuit())
            circuit.failures += 1
            circuit.open_until = self._clock() + wait

    def record_success(self, route: Route) -> bool:
        """Close the circuit of *route*. Returns whether it was open."""
        with self._lock:
            return self._open.pop(route, None) is not None
