"""`Tracked`: the result of one `track` call."""

from __future__ import annotations

from typing import Any, Literal

from tiktok_events.web._page.markup import Markup
from tiktok_events.web._page.pixel import Call, payload, render_calls

Reason = Literal["consent", "off", "invalid", "bot", "repeat"]
"""Why a server event was not sent."""


class Tracked:
    """The result of one `track` call. It is not a string, so that no markup leaks into JSON responses and logs.

    `event` is the name of the event and `event_id` its id. `sent` is True if the server event was queued; otherwise
    `reason` is "consent", "off", "invalid", "bot" or "repeat" (the name and key were queued before). Reading `payload` or `script` counts as rendering the pixel call.
    """

    __slots__ = ("_call", "_tracker", "event", "event_id", "reason", "sent")

    def __init__(
        self, event: str, event_id: str | None, *, sent: bool, reason: Reason | None, call: Call | None, tracker: Any
    ) -> None:
        self.event = event
        self.event_id = event_id
        self.sent = sent
        self.reason: Reason | None = reason
        self._call = call
        self._tracker = tracker

    @property
    def payload(self) -> dict[str, Any] | None:
        """The matching pixel call as a JSON-ready dict, for a response that is not a page; None if there is none."""
        return payload(self._rendered()) if self._call is not None else None

    @property
    def script(self) -> Markup:
        """The matching pixel call as markup; empty if there is none."""
        if self._call is None:
            return Markup()
        return render_calls(calls=[self._rendered()], generated_at_ms=int(self._tracker.site.clock() * 1000))

    def __bool__(self) -> bool:
        return self.sent

    def __repr__(self) -> str:
        return f"Tracked({self.event!r}, sent={self.sent}, reason={self.reason!r})"

    def _rendered(self) -> Call:
        assert self._call is not None
        self._tracker.mark_rendered(self._call)
        return self._call
