"""The state that all requests of one Events Manager share: store, clock, faults and settings."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import attrs
from starlette.requests import Request

from tiktok_events.events_manager.clock import Clock
from tiktok_events.events_manager.faults import Fault, Faults
from tiktok_events.events_manager.store.event_store import EventStore

_NO_FAULT = Fault()


@attrs.frozen(kw_only=True, eq=False)
class AppState:
    """Store, clock, faults and settings of one Events Manager. Without `faults_enabled` no endpoint adds faults."""

    store: EventStore
    clock: Clock
    faults: Faults = attrs.field(factory=Faults)
    faults_enabled: bool = False
    source_id: str | None = None
    hosts: frozenset[str] = frozenset()
    pixel: Mapping[str, bool | int] = attrs.field(factory=dict)
    token: bytes | None = attrs.field(default=None, repr=False)

    def accepts_token(self, given: bytes) -> bool:
        """Whether the token *given* is accepted: the configured one, or any if none is configured."""
        if self.token is None:
            return bool(given)
        return hmac.compare_digest(self.token, given)

    def next_fault(self) -> Fault:
        """Remove and return the fault for the next request; one that changes nothing if none is queued."""
        return self.faults.take() or _NO_FAULT


def app_state(request: Request) -> AppState:
    """Return the state of the Events Manager that received *request*."""
    state: AppState = request.app.state.events_manager
    return state
