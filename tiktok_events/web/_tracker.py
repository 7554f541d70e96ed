"""One request's events: both halves of each, its context, its consent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Unpack

from tiktok_events._checks.check import check, mistakes, spoils_event
from tiktok_events._events.complete import complete
from tiktok_events._events.event import Event
from tiktok_events._events.normalize import hash_external_id
from tiktok_events._events.typed import EventFields
from tiktok_events._ids import UNSET, Key, UnsetType, random_id
from tiktok_events._ids import event_id as make_event_id
from tiktok_events._recording import outlet
from tiktok_events._rules.table import problem
from tiktok_events._source import EventSource
from tiktok_events.errors import EventValidationError, TikTokEventsError
from tiktok_events.web import _visits as visits
from tiktok_events.web._consent import Consent, say_once
from tiktok_events.web._cookies import REDIRECT_COOKIE
from tiktok_events.web._face import Face
from tiktok_events.web._pixel import Call, call_for
from tiktok_events.web._redirect import carried_calls, joined
from tiktok_events.web._snapshot import Snapshot, pack
from tiktok_events.web._tracked import Reason, Tracked
from tiktok_events.web._visit import Visit

_PAGE_VIEW = "Pageview"
_VIEWS = frozenset({"ViewContent", "Search", _PAGE_VIEW, "PageView"})
_BROWSER_AGE = 24 * 3600
_OFF = EventSource.web("OFF0000000000000000", "off")


class Tracker(Visit):
    """A request's events. A plain object for sync and async code alike; one request, one tracker.

    It asks for consent, reads cookies and makes a context when they are first needed, and never touches the network.
    """

    carried = False
    """Whether the calls of the redirect before were taken up."""
    printed = False
    """Whether the page has its base code."""
    _page_view: Event | None = None
    _went_out = False

    # Most requests track nothing. Threads that share one all get the first that is made.
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
    def _reserved(self) -> dict[str, str]:
        reserved: dict[str, str] = self.__dict__.setdefault("_reserved_ids", {})
        return reserved

    def __repr__(self) -> str:
        return f"Tracker({self.request!r}, {len(self._tracked)} tracked)"

    def track(
        self, event: Event | str, /, *, server: bool = True, browser: bool = True, **fields: Unpack[EventFields]
    ) -> Tracked:
        """Queue the server event, and add the matching pixel call to this request.

        *event* is an `Event`, or a name with the fields of one. `server=False` renders the browser's half only, for
        a page that shows what was reported elsewhere. Twice with the same name and key is one event, the first.

        Raises:
            TypeError, ValueError: With `Site(strict=True)`, for what elsewhere is dropped, logged and counted.
        """
        try:
            if isinstance(event, Event):
                if fields:
                    raise TypeError("an Event has its fields already: track(event), or track(name, **fields)")
                made = event
            else:
                made = self._made(event, fields)
            return self._track(made, server=server, browser=browser)
        except Exception as error:
            given = event.event if isinstance(event, Event) else event
            name, told = given if isinstance(given, str) else "", _told(error)
            self._drop(name, "invalid", *told)
            if self.site.is_strict(self.request):
                raise
            for one in told:
                say_once(f"an event was dropped: {one}", logging.ERROR)
            return self._result(name, None, reason="invalid")

    @property
    def face(self) -> Face:
        """The template variable `tiktok`."""
        return Face(self)

    def snapshot(self) -> Snapshot:
        """The visitor's context and consent, for the order's row: a webhook's `site.resume` takes it."""
        return pack(self.site.snapshots, self.context, self.consent, now=self.site.clock())

    def revoke_consent(self) -> None:
        """The visitor has just refused: our cookies are expired in this very response, and no call is printed."""
        super().revoke_consent()
        self.calls.clear()
        self._page_view = None

    def event_id(self, name: str, key: Key | UnsetType = UNSET) -> str:
        """The id of this request's event of that *name*, or the one its next `track` will take."""
        self.touched = True
        if key is not UNSET:
            return make_event_id(name, key, namespace=self._source.id_namespace)
        found = next((one for (event, _), one in reversed(self._tracked.items()) if event == name), None)
        if found is not None and found.event_id:
            return found.event_id
        return self._reserved.setdefault(name, random_id())

    def take(self, call: Call) -> None:
        """Count *call* as rendered."""
        self.touched = True
        if call in self.calls:
            self.calls.remove(call)

    def waiting(self) -> list[Call]:
        """The calls that no page has rendered yet, of this request and of the redirect before it."""
        if not self.carried:
            self.carried = True
            site, values = self.site, self.request.cookie_values(REDIRECT_COOKIE)
            self.calls[:] = joined(carried_calls(site.redirects, values, now=site.clock()), self.calls)
        return self.calls

    def view_page(self) -> None:
        """Track the view of the page that is being printed, with `Site(page_views=True)`; once a request.

        The page gets its call at once, and the server event goes with the answer: a page that fails, or is none,
        was not seen.
        """
        if not self._is_page_view() or any(name == _PAGE_VIEW for name, _ in self._tracked):
            return
        event = self._made(_PAGE_VIEW, {})
        tracked = self.track(event, server=False)
        if any(call.event_id == tracked.event_id for call in self.calls):
            calls = self.waiting()
            calls.insert(0, calls.pop())
        if tracked.reason is None:
            self._page_view = event
        if self._went_out:
            self._send_page_view()

    def answered(self, *, is_html: bool) -> None:
        """The answer's headers leave now; *is_html* says that they are a page's, and no error's."""
        if is_html and self._is_page_view():
            self._went_out = self.touched = True  # even the page of a bot: nobody else's views would be counted on it
            self._send_page_view()

    @property
    def _source(self) -> EventSource:
        return self.site.source or _OFF

    def _made(self, name: str, fields: Mapping[str, Any]) -> Event:
        own = dict(fields)
        if "key" not in own and "event_id" not in own and name in self._reserved:
            own["event_id"] = self._reserved.pop(name)
        if own.get("event_time") is None:
            own["event_time"] = int(self.site.clock())
        if isinstance(own.get("user"), Mapping):
            own["user"] = self._with_region(own["user"])
        return Event(name, **own)

    def _track(self, event: Event, *, server: bool, browser: bool) -> Tracked:
        name, source = str(event.event or ""), self._source
        event_id = event.id_for(source.id_namespace)
        repeated = self._tracked.get((name, event_id))
        if repeated is not None:
            return repeated
        reason = self._refusal(event)
        if reason in ("off", "bot") or self.consent is Consent.DENIED:
            return self._keep(self._result(name, event_id, reason=reason or "consent"))
        self.touched = True  # its id is one visitor's
        whole = self._checked(event)
        sent = server and reason is None and self._send(whole)
        call = self._call(whole, event_id) if browser else None
        return self._keep(self._result(name, event_id, sent=sent, reason=reason, call=call))

    def _keep(self, tracked: Tracked) -> Tracked:
        if tracked.event_id:
            self._tracked[tracked.event, tracked.event_id] = tracked
        if tracked.reason is not None:
            self._drop(tracked.event, tracked.reason)
        return tracked

    def _drop(self, name: str, reason: Reason, *why: str) -> None:
        if outlet.recorder is None:
            return
        if reason != "invalid":
            off = self.site.off_reason or "as enabled=False says"
            why = (off if reason == "off" else "or a prefetch" if reason == "bot" else self.consent.value,)
        outlet.dropped(name, reason, why, "from a snapshot" if self._is_resumed else self.request.line)

    def _refusal(self, event: Event) -> Reason | None:
        if not self.enabled:
            self.site.say_why_off()
            return "off"
        is_view = event.event in _VIEWS and event.key is None and self.request.method == "GET"
        if is_view and self.is_nobody:
            return "bot"
        if self.consent is not Consent.GRANTED:
            return "consent"
        return None

    def _checked(self, event: Event) -> Event:
        whole = self._completed(event)
        found = check(whole, self._source, now=self.site.clock())
        is_strict = found and self.site.is_strict(self.request)
        if raised := mistakes(found) if is_strict else [one for one in found if spoils_event(one)]:
            raise EventValidationError(raised)
        for one in found:
            if one.severity == "error":
                say_once(f"left out: {one}", logging.WARNING)
        return whole

    def _send(self, whole: Event) -> bool:
        try:
            # A BackgroundClient says how many it queued; others say something else, or nothing.
            queued: Any = self.site.sender().track(whole)
        except Exception as error:
            if self.site.is_strict(self.request):
                raise
            self._drop(str(whole.event), "invalid", *_told(error))
            # What others raise may name values. The page still reports the browser's half.
            told = error if isinstance(error, TikTokEventsError) else type(error).__name__
            say_once(f"an event was not queued: {told}", logging.ERROR)
            return False
        return bool(queued != 0)

    def _is_page_view(self) -> bool:
        request = self.request
        if not self.site.page_views or request.method != "GET" or visits.is_fragment(request):
            return False
        return visits.is_navigation(request) and not self.site.excludes(request)

    def _send_page_view(self) -> None:
        event, self._page_view = self._page_view, None
        if event is not None and self.consent is Consent.GRANTED:
            self._send(self._completed(event))

    def _completed(self, event: Event) -> Event:
        """*event* with what it leaves out filled from the context, the site and `identify`."""
        context = self.context
        if not self._is_resumed and not visits.is_visitor(self.request):
            say_once(str(problem("not-a-visitor", "event")), logging.WARNING)
        user: dict[str, Any] = {
            name: getattr(context, name) for name in ("ttclid", "ttp", "ip", "user_agent", "locale")
        }
        page = {"url": context.url or self.site.url, "referrer": context.referrer}
        visitor = hash_external_id(context.visitor_id) if context.visitor_id else None
        return complete(
            event,
            user={**user, **self._identified},
            page=page,
            visitor=visitor,
            currency=self.site.currency,
            limited_data_use=context.limited_data_use,
        )

    def _call(self, event: Event, event_id: str) -> Call | None:
        if self.site.browser == "off" or self.site.clock() - (event.event_time or 0) > _BROWSER_AGE:
            return None
        if self.consent is Consent.UNKNOWN and self.site.on_unknown_consent != "hold":
            return None
        call = call_for(event, event_id, keyed=event.key is not None)
        self.calls.append(call)
        return call

    def _result(
        self,
        name: str,
        event_id: str | None,
        *,
        sent: bool = False,
        reason: Reason | None = None,
        call: Call | None = None,
    ) -> Tracked:
        return Tracked(name, event_id, sent=sent, reason=reason, call=call, tracker=self)


def _told(error: Exception) -> list[str]:
    """What *error* says, without what others raise: that may name values."""
    if isinstance(error, EventValidationError):
        return [str(one) for one in error.problems]
    ours = isinstance(error, (TypeError, ValueError, TikTokEventsError)) and not isinstance(error, UnicodeError)
    return [str(error) if ours else type(error).__name__]
