"""`Snapshot`: a visitor's context and consent as signed text, to store with an order for its payment webhook."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from tiktok_events._runtime.log_once import log_once
from tiktok_events.errors import TikTokEventsError
from tiktok_events.web._visitor.consent import Consent
from tiktok_events.web._visitor.context import Context
from tiktok_events.web._visitor.signing import BadSignature, Signer

MAX_AGE = 28 * 86_400
"""Seconds."""
MAX_LENGTH = 2_000
"""Characters."""
_METADATA_KEY = "tiktok_{}"


class InvalidSnapshot(TikTokEventsError, ValueError):
    """A snapshot that was changed, is older than 28 days, or was signed with another secret."""


class Snapshot(str):
    """A visitor's context and consent: signed, at most 2,000 characters, valid for 28 days and any number of uses.

    It holds personal data (address, click id), so store it with the order and delete it when the order is closed.
    """

    __slots__ = ()

    def as_metadata(self, limit: int = 500) -> dict[str, str]:
        """The snapshot in parts of *limit* characters, for stores with short values; `resume` takes the mapping."""
        parts = [self[start : start + limit] for start in range(0, len(self), limit)]
        return {_METADATA_KEY.format(index): part for index, part in enumerate(parts)}

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self)} characters>"


def make_snapshot(signer: Signer, context: Context, consent: Consent, *, now: float) -> Snapshot:
    """The snapshot of *context* and *consent*; empty without a secret, which is logged once."""
    if not signer:
        log_once(
            "set secret_key: without it snapshots are empty, and webhooks have no data of the visitor", logging.WARNING
        )
        return Snapshot()
    may_store = consent is not Consent.DENIED
    fields = {name: value for name, value in context.as_dict().items() if value and may_store}
    text = ""
    for dropped in ((), ("referrer",), ("referrer", "url"), ("referrer", "url", "user_agent")):
        remaining = {name: value for name, value in fields.items() if name not in dropped}
        text = signer.sign([remaining, consent.value], now=now)
        if len(text) <= MAX_LENGTH:
            break
    return Snapshot(text)


def read_snapshot(signer: Signer, snapshot: Any, *, now: float) -> tuple[Context, Consent]:
    """The context and consent in *snapshot*, or in the mapping of its `as_metadata()`.

    Raises:
        InvalidSnapshot: If it is not a snapshot, was changed, or is too old.
    """
    try:
        fields, consent = signer.unsign(_text(snapshot), now=now, max_age=MAX_AGE)
        return Context(**fields), Consent(consent)
    except BadSignature as error:
        raise InvalidSnapshot(str(error)) from None
    except (TypeError, ValueError):
        raise InvalidSnapshot("the value is not a snapshot") from None


def _text(snapshot: Any) -> str:
    if isinstance(snapshot, Mapping):
        parts = (snapshot.get(_METADATA_KEY.format(index)) for index in range(len(snapshot)))
        return "".join(part for part in parts if isinstance(part, str))
    return snapshot if isinstance(snapshot, str) else ""
