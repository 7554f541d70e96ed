"""Calls that no page rendered travel in a signed cookie to the next one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tiktok_events.web import _cookies as cookies
from tiktok_events.web._consent import say_once
from tiktok_events.web._pixel import Call
from tiktok_events.web._signing import BadSignature

if TYPE_CHECKING:
    from tiktok_events.web._tracker import Tracker

MAX_AGE = 300
_LARGEST = 3_000
_KEPT = ("value", "currency", "content_type")
_KEPT_OF_ITEMS = ("content_id", "price", "quantity")


def redirect_cookie(tracker: Tracker) -> str | None:
    """The value that carries *tracker*'s calls to the next page; None without a secret, or when it is too long.

    Name, id, value, currency, item ids, prices and quantities: what merges two copies, nothing about a person.
    """
    signer = tracker.site.redirects
    if not signer:
        say_once("without a secret_key, events of redirected requests lose their browser half", 30)
        return None
    calls = [_packed(call) for call in tracker.calls]
    value = signer.sign(calls, now=tracker.site.clock())
    while len(value) > _LARGEST and calls:
        for packed in calls:
            packed[2].pop("contents", None)
        value = signer.sign(calls, now=tracker.site.clock())
        calls = calls[:-1] if len(value) > _LARGEST else calls
    return value if len(value) <= _LARGEST else None


def carried_calls(tracker: Tracker) -> list[Call]:
    """The calls in the request's redirect cookie; an empty, old or tampered one is ignored quietly."""
    signer = tracker.site.redirects
    values = tracker.request.all_cookies.get(cookies.REDIRECT_COOKIE, ())
    for value in values if signer else ():
        try:
            packed = signer.unsign(value, now=tracker.site.clock(), max_age=MAX_AGE)
            return [Call(name, event_id, params, keyed) for name, event_id, params, keyed in packed]
        except (BadSignature, ValueError, TypeError):
            continue
    return []


def _packed(call: Call) -> list[object]:
    params: dict[str, object] = {name: call.params[name] for name in _KEPT if name in call.params}
    if call.params.get("contents"):
        params["contents"] = [
            {name: item[name] for name in _KEPT_OF_ITEMS if name in item} for item in call.params["contents"]
        ]
    return [call.event, call.event_id, params, call.keyed]
