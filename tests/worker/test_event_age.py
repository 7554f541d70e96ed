"""`max_event_age`: what happened too long ago is a dead letter, is counted and said, and never sent."""

from __future__ import annotations

import logging

import pytest

import tiktok_events as tt

HOUR = 3_600
NOW = 1_800_000_000


def events():
    """One of each age, by hours."""
    return [tt.Event("Purchase", event_id=f"h{hours}", event_time=NOW - hours * HOUR) for hours in (0, 47, 48, 49, 90)]


def ids(found):
    """The event ids of dead letters or results."""
    return [getattr(one, "record", one).event_id for one in found]


@pytest.mark.parametrize(
    ("age", "delivered"),
    [(None, ["h0", "h47", "h48", "h49", "h90"]), (48 * HOUR, ["h0", "h47", "h48"]), (HOUR, ["h0"])],
)
def test_old_events_are_dead_letters(tiktok, caplog, age, delivered):
    """In whatever batch they are; those before the limit are delivered with their neighbours."""
    outbox, results = tt.MemoryOutbox(), []
    client = tiktok.client()
    tt.BackgroundClient(client, outbox, deliver=False).track(*events())
    with caplog.at_level(logging.WARNING):
        worker = tt.Worker(outbox, client, max_event_age=age, wall_clock=lambda: NOW, on_results=results.extend)
        worker.drain_once()
    refused = [one for one in results if one.status == "rejected"]

    assert [event["event_id"] for event in tiktok.events] == delivered
    assert ids(outbox.dead()) == ids(refused) == [name for name in ids(events()) if name not in delivered]
    assert all("max_event_age" in one.message for one in refused)
    assert bool(refused) is ("dead letters" in caplog.text)
    assert outbox.depth() == 0


def test_a_background_client_counts_them(tiktok):
    """As rejected, with the hook; `flush` does not wait for them."""
    rejected = []
    background = tt.BackgroundClient(tiktok.client(), max_event_age=HOUR, on_rejected=rejected.extend)
    background.track(
        tt.Event("Purchase", event_id="old", event_time=NOW - 900 * 86_400), tt.Event("Lead", event_id="new")
    )

    assert background.close() == 0
    assert (background.stats().delivered, background.stats().rejected) == (1, 1)
    assert ids(rejected) == ["old"]
    assert [event["event_id"] for event in tiktok.events] == ["new"]


def test_data_of_another_encoder_is_delivered(tiktok):
    """Without a time that can be read nothing is held back."""
    outbox = tt.MemoryOutbox()
    client = tiktok.client()
    route = client.source.route
    data = [b'{"event":"Lead"}', b'{"event":"Lead","event_time":"1"}', b'{"event":"Lead","event_time":true}']
    outbox.put([tt.Record(*route, f"e{n}", one) for n, one in enumerate(data)])
    tt.Worker(outbox, client, max_event_age=HOUR).drain_once()

    assert len(tiktok.events) == 3
    assert not outbox.dead()


@pytest.mark.parametrize("age", [0, -1])
def test_the_age_is_positive(tiktok, age):
    """A worker that delivers nothing is a mistake."""
    with pytest.raises(ValueError, match="max_event_age"):
        tt.Worker(tt.MemoryOutbox(), tiktok.client(), max_event_age=age)
