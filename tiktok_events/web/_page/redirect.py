"""Calls that no page rendered travel in a signed cookie to the next one."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from tiktok_events._runtime.log_once import log_once
from tiktok_events.web._page.pixel import Call
from tiktok_events.web._visitor.signing import BadSignature, Signer

MAX_AGE = 300
_LARGEST = 3_000
_KEPT = ("value", "currency", "content_type", "limited_data_use")
_KEPT_OF_ITEMS = ("content_id", "price", "quantity")


def redirect_cookie(signer: Signer, pending: Sequence[Call], *, now: float) -> str | None:
    """The value that carries the calls *pending* to the next page; None without a secret, or when it is too long.

    Name, id, value, currency, item ids, prices and quantities: what merges two copies, nothing about a person.
    """
    if not signer:
        log_once("without a secret_key, events of redirected requests lose their browser half", logging.WARNING)
        return None
    calls = [_packed(call, "contents") for call in pending]
    value = signer.sign(calls, now=now)
    if len(value) > _LARGEST:
        calls = [_packed(call) for call in pending]
        value = signer.sign(calls, now=now)
    while len(value) > _LARGEST and calls:
        calls = calls[1:]  # the newest is the one the next page is about
        value = signer.sign(calls, now=now)
    return value if calls else None


def calls_from_redirect(signer: Signer, values: Sequence[str], *, now: float) -> list[Call]:
    """The calls in a redirect cookie's *values*; an empty, old or tampered one is ignored quietly."""
    for value in values if signer else ():
        try:
            packed = signer.unsign(value, now=now, max_age=MAX_AGE)
            return [Call(name, event_id, params, keyed) for name, event_id, params, keyed in packed]
        except (BadSignature, ValueError, TypeError):
            continue
    return []


def merged(old: list[Call], new: list[Call]) -> list[Call]:
    """*old* and *new*, each name and id once."""
    return list({(call.event, call.event_id): call for call in (*old, *new)}.values())


def _packed(call: Call, contents: str = "") -> list[object]:
    params: dict[str, object] = {name: call.params[name] for name in _KEPT if name in call.params}
    if contents and call.params.get(contents):
        params["contents"] = [
            {name: item[name] for name in _KEPT_OF_ITEMS if name in item} for item in call.params["contents"]
        ]
    return [call.event, call.event_id, params, call.keyed]
