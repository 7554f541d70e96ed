"""A tracker for a visitor of an earlier request, for webhooks and tasks."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from tiktok_events._ids import UNSET, UnsetType
from tiktok_events.web._consent import Answer, Consent, consent_of, say_once
from tiktok_events.web._context import Context
from tiktok_events.web._request import WebRequest
from tiktok_events.web._site import Site
from tiktok_events.web._snapshot import InvalidSnapshot, unpack
from tiktok_events.web._tracker import Tracker


def resumed(site: Site, snapshot: str | Mapping[str, str] | None, *, consent: Answer | UnsetType = UNSET) -> Tracker:
    """A tracker with what *snapshot* holds; one without context, and a warning, when it cannot be read.

    Raises:
        TypeError: If *consent* is no answer.
        InvalidSnapshot: Where `site` is strict, when *snapshot* was changed or is too old.
    """
    request = WebRequest(method="POST")
    said = None if consent is UNSET else consent_of(consent)
    if said is None and consent is not UNSET:
        raise TypeError("consent must be True, False, None or a Consent")
    try:
        context, told = unpack(site.snapshots, snapshot, now=site.clock())
    except InvalidSnapshot:
        if snapshot and site.is_strict(request):
            raise
        say_once("a snapshot could not be read: its events go without the visitor's context", logging.WARNING)
        context, told = Context(), Consent.UNKNOWN
    return Tracker.of_earlier(site, request, context, said or told)
