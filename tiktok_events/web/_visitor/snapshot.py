"""What is known of a visitor, kept in the order's row for the payment webhook that comes without them."""

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
LARGEST = 2_000
_METADATA = "tiktok_{}"


class InvalidSnapshot(TikTokEventsError, ValueError):
    """A snapshot that was changed, is older than 28 days, or was signed with another secret."""


class Snapshot(str):
    """A visitor's context and consent: signed, at most 2,000 characters, good for 28 days and for any number of uses.

    It holds personal data (address, click id), so it belongs in the order's row and goes when the order is closed.
    """

    __slots__ = ()

    def as_metadata(self, limit: int = 500) -> dict[str, str]:
        """It in pieces of *limit* characters, for stores that take no more in one value; `resume` takes the mapping."""
        pieces = [self[start : start + limit] for start in range(0, len(self), limit)]
        return {_METADATA.format(index): piece for index, piece in enumerate(pieces)}

    def __repr__(self) -> str:
        return f"<Snapshot of {len(self)} characters>"


def pack(signer: Signer, context: Context, consent: Consent, *, now: float) -> Snapshot:
    """*context* and *consent*, to resume them elsewhere; empty without a secret, which is said once."""
    if not signer:
        log_once(
            "without a secret_key there are no snapshots: webhooks then know nothing of the visitor", logging.WARNING
        )
        return Snapshot()
    may_store = consent is not Consent.DENIED
    parts = {name: value for name, value in context.parts().items() if value and may_store}
    text = ""
    for dropped in ((), ("referrer",), ("referrer", "url"), ("referrer", "url", "user_agent")):
        kept = {name: value for name, value in parts.items() if name not in dropped}
        text = signer.sign([kept, consent.value], now=now)
        if len(text) <= LARGEST:
            break
    return Snapshot(text)


def unpack(signer: Signer, given: Any, *, now: float) -> tuple[Context, Consent]:
    """The context and consent in *given*, a snapshot or the mapping of its `as_metadata()`.

    Raises:
        InvalidSnapshot: When it is none, was changed, or is too old.
    """
    try:
        parts, consent = signer.unsign(_text(given), now=now, max_age=MAX_AGE)
        return Context(**parts), Consent(consent)
    except BadSignature as error:
        raise InvalidSnapshot(str(error)) from None
    except (TypeError, ValueError):
        raise InvalidSnapshot("holds something else") from None


def _text(given: Any) -> str:
    if isinstance(given, Mapping):
        pieces = (given.get(_METADATA.format(index)) for index in range(len(given)))
        return "".join(piece for piece in pieces if isinstance(piece, str))
    return given if isinstance(given, str) else ""
