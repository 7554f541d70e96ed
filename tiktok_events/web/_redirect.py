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
_KEPT = ("value", "currency", "content_type", "limited_data_use")
_KEPT_OF_ITEMS = ("content_id", "price", "quantity")


def redirect_cookie(tracker: Tracker) -> str | None:
    """The value that carries *tracker*'s calls to the next page; None without a secret, or when it is too long.

    Name, id, value, currency, item ids, prices and quantities: what merges two copies, nothing about a person.
    """
    signer = tracker.site.redirects
    if not signer:
        say_once("without a secret_key, events of redirected requests lose their browser half", 30)
        return None
    waiting = tracker.calls if tracker.carried else joined(carried_calls(tracker), tracker.calls)
    calls = [_packed(call, "contents") for call in waiting]
    value = signer.sign(calls, now=tracker.site.clock())
    if len(value) > _LARGEST:
        calls = [_packed(call) for call in waiting]
        value = signer.sign(calls, now=tracker.site.clock())
    while len(value) > _LARGEST and calls:
        calls = calls[1:]  # the newest is the one the next page is about
        value = signer.sign(calls, now=tracker.site.clock())
    return value if calls else None


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


def joined(old: list[Call], new: list[Call]) -> list[Call]:
    """*old* and *new*, each name and id once."""
    return list({(call.event, call.event_id): call for call in (*old, *new)}.values())


def _packed(call: Call, contents: str = "") -> list[object]:
    params: dict[str, object] = {name: call.params[name] for name in _KEPT if name in call.params}
    if contents and call.params.get(contents):
        params["contents"] = [
            {name: item[name] for name in _KEPT_OF_ITEMS if name in item} for item in call.params["contents"]
        ]
    return [call.event, call.event_id, params, call.keyed]
