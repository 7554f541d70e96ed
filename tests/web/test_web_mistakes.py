"""Mistakes and failures in a view: they raise if the site is strict; otherwise they are logged."""

from __future__ import annotations

import logging
from hashlib import sha256
from typing import Any

import markers
import pytest
from marker_hook import raises
from web_requests import a_request, a_site, a_tracker, sent_by

import tiktok_events as tt


def test_strict_raises_where_a_shop_logs() -> None:
    """3.1: in tests and debug mode a mistake is an exception."""
    tracker = a_tracker(a_site(strict=True))

    for fields in ({"key": None}, {"valu": 1}, {"event_time": "now"}):
        with raises((TypeError, ValueError)):
            tracker.track("Purchase", **fields)
    with raises(tt.EventValidationError):
        tracker.track("Purchase", user={"phone": markers.LOCAL_PHONE})
    with raises(TypeError):
        tracker.track(tt.Event("Purchase"), key=1)
    with raises(TypeError):
        tracker.identify(mail=markers.EMAIL)


@pytest.mark.parametrize(
    "fields", [{"key": None}, {"valu": 1}, {"event_time": "now"}, {"properties": {"value": float("nan")}}]
)
@pytest.mark.parametrize("server", [True, False])
def test_a_mistake_is_dropped_and_logged_once(
    fields: dict[str, Any], server: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """3.1: no view fails, and neither half is sent without the other."""
    site = a_site()
    tracker = a_tracker(site)
    with caplog.at_level(logging.INFO, "tiktok_events"):
        tracked = [tracker.track("Purchase", server=server, **fields) for _ in range(3)]

    assert [(one.sent, one.reason, one.payload) for one in tracked] == [(False, "invalid", None)] * 3
    assert sent_by(site) == tracker.calls == []
    assert len(caplog.records) <= 1


def test_an_object_that_is_no_event_is_not_logged() -> None:
    """A user in place of the event is dropped, and its values are in no log."""
    tracked = a_tracker().track({"email": markers.EMAIL})  # type: ignore[arg-type]

    assert repr(tracked) == "Tracked('', sent=False, reason='invalid')"


def test_an_invalid_identifier_is_left_out_and_the_event_sent(caplog: pytest.LogCaptureFixture) -> None:
    """3.1: invalid input loses its identifier, not the event."""
    site = a_site()
    tracked = a_tracker(site).track("Purchase", key=1, user={"phone": markers.LOCAL_PHONE, "email": markers.EMAIL})
    (event,) = sent_by(site)

    assert tracked.sent
    assert event.user is not None
    assert (event.user.phone, event.user.email) == (None, sha256(markers.EMAIL.encode()).hexdigest())


class Broken:
    """A client whose `track` raises."""

    def __init__(self, message: str = markers.EMAIL) -> None:
        self.message = message

    def track(self, *events: tt.Event) -> None:
        raise ConnectionError(self.message)


class Full:
    """A background client whose outbox is full."""

    def track(self, *events: tt.Event) -> int:
        return 0


def test_a_client_that_fails_does_not_fail_the_page(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For any exception the view goes on and no value is logged; the pixel call is still rendered."""
    monkeypatch.setattr("tiktok_events._runtime.log_once._repeats", {})
    tracked = a_tracker(a_site(client=Broken())).track("Purchase", key=1)
    full = a_tracker(a_site(client=Full())).track("Purchase", key=1)

    assert [(one.sent, one.reason) for one in (tracked, full)] == [(False, None)] * 2
    assert tracked.payload is not None
    assert [record.getMessage() for record in caplog.records] == ["an event was not queued: ConnectionError"]
    with raises(ConnectionError):
        a_tracker(a_site(client=Broken("no queue"), strict=True)).track("Purchase", key=1)


def test_an_exclude_that_raises_excludes() -> None:
    """Tracking must not fail a response."""

    def failing(request: object) -> bool:
        raise RuntimeError(markers.EMAIL)

    site = a_site(exclude=failing)

    assert site.excludes(a_request())
    assert site.excludes(a_request(path="/logo.png"))
    assert not a_site(exclude=lambda request: False).excludes(a_request())
