"""What is known of a visitor, kept in the order's row for the payment webhook that comes without them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from tiktok_events._ids import UNSET, UnsetType
from tiktok_events.errors import TikTokEventsError
from tiktok_events.web._consent import Answer, Consent, consent_of, say_once
from tiktok_events.web._context import Context
from tiktok_events.web._request import WebRequest
from tiktok_events.web._signing import BadSignature
from tiktok_events.web._site import Site
from tiktok_events.web._tracker import Tracker

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


def snapshot(tracker: Tracker) -> Snapshot:
    """What *tracker* knows, to resume it elsewhere; empty without a secret, which is said once."""
    signer = tracker.site.snapshots
    if not signer:
        say_once(
            "without a secret_key there are no snapshots: webhooks then know nothing of the visitor", logging.WARNING
        )
        return Snapshot()
    told = tracker.consent is not Consent.DENIED  # who refused is kept nowhere
    parts = {name: value for name, value in tracker.context.parts().items() if value and told}
    text = ""
    for dropped in ((), ("referrer",), ("referrer", "url"), ("referrer", "url", "user_agent")):
        kept = {name: value for name, value in parts.items() if name not in dropped}
        text = signer.sign([kept, tracker.consent.value], now=tracker.site.clock())
        if len(text) <= LARGEST:
            break
    return Snapshot(text)


def resume(site: Site, given: str | Mapping[str, str] | None, *, consent: Answer | UnsetType = UNSET) -> Tracker:
    """A tracker with the context that *given* holds; one without context, and a warning, when it cannot be read.

    Raises:
        TypeError: If *consent* is no answer.
        InvalidSnapshot: With `Site(strict=True)`, when *given* was changed or is too old.
    """
    request = WebRequest(method="POST")
    said = None if consent is UNSET else consent_of(consent)
    if said is None and consent is not UNSET:
        raise TypeError("consent must be True, False, None or a Consent")
    try:
        parts, told = site.snapshots.unsign(_text(given), now=site.clock(), max_age=MAX_AGE)
        return Tracker(site, request, context=Context(**parts), consent=said or Consent(told))
    except (BadSignature, TypeError, ValueError) as error:
        if site.strict and given:
            raise InvalidSnapshot(str(error)) from None
        say_once("a snapshot could not be read: its events go without the visitor's context", logging.WARNING)
        return Tracker(site, request, context=Context(), consent=said or Consent.UNKNOWN)


def _text(given: Any) -> str:
    if isinstance(given, Mapping):
        pieces = (given.get(_METADATA.format(index)) for index in range(len(given)))
        return "".join(piece for piece in pieces if isinstance(piece, str))
    return given if isinstance(given, str) else ""
