"""Lines about received events in the terminal: one for each as it comes, and one for each new finding."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tiktok_events.cli.console import clean

_FINDINGS_EVERY = 1.0
_SIGNS = {"error": "✗", "warning": "!", "hint": "i"}


class EventLines:
    """Print events of the manager at *url* with *echo*, from a thread: a terminal that is stopped blocks no request.

    *findings* returns the findings of now.
    """

    def __init__(
        self, echo: Callable[[str], object], url: str, findings: Callable[[], Sequence[dict[str, Any]]]
    ) -> None:
        self._echo, self._url, self._findings = echo, url, findings
        self._events: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._shown: set[tuple[str, str]] = set()
        threading.Thread(target=self._run, name="event lines", daemon=True).start()

    def add(self, events: Sequence[dict[str, Any]]) -> None:
        """Print *events*, each as in `GET /api/events`, soon."""
        for event in events:
            self._events.put(event)

    def _run(self) -> None:
        must_look, looked_at = False, 0.0
        while True:
            try:
                event = self._events.get(timeout=_FINDINGS_EVERY if must_look else None)
                self._echo(line_of(event, self._url))
                must_look = True
            except queue.Empty:
                must_look = False
                looked_at = 0.0
            if time.monotonic() - looked_at > _FINDINGS_EVERY:
                looked_at = time.monotonic()
                self._show_findings()

    def _show_findings(self) -> None:
        open_now = {(one["id"], one["title"]): one for one in self._findings() if one["state"] == "open"}
        for name in open_now.keys() - self._shown:
            one = open_now[name]
            self._echo(f"  {_SIGNS[one['severity']]} {clean(one['title'])}. {clean(one['fix'], 300)}")
        self._shown = set(open_now)


def line_of(event: dict[str, Any], url: str) -> str:
    """One event: time, name, channel, value, what became of it, and its page."""
    value = "" if event["value"] is None else f"{event['value']:,.2f} {event['currency'] or ''}"
    clock = time.strftime("%H:%M:%S", time.localtime(event["received_at"]))
    name = clean(event["event"] or "(request)", 24)
    return f"{clock}  {name:<24} {event['channel']:<8} {clean(value, 16):>16}  {_outcome(event):<28} {url}/events/{event['id']}"


def _outcome(event: dict[str, Any]) -> str:
    if event["outcome"] == "rejected":
        return f"rejected: {event['code']}"
    if event["outcome"] in ("merged", "dropped"):
        what = "merged with" if event["outcome"] == "merged" else "duplicate of"
        return f"{what} #{event['first']}"
    if event["test_event_code"] is not None:
        return "test event, not counted"
    warnings = sum(problem["severity"] == "warning" for problem in event["problems"])
    return "counted" + (f", {warnings} warning{'s' if warnings > 1 else ''}" if warnings else "")
