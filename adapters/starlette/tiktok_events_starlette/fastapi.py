"""The tracker of a request as a FastAPI dependency."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from tiktok_events.web import Tracker
from tiktok_events_starlette import tracker_from

__all__ = ["TrackerDep"]


async def _tracker(request: Request) -> Tracker:  # FastAPI runs a plain function in a thread
    return tracker_from(request)


TrackerDep = Annotated[Tracker, Depends(_tracker)]
"""Dependency for the `Tracker` of the request: `def view(tiktok: TrackerDep)`. It needs `TikTokEventsMiddleware`."""
