"""What a background client tells its owner. A hook that fails is logged by its error's kind, and changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import attrs

from tiktok_events._api.response import EventResult
from tiktok_events._events.event import Event

_LOG = logging.getLogger("tiktok_events")

BeforeSend = Callable[[Event], Event | None]
OnResults = Callable[[Sequence[EventResult]], object]
OnRetry = Callable[[Sequence[EventResult], float], object]
OnDropped = Callable[[Sequence[str], str], object]


@attrs.frozen(kw_only=True)
class Hooks:
    """The hooks of one client; what each is given stands at `BackgroundClient`."""

    before_send: BeforeSend | None = None
    on_sent: OnResults | None = None
    on_retry: OnRetry | None = None
    on_rejected: OnResults | None = None
    on_dropped: OnDropped | None = None

    def changed(self, event: Event) -> Event | None:
        """*event* as `before_send` wants it; None if it is not to be sent, or if the hook failed on it."""
        if self.before_send is None:
            return event
        try:
            changed: object = self.before_send(event)
        except Exception as error:  # noqa: BLE001 - a hook is there to keep something back: when it fails, nothing goes
            _LOG.error("before_send raised %s: the event is dropped", type(error).__name__)
            return None
        if changed is None or isinstance(changed, Event):
            return changed
        _LOG.error("before_send gave a %s, not an Event or None: the event is dropped", type(changed).__name__)
        return None

    def settled(self, results: Sequence[EventResult]) -> None:
        """Tell of what is done with."""
        rejected = [one for one in results if one.status == "rejected"]
        sent = [one for one in results if one.status != "rejected"]
        if sent:
            _tell(self.on_sent, sent)
        if rejected:
            _tell(self.on_rejected, rejected)

    def retried(self, results: Sequence[EventResult], delay: float) -> None:
        """Tell of what is tried again in *delay* seconds."""
        _tell(self.on_retry, results, delay)

    def dropped(self, event_ids: Sequence[str], reason: str) -> None:
        """Tell of what will not be sent."""
        if event_ids:
            _tell(self.on_dropped, event_ids, reason)


def _tell(hook: Callable[..., Any] | None, *told: Any) -> None:
    if hook is None:
        return
    try:
        hook(*told)
    except Exception as error:  # noqa: BLE001 - nobody's event is held up by a hook
        _LOG.error("a hook raised %s", type(error).__name__)
