"""Make a tracker from the snapshot of an earlier request, for webhooks and tasks."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from tiktok_events._events.ids import UNSET, UnsetType
from tiktok_events._runtime.log_once import log_once
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._tracking.settings import SiteSettings
from tiktok_events.web._tracking.tracker import Tracker
from tiktok_events.web._visitor.consent import Consent, ConsentValue, to_consent
from tiktok_events.web._visitor.context import Context
from tiktok_events.web._visitor.snapshot import InvalidSnapshot, read_snapshot


def resume_tracker(
    site: SiteSettings, snapshot: str | Mapping[str, str] | None, *, consent: ConsentValue | UnsetType = UNSET
) -> Tracker:
    """A tracker with the context of *snapshot*; without context, and with a warning, if it cannot be read.

    Raises:
        TypeError: If *consent* is not True, False, None or a `Consent`.
        InvalidSnapshot: With `strict`, if *snapshot* was changed or is too old.
    """
    request = WebRequest(method="POST")
    override = None if consent is UNSET else to_consent(consent)
    if override is None and consent is not UNSET:
        raise TypeError("consent must be True, False, None or a Consent")
    try:
        context, stored = read_snapshot(site.snapshot_signer, snapshot, now=site.clock())
    except InvalidSnapshot:
        if snapshot and site.is_strict(request):
            raise
        log_once("a snapshot could not be read: its events are sent without the visitor's context", logging.WARNING)
        context, stored = Context(), Consent.UNKNOWN
    return Tracker.resumed(site, request, context, override or stored)
