"""Hooks of a background client: callables that change an event before it is sent, or are called with its result.

A hook that raises is logged by the class of its error, never by its text.
"""

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
    """The hooks of one client. `BackgroundClient` documents their arguments."""

    before_send: BeforeSend | None = None
    on_sent: OnResults | None = None
    on_retry: OnRetry | None = None
    on_rejected: OnResults | None = None
    on_dropped: OnDropped | None = None

    def apply_before_send(self, event: Event) -> Event | None:
        """The event that `before_send` returns for *event*; None to drop it, also when the hook raises."""
        if self.before_send is None:
            return event
        try:
            changed: object = self.before_send(event)
        except Exception as error:  # noqa: BLE001 - a hook that fails may have been meant to remove something
            _LOG.error("before_send raised %s: the event is dropped", type(error).__name__)
            return None
        if changed is None or isinstance(changed, Event):
            return changed
        _LOG.error("before_send returned %s, not an Event or None: the event is dropped", type(changed).__name__)
        return None

    def call_with_results(self, results: Sequence[EventResult]) -> None:
        """Call `on_sent` and `on_rejected` with final *results*."""
        rejected = [one for one in results if one.status == "rejected"]
        sent = [one for one in results if one.status != "rejected"]
        if sent:
            _call("on_sent", self.on_sent, sent)
        if rejected:
            _call("on_rejected", self.on_rejected, rejected)

    def call_on_retry(self, results: Sequence[EventResult], delay: float) -> None:
        """Call `on_retry` with the *results* that are tried again in *delay* seconds."""
        _call("on_retry", self.on_retry, results, delay)

    def call_on_dropped(self, event_ids: Sequence[str], reason: str) -> None:
        """Call `on_dropped` with the ids of events that are not sent."""
        if event_ids:
            _call("on_dropped", self.on_dropped, event_ids, reason)


def _call(name: str, hook: Callable[..., Any] | None, *arguments: Any) -> None:
    if hook is None:
        return
    try:
        hook(*arguments)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a hook must not stop delivery, which is in a thread
        _LOG.error("the hook %s raised %s", name, type(error).__name__)
