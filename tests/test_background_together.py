"""Which events share a request: what waits goes at once, and what comes quickly goes together."""

import time

import pytest
from clocks import until

import tiktok_events as tt
from tiktok_events._delivery import delivery_thread as _delivery_thread


def event(name):
    """One event."""
    return tt.Event("Purchase", event_id=name)


def test_events_that_keep_coming_share_requests(tiktok):
    """Those of 10 ms: a hundred requests a second at the most, however fast TikTok answers."""
    begun = time.monotonic()
    with tt.BackgroundClient(tiktok.client()) as background:
        for number in range(200):
            background.track(event(f"e{number}"))
            time.sleep(0.001)
        requests, lasted = len(tiktok.requests), time.monotonic() - begun

    assert requests <= lasted / 0.01 + 1
    assert len(tiktok.events) == 200


@pytest.fixture
def long(monkeypatch):
    """Events are gathered for a minute."""
    monkeypatch.setattr(_delivery_thread, "_GATHER", 60.0)


def test_an_event_alone_goes_at_once(tiktok, long):
    """Nothing is gathered before a request, only after it."""
    background = tt.BackgroundClient(tiktok.client())
    background.track(event("e0"))
    until(lambda: tiktok.requests)

    assert background.close() == 0


def test_flush_waits_for_no_others(tiktok, long):
    """Nor does closing, which the thread does not outlive."""
    background = tt.BackgroundClient(tiktok.client())
    background.track(event("e0"))
    until(lambda: background.stats().delivered)
    background.track(event("e1"))

    assert background.flush(5) == 0
    background.track(event("e2"))
    assert background.close(5) == 0
    assert [one["event_id"] for one in tiktok.events] == ["e0", "e1", "e2"]


def test_a_full_request_is_followed_at_once(tiktok, long):
    """A backlog is not slowed down."""
    outbox = tt.MemoryOutbox()
    source = tiktok.client().source
    outbox.put([tt.Record(*source.route, f"e{number}", b"{}") for number in range(2_500)])
    background = tt.BackgroundClient(tiktok.client(), outbox)
    background.track(event("last"))
    until(lambda: len(tiktok.events) == 2_501)

    assert background.close() == 0
    assert [len(request.events) for request in tiktok.requests] == [1_000, 1_000, 501]
