"""A naive `event_time`, as most database columns give it: read in the site's time zone, or a mistake that raises."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from web_requests import NOW, a_site, a_tracker, sent_by

import tiktok_events as tt

PAID_AT = datetime(2027, 1, 15, 7, 30)  # NOW is 2027-01-15 08:00 in UTC
HALF_AN_HOUR = 1800


@pytest.mark.parametrize(
    ("time_zone", "before_now"),
    [
        ({}, HALF_AN_HOUR),
        ({"time_zone": "UTC"}, HALF_AN_HOUR),
        ({"time_zone": UTC}, HALF_AN_HOUR),
        ({"time_zone": "Europe/Berlin"}, 3600 + HALF_AN_HOUR),
        ({"time_zone": ZoneInfo("Asia/Kolkata")}, 5.5 * 3600 + HALF_AN_HOUR),
        ({"time_zone": timezone(timedelta(hours=2))}, 2 * 3600 + HALF_AN_HOUR),
        ({"time_zone": "America/New_York"}, 0),  # 12:30 in UTC lies in the future
    ],
)
def test_it_is_read_in_the_time_zone_of_the_site(time_zone: dict[str, Any], before_now: float) -> None:
    """The event goes, never later than now, and with a problem of its own."""
    site = a_site(**time_zone)
    tracked = a_tracker(site).track("Purchase", key=1, event_time=PAID_AT)
    (event,) = sent_by(site)

    assert tracked.sent
    assert event.event_time == NOW - before_now
    assert [one.rule for one in event.problems] == ["event-time-naive"]


def test_it_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """With the setting that takes the guess away."""
    with caplog.at_level(logging.WARNING, "tiktok_events"):
        for key in (1, 2):
            a_tracker().track("Purchase", key=key, event_time=PAID_AT)

    assert [record.getMessage().count("Site(time_zone=...)") for record in caplog.records] == [1]


def test_a_snapshot_reads_it_too() -> None:
    """The webhook has the same column."""
    site = a_site(time_zone="Europe/Berlin")
    site.resume(a_tracker(site).snapshot()).track("Purchase", key=1, event_time=PAID_AT)

    assert sent_by(site)[0].event_time == NOW - 3600 - HALF_AN_HOUR


def test_strict_raises() -> None:
    """At the desk, the mistake is fixed."""
    with pytest.raises(ValueError, match="time zone"):
        a_tracker(a_site(strict=True)).track("Purchase", key=1, event_time=PAID_AT)


def test_aware_and_missing_times_have_no_problem() -> None:
    """Only a naive time is a guess; NaT is no time."""
    missing = pytest.importorskip("pandas").NaT
    site = a_site(time_zone="Asia/Tokyo")
    for event_time in (PAID_AT.replace(tzinfo=UTC), int(NOW), None, missing):
        a_tracker(site).track("Purchase", event_time=event_time)

    assert [event.event_time for event in sent_by(site)] == [NOW - HALF_AN_HOUR, NOW, NOW, NOW]
    assert all(not event.problems for event in sent_by(site))


@pytest.mark.parametrize("bad", ["Mars/Olympus", "", 5, None, "../etc/passwd", "/etc/localtime"])
def test_a_wrong_zone_is_refused(bad: Any) -> None:
    """When the site is made."""
    with pytest.raises(tt.ConfigurationError, match="time_zone"):
        a_site(time_zone=bad)
