"""A tracker for a visitor of an earlier request, for webhooks and tasks."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from tiktok_events._events.ids import UNSET, UnsetType
from tiktok_events._runtime.log_once import log_once
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._tracking.settings import SiteSettings
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor.consent import Answer, Consent, consent_of
from tiktok_events.web._visitor.context import Context
from tiktok_events.web._visitor.snapshot import InvalidSnapshot, unpack


def resumed(
    site: SiteSettings, snapshot: str | Mapping[str, str] | None, *, consent: Answer | UnsetType = UNSET
) -> Tracker:
    """A tracker with what *snapshot* holds; one without context, and a warning, when it cannot be read.

    Raises:
        TypeError: If *consent* is no answer.
        InvalidSnapshot: Where `site` is strict, when *snapshot* was changed or is too old.
    """
    request = WebRequest(method="POST")
    given = None if consent is UNSET else consent_of(consent)
    if given is None and consent is not UNSET:
        raise TypeError("consent must be True, False, None or a Consent")
    try:
        context, stored = unpack(site.snapshots, snapshot, now=site.clock())
    except InvalidSnapshot:
        if snapshot and site.is_strict(request):
            raise
        log_once("a snapshot could not be read: its events go without the visitor's context", logging.WARNING)
        context, stored = Context(), Consent.UNKNOWN
    return Tracker.resumed(site, request, context, given or stored)
