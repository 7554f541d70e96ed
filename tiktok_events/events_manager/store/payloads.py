"""The payloads of the latest events, in memory only."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

MAX_PAYLOADS = 5_000
_MAX_BYTES = 16_000
"""The largest payload that is kept, as JSON."""


class Payloads:
    """The payloads of the latest *most* events by the id of the event. The caller holds a lock."""

    def __init__(self, most: int = MAX_PAYLOADS) -> None:
        self._most = most
        self._by_id: OrderedDict[int, bytes] = OrderedDict()

    def add(self, number: int, payload: Mapping[str, Any] | None) -> None:
        """Keep the *payload* of event *number*, unless it is larger than 16 kB."""
        if not self._most or payload is None:
            return
        text = json.dumps(payload, separators=(",", ":")).encode("ascii")
        if len(text) <= _MAX_BYTES:
            self._by_id[number] = text
            if len(self._by_id) > self._most:
                self._by_id.popitem(last=False)

    def get(self, number: int) -> dict[str, Any] | None:
        """The payload of event *number*; None if it is not kept."""
        text = self._by_id.get(number)
        if text is None:
            return None
        payload: dict[str, Any] = json.loads(text)
        return payload

    def clear(self) -> None:
        """Forget all."""
        self._by_id.clear()
