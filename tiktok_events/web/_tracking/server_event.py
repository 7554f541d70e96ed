"""The server's half of `track`, step by step: make the event, complete it from the request, check it, queue it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs

from tiktok_events._api import network_guard
from tiktok_events._checks.check import check, drops_event, strict_errors
from tiktok_events._events.complete import complete
from tiktok_events._events.event import Event, with_problem
from tiktok_events._events.normalize.foreign_values import plain
from tiktok_events._events.normalize.identifiers import hash_external_id
from tiktok_events._runtime.log_once import log_once
from tiktok_events._spec.rules import problem
from tiktok_events.errors import EventValidationError, TikTokEventsError
from tiktok_events.web._request import request_kind
from tiktok_events.web._tracking.tracked import Reason
from tiktok_events.web._tracking.visitor_state import VisitorState
from tiktok_events.web._visitor.consent import Consent

PAGE_VIEW = "Pageview"
_VIEWS = frozenset({"ViewContent", "Search", PAGE_VIEW, "PageView"})
_FROM_CONTEXT = ("ttclid", "ttp", "ip", "user_agent", "locale")


def make_event(
    event: Event | str, fields: Mapping[str, Any], visitor: VisitorState, reserved_ids: dict[str, str]
) -> Event:
    """The event for the arguments of `track`: an `Event` as it is, or one made from a name and *fields*.

    A keyless event takes the id that *reserved_ids* holds for its name, and removes it there. A naive `event_time` is
    read in the site's time zone, unless mistakes raise.

    Raises:
        TypeError, ValueError: As `Event`; also for an `Event` with further *fields*.
    """
    if isinstance(event, Event):
        if fields:
            raise TypeError("an Event has its fields already: track(event), or track(name, **fields)")
        return event
    fields = dict(fields)
    if "key" not in fields and "event_id" not in fields and event in reserved_ids:
        fields["event_id"] = reserved_ids.pop(event)
    event_time = plain(fields.get("event_time"))
    is_naive = isinstance(event_time, datetime) and event_time.utcoffset() is None
    if event_time is None:
        fields["event_time"] = int(visitor.site.clock())
    elif is_naive and not visitor.site.is_strict(visitor.request):
        fields["event_time"] = visitor.site.seconds_of_naive(event_time)
    if isinstance(fields.get("user"), Mapping):
        fields["user"] = visitor.site.with_phone_region(fields["user"])
    made = Event(event, **fields)
    return with_problem(made, problem("event-time-naive", "event_time")) if is_naive else made


def reason_not_to_send(event: Event, visitor: VisitorState) -> Reason | None:
    """Why the server event is not sent: the site is off, a bot views a page, or consent is missing. None if it is sent."""
    if not visitor.enabled:
        visitor.site.log_off_reason()
        return "off"
    is_view = event.event in _VIEWS and event.key is None and visitor.request.method == "GET"
    if is_view and visitor.is_bot_or_prefetch:
        return "bot"
    return None if visitor.consent is Consent.GRANTED else "consent"


def complete_event(event: Event, visitor: VisitorState) -> Event:
    """A copy of *event* with what it leaves out: from the request's context, the site, and `identify`."""
    site, context = visitor.site, visitor.context
    if not visitor.is_resumed and not request_kind.is_from_browser(visitor.request):
        log_once(str(problem("not-a-visitor", "event")), logging.WARNING)
    user = {name: getattr(context, name) for name in _FROM_CONTEXT}
    return complete(
        event,
        user={**user, **visitor.identified_user},
        page={"url": context.url or site.url, "referrer": context.referrer},
        visitor_id=hash_external_id(context.visitor_id) if context.visitor_id else None,
        currency=site.currency,
        limited_data_use=context.limited_data_use,
    )


def check_event(event: Event, visitor: VisitorState) -> None:
    """Apply the rule table to *event*. A field that was left out is logged once per rule.

    Raises:
        EventValidationError: If the event is wrong as a whole; with `strict`, for every mistake.
    """
    site = visitor.site
    problems = check(event, site.source_or_placeholder, now=site.clock())
    is_strict = problems and site.is_strict(visitor.request)
    if errors := strict_errors(problems) if is_strict else [found for found in problems if drops_event(found)]:
        raise EventValidationError(errors)
    for found in problems:
        if found.severity == "error":
            log_once(f"field left out: {found}", logging.WARNING)
        elif found.rule == "event-time-naive":
            log_once(str(found), logging.WARNING)


@attrs.frozen
class QueueResult:
    """Whether a server event was queued; if not because it repeats an earlier one, the seconds since that."""

    sent: bool
    repeated_after: float | None = None


def queue_event(event: Event, visitor: VisitorState) -> QueueResult:
    """Give *event* to the site's client. An error of the client is logged by its class.

    Raises:
        Exception: With `strict`, whatever the client raises.
    """
    try:
        # A BackgroundClient returns how many it queued; other clients return something else, or nothing.
        queued: Any = visitor.site.event_client().track(event)
    except Exception as error:
        if visitor.site.is_strict(visitor.request):
            raise
        record_dropped(visitor, str(event.event), "invalid", *safe_messages(error))
        # The message of a foreign error may hold values, so only its class is logged. The pixel call is rendered all the same.
        message = error if isinstance(error, TikTokEventsError) else type(error).__name__
        log_once(f"an event was not queued: {message}", logging.ERROR)
        return QueueResult(sent=False)
    repeated = getattr(queued, "repeated", ())
    return QueueResult(queued != 0, max((one.age for one in repeated), default=None))


def record_dropped(visitor: VisitorState, name: str, reason: Reason, *why: str) -> None:
    """Report an event that is not sent to the recording test, if there is one."""
    if network_guard.recorder is None:
        return
    if reason == "off":
        why = (visitor.site.off_reason or "the site has enabled=False",)
    elif reason == "bot":
        why = ("or a prefetch",)
    elif reason == "consent":
        why = (visitor.consent.value,)
    elif reason == "repeat":
        why = ("its name and key were queued before",)
    network_guard.dropped(name, reason, why, "from a snapshot" if visitor.is_resumed else visitor.request.line)


def safe_messages(error: Exception) -> list[str]:
    """The messages of *error* that hold no value: those of our own errors; of any other its class."""
    if isinstance(error, EventValidationError):
        return [str(one) for one in error.problems]
    is_ours = isinstance(error, (TypeError, ValueError, TikTokEventsError)) and not isinstance(error, UnicodeError)
    return [str(error) if is_ours else type(error).__name__]
