"""Event times as webhooks, exports and other libraries have them."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from foreign_values import value_of

import tiktok_events as tt

SECONDS = 1_795_170_600  # 2026-11-20T10:30:00Z
TIMES = [
    (SECONDS, SECONDS),
    (SECONDS + 0.9, SECONDS),
    (SECONDS * 1000, SECONDS),
    (SECONDS * 1000.0 + 999, SECONDS),
    (SECONDS * 10**6, SECONDS),
    (SECONDS * 10**9, SECONDS),
    (Decimal(SECONDS), SECONDS),
    (Fraction(SECONDS), SECONDS),
    (str(SECONDS), SECONDS),
    (f"{SECONDS}.75", SECONDS),
    (f"{SECONDS}000", SECONDS),
    (f"{SECONDS}000000", SECONDS),
    (f" {SECONDS} ", SECONDS),
    ("2026-11-20T10:30:00Z", SECONDS),
    ("2026-11-20T10:30:00.123456Z", SECONDS),
    ("2026-11-20 10:30:00Z", SECONDS),
    ("2026-11-20T10:30Z", SECONDS),
    ("20261120T103000Z", SECONDS),
    ("2026-11-20T05:30:00-05:00", SECONDS),
    ("2026-11-20T05:30:00-0500", SECONDS),
    ("2026-11-20T12:30:00+02", SECONDS),
    ("2026-11-20 12:30:00 +02:00", SECONDS),
    ("2026-11-20 10:30:00 UTC", SECONDS),
    ("2026-11-20T16:00:00+05:30", SECONDS),
    ("Fri, 20 Nov 2026 10:30:00 GMT", SECONDS),
    ("Fri, 20 Nov 2026 05:30:00 -0500", SECONDS),
    ("20 Nov 2026 11:30:00 +0100", SECONDS),
    (datetime(2026, 11, 20, 10, 30, tzinfo=UTC), SECONDS),
]


@pytest.mark.parametrize(("given", "seconds"), TIMES, ids=str)
def test_times_as_webhooks_carry_them(given, seconds):
    """Text with an offset, and Unix time in any unit."""
    event = tt.Event("Purchase", event_time=given)

    assert event.event_time == seconds
    assert tt.check(event, tt.EventSource.offline("7002", "token"), now=seconds + 60)  # the time is not missing
    assert "event-time-missing" not in {
        one.rule for one in tt.check(event, tt.EventSource.offline("7002", "token"), now=seconds + 60)
    }


@pytest.mark.parametrize("expression", ["pandas.Timestamp('2026-11-20T10:30:00Z')", "numpy.int64(1795170600000)"])
def test_times_of_pandas(expression):
    """An aware timestamp, and a number of a column."""
    assert tt.Event("Purchase", event_time=value_of(expression)).event_time == SECONDS


@pytest.mark.parametrize("expression", ["pandas.NaT", "pandas.NA"])
def test_a_missing_time_is_now_or_an_error(expression):
    """Offline events need their time."""
    event = tt.Event("Purchase", event_time=value_of(expression))

    problems = tt.check(event, tt.EventSource.offline("7002", "token"))
    assert "event-time-missing" in {one.rule for one in problems}


NOT_TIMES = [
    "2026-11-20T10:30:00",
    "2026-11-20",
    "Fri, 20 Nov 2026 10:30:00",
    "Fri, 20 Nov 2026 10:30:00 -0000",
    "20261120",
    "11/20/2026 10:30",
    "20.11.2026 10:30",
    "yesterday",
    "",
    "-5",
    "2026-13-01T00:00:00Z",
    "9" * 25,
]


@pytest.mark.parametrize("given", NOT_TIMES)
def test_a_time_is_never_guessed(given):
    """Text without an offset may be hours off; the message does not show it."""
    with pytest.raises(ValueError, match="event_time") as raised:
        tt.Event("Purchase", event_time=given)

    assert not given or given not in str(raised.value)


@pytest.mark.parametrize("expression", ["pandas.Timestamp('2026-11-20T10:30:00')", "datetime.datetime(2026, 11, 20)"])
def test_a_naive_datetime_names_the_fix(expression):
    """It may be hours off, too."""
    with pytest.raises(ValueError, match="time zone"):
        tt.Event("Purchase", event_time=value_of(expression))
