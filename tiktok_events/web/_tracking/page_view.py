"""Page views with `Site(page_views=True)`: the call goes into the page, the server event with its response."""

from __future__ import annotations

from tiktok_events.web._request import request_kind
from tiktok_events.web._tracking.server_event import PAGE_VIEW, complete_event, make_event, queue_event
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor.consent import Consent


def track_page_view(tracker: Tracker) -> None:
    """Track the view of the page that is being rendered, once per request.

    The pixel call is added at once. The server event is sent with the response, so a page that fails is not counted.
    """
    if not _is_page(tracker) or tracker.has_tracked(PAGE_VIEW):
        return
    event = make_event(PAGE_VIEW, {}, tracker, tracker.reserved_ids)
    tracked = tracker.track(event, server=False)
    if any(call.event_id == tracked.event_id for call in tracker.calls):
        calls = tracker.pending_calls()
        calls.insert(0, calls.pop())
    if tracked.reason is None:
        tracker.page_view = event
    if tracker.is_page_sent:
        _send(tracker)


def send_page_view(tracker: Tracker) -> None:
    """Send the page view of an HTML response with status 2xx, when its headers are sent."""
    if _is_page(tracker):
        # Also for a bot: a cache would serve the bot's page, which has no call, to visitors.
        tracker.is_page_sent = tracker.is_visitor_specific = True
        _send(tracker)


def _is_page(tracker: Tracker) -> bool:
    request, site = tracker.request, tracker.site
    if not site.page_views or request.method != "GET" or request_kind.is_fragment(request):
        return False
    return request_kind.is_navigation(request) and not site.excludes(request)


def _send(tracker: Tracker) -> None:
    event, tracker.page_view = tracker.page_view, None
    if event is not None and tracker.consent is Consent.GRANTED:
        queue_event(complete_event(event, tracker), tracker)
