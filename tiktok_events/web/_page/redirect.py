"""The redirect cookie: the signed cookie that holds the calls of a redirect for the next page."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tiktok_events._runtime.log_once import log_once
from tiktok_events.web._page.pixel import Call
from tiktok_events.web._visitor.signing import BadSignature, Signer

MAX_AGE = 300
"""Seconds."""
_MAX_LENGTH = 3_000
_PARAMS = ("value", "currency", "content_type", "limited_data_use")
_ITEM_FIELDS = ("content_id", "price", "quantity")


def redirect_cookie_value(signer: Signer, pending: Sequence[Call], *, now: float) -> str | None:
    """The cookie value with the calls *pending*; None without a secret, or if it would be too long.

    It holds name, id, value, currency, item ids, prices and quantities, and no personal data.
    """
    if not signer:
        log_once("set secret_key: without it, events of requests that redirect have no pixel call", logging.WARNING)
        return None
    calls = [_as_list(call, with_items=True) for call in pending]
    value = signer.sign(calls, now=now)
    if len(value) > _MAX_LENGTH:
        calls = [_as_list(call, with_items=False) for call in pending]
        value = signer.sign(calls, now=now)
    while len(value) > _MAX_LENGTH and calls:
        calls = calls[1:]  # keep the newest call: it belongs to the next page
        value = signer.sign(calls, now=now)
    return value if calls else None


def calls_from_redirect(signer: Signer, values: Sequence[str], *, now: float) -> list[Call]:
    """The calls in a redirect cookie's *values*; an empty, old or changed one is ignored."""
    for value in values if signer else ():
        try:
            calls = signer.unsign(value, now=now, max_age=MAX_AGE)
            return [Call(name, event_id, params, keyed) for name, event_id, params, keyed in calls]
        except (BadSignature, ValueError, TypeError):
            continue
    return []


def merged(old: list[Call], new: list[Call]) -> list[Call]:
    """The calls of *old* and *new* without duplicates of name and id. The values of *new* win."""
    return list({(call.event, call.event_id): call for call in (*old, *new)}.values())


def _as_list(call: Call, *, with_items: bool) -> list[object]:
    params: dict[str, object] = {name: call.params[name] for name in _PARAMS if name in call.params}
    if with_items and call.params.get("contents"):
        params["contents"] = [
            {name: item[name] for name in _ITEM_FIELDS if name in item} for item in call.params["contents"]
        ]
    return [call.event, call.event_id, params, call.keyed]
