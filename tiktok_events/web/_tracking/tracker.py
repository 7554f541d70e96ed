"""`Tracker`: the events of one request, for the server and for the browser."""

from __future__ import annotations

import logging
from typing import Unpack

from tiktok_events._events.event import Event, EventFields
from tiktok_events._events.ids import UNSET, Key, UnsetType, random_id
from tiktok_events._events.ids import event_id as make_event_id
from tiktok_events._runtime.log_once import log_once
from tiktok_events.web._page.pixel import Call
from tiktok_events.web._tracking.browser_call import browser_call, with_redirected_calls
from tiktok_events.web._tracking.server_event import (
    QueueResult,
    check_event,
    complete_event,
    make_event,
    queue_event,
    reason_not_to_send,
    record_dropped,
    safe_messages,
)
from tiktok_events.web._tracking.tracked import Reason, Tracked
from tiktok_events.web._tracking.visitor_state import VisitorState
from tiktok_events.web._visitor.consent import Consent
from tiktok_events.web._visitor.snapshot import Snapshot, make_snapshot


class Tracker(VisitorState):
    """The events of one request. One plain object for sync and async code; it never uses the network itself.

    Consent, cookies and context are read on first use.
    """

    has_read_redirect = False
    """Whether the calls of the redirect cookie were added to this request's."""
    is_rendered = False
    """Whether the base code was rendered."""
    page_view: Event | None = None
    """The page view that is sent with the response, with `Site(page_views=True)`."""
    is_page_sent = False
    """Whether the headers of an HTML response have been sent."""

    # Most requests track nothing, so these are made on first use. Threads that share a tracker get the same ones.
    @property
    def calls(self) -> list[Call]:
        """The pixel calls of this request that were not rendered yet."""
        calls: list[Call] = self.__dict__.setdefault("_calls", [])
        return calls

    @property
    def _tracked(self) -> dict[tuple[str, str], Tracked]:
        tracked: dict[tuple[str, str], Tracked] = self.__dict__.setdefault("_tracked_by_id", {})
        return tracked

    @property
    def reserved_ids(self) -> dict[str, str]:
        """Ids by event name that a page has used before their event was tracked."""
        reserved: dict[str, str] = self.__dict__.setdefault("_reserved_by_name", {})
        return reserved

    def __repr__(self) -> str:
        return f"Tracker({self.request!r}, {len(self._tracked)} tracked)"

    def track(
        self, event: Event | str, /, *, server: bool = True, browser: bool = True, **fields: Unpack[EventFields]
    ) -> Tracked:
        """Queue the server event, and add the matching pixel call to this request.

        *event* is an `Event`, or an event name with the fields of `Event`. `server=False` only renders the pixel call,
        for an event that the server reports elsewhere; `browser=False` only queues the server event. A second call with
        the same name and key in one request is ignored and returns the first `Tracked`. In later requests the outbox
        does not store it again within 28 days (`Tracked.reason` "repeat").

        Raises:
            TypeError, ValueError: With `Site(strict=True)`, for what is otherwise dropped, logged and counted.
        """
        try:
            return self._track(make_event(event, fields, self, self.reserved_ids), server=server, browser=browser)
        except Exception as error:
            event_name = event.event if isinstance(event, Event) else event
            name, messages = event_name if isinstance(event_name, str) else "", safe_messages(error)
            record_dropped(self, name, "invalid", *messages)
            if self.site.is_strict(self.request):
                raise
            for message in messages:
                log_once(f"an event was dropped: {message}", logging.ERROR)
            return Tracked(name, None, sent=False, reason="invalid", call=None, tracker=self)

    def _track(self, event: Event, *, server: bool, browser: bool) -> Tracked:
        event_id = event.id_for(self.site.source_or_placeholder.id_namespace)
        earlier = self._tracked.get((str(event.event or ""), event_id))
        if earlier is not None:
            return earlier
        reason = reason_not_to_send(event, self)
        if reason in ("off", "bot") or self.consent is Consent.DENIED:
            return self._remember(event, event_id, reason=reason or "consent")
        self.is_visitor_specific = True  # the event's id belongs to one visitor
        event = complete_event(event, self)
        check_event(event, self)
        queued = queue_event(event, self) if server and reason is None else QueueResult(sent=False)
        if queued.repeated_after is not None:
            reason = "repeat"
        call = browser_call(event, event_id, self, repeated_after=queued.repeated_after) if browser else None
        return self._remember(event, event_id, sent=queued.sent, reason=reason, call=call)

    def _remember(
        self, event: Event, event_id: str, *, sent: bool = False, reason: Reason | None = None, call: Call | None = None
    ) -> Tracked:
        tracked = Tracked(str(event.event or ""), event_id, sent=sent, reason=reason, call=call, tracker=self)
        if call is not None:
            self.calls.append(call)
        if event_id:
            self._tracked[tracked.event, event_id] = tracked
        if reason is not None:
            record_dropped(self, tracked.event, reason)
        return tracked

    def snapshot(self) -> Snapshot:
        """The visitor's context and consent, to store with the order. `Site.resume` reads it in a webhook."""
        return make_snapshot(self.site.snapshot_signer, self.context, self.consent, now=self.site.clock())

    def revoke_consent(self) -> None:
        """Record that the visitor has denied consent; this response expires our cookies and renders no call."""
        super().revoke_consent()
        self.calls.clear()
        self.page_view = None

    def event_id(self, name: str, key: Key | UnsetType = UNSET) -> str:
        """The id of this request's event of that *name*, or the one its next `track` will take."""
        self.is_visitor_specific = True
        if key is not UNSET:
            return make_event_id(name, key, namespace=self.site.source_or_placeholder.id_namespace)
        latest = next((tracked for (event, _), tracked in reversed(self._tracked.items()) if event == name), None)
        if latest is not None and latest.event_id:
            return latest.event_id
        return self.reserved_ids.setdefault(name, random_id())

    def has_tracked(self, name: str) -> bool:
        """Whether this request has an event of that *name*."""
        return any(event == name for event, _ in self._tracked)

    def pending_calls(self) -> list[Call]:
        """The calls that no page has rendered yet, of this request and of the redirect before it."""
        if not self.has_read_redirect:
            self.has_read_redirect = True
            self.calls[:] = with_redirected_calls(self.calls, self)
        return self.calls

    def mark_rendered(self, call: Call) -> None:
        """Count *call* as rendered."""
        self.is_visitor_specific = True
        if call in self.calls:
            self.calls.remove(call)
