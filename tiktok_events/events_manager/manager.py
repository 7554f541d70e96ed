"""`Manager`: settings and state of one running Events Manager."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

import attrs

from tiktok_events.events_manager.faults import Clock, Faults
from tiktok_events.events_manager.store.store import Store


@attrs.frozen(kw_only=True, eq=False)
class Manager:
    """Settings and state of one Events Manager. `faults` is None if they are off."""

    store: Store
    clock: Clock
    faults: Faults | None = None
    source_id: str | None = None
    hosts: frozenset[str] = frozenset()
    pixel: Mapping[str, bool | int] = attrs.field(factory=dict)
    token: bytes | None = attrs.field(default=None, repr=False)

    def accepts_token(self, given: bytes) -> bool:
        """Whether the token *given* is accepted: the configured one, or any if none is configured."""
        if self.token is None:
            return bool(given)
        return hmac.compare_digest(self.token, given)
