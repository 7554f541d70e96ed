"""Delivering from a thread: `track` returns at once, never raises for an event, and nothing is lost in silence."""

import logging
import threading
import time

import httpx
import markers
import pytest
import servers
from marker_hook import raises

import tiktok_events as tt
from tiktok_events.testing import SOURCE


def events(number):
    """Events e0, e1 and so on."""
    return [tt.Event("Purchase", event_id=f"e{n}", user={"email": markers.EMAIL}) for n in range(number)]


def threads():
    """The delivery threads that live."""
    return [thread for thread in threading.enumerate() if thread.name == "tiktok-events"]


@pytest.fixture
def background(tiktok):
    """A background client of the fake TikTok, closed afterwards."""
    with tt.BackgroundClient(tiktok.client()) as client:
        yield client


def test_what_is_tracked_is_delivered(background, tiktok):
    """The count says what was queued, `flush` what is left."""
    assert background.track(*events(3)) == 3
    assert background.flush(5) == 0
    assert [event["event_id"] for event in tiktok.events] == ["e0", "e1", "e2"]
    stats = background.stats()
    assert (stats.queued, stats.delivered, stats.waiting) == (3, 3, 0)
    assert stats.problems == {"page-url-missing": 3, "value-missing": 3, "contents-missing": 3}


def test_the_thread_starts_with_the_first_event(background):
    """Not before: an import or an unused client costs nothing."""
    assert threads() == []
    background.track(*events(1))

    assert len(threads()) == 1


def test_closing_ends_the_thread_and_can_be_repeated(background, tiktok):
    """And `track` starts it again."""
    background.track(*events(1))
    assert background.close() == 0
    assert background.close() == 0
    assert threads() == []

    background.track(*events(1))
    assert background.close() == 0
    assert threads() == []
    assert len(tiktok.events) == 2


def test_an_unused_client_closes(tiktok):
    """At once, without a thread."""
    background = tt.BackgroundClient(tiktok.client())

    assert background.flush() == 0
    assert background.close() == 0
    assert background.stats() == tt.Stats()


def test_without_delivering_it_only_puts(tiktok):
    """A worker elsewhere delivers."""
    outbox = tt.MemoryOutbox()
    background = tt.BackgroundClient(tiktok.client(), outbox, deliver=False)
    background.track(*events(2))
    assert background.flush(5) == 2
    assert threads() == []
    assert tiktok.requests == []

    assert tt.Worker(outbox, tiktok.client()).drain_once() == 2
    assert background.close() == 0


def test_a_full_outbox_drops_and_counts(tiktok, caplog):
    """Nothing is raised, and it is said how many."""
    background = tt.BackgroundClient(tiktok.client(), tt.MemoryOutbox(max_events=3), deliver=False)

    assert background.track(*events(2)) == 2
    assert background.track(*events(2)) == 0
    assert background.track(*events(1)) == 1
    stats = background.stats()
    assert (stats.queued, stats.dropped, stats.waiting) == (3, 2, 3)
    assert "2 events dropped: the outbox has no room: it holds 2 events" in caplog.text


class Broken(tt.MemoryOutbox):
    """An outbox whose disk is gone."""

    def put(self, records):
        raise OSError("disk gone")


def test_a_broken_outbox_drops_and_counts(tiktok, caplog):
    """No error of an outbox reaches the request that tracked."""
    background = tt.BackgroundClient(tiktok.client(), Broken())

    assert background.track(*events(2)) == 0
    assert background.stats().dropped == 2
    assert "2 events dropped: the outbox failed" in caplog.text


class Stumbling(tt.MemoryOutbox):
    """An outbox that fails once."""

    stumbles = 1

    def claim(self, limit, *, lease, routes):
        if self.stumbles:
            self.stumbles -= 1
            raise OSError("busy")
        return super().claim(limit, lease=lease, routes=routes)


def test_the_thread_survives_a_stumble(tiktok, caplog):
    """The events are kept, it is logged, and the next try delivers."""
    with tt.BackgroundClient(tiktok.client(), Stumbling()) as background:
        background.track(*events(1))
        assert background.flush(5) == 0

    assert "delivery failed; the events are kept" in caplog.text
    assert len(tiktok.events) == 1


def test_each_rule_is_logged_once(background, caplog):
    """And counted every time."""
    bad = [tt.Event("Purchase", user={"email": "zzpii"}, page={"url": "https://shop.example/"}) for _ in range(3)]
    background.track(*bad)

    told = [record.getMessage() for record in caplog.records if "email-malformed" in record.getMessage()]
    assert len(told) == 1
    assert background.stats().problems["email-malformed"] == 3


def test_warnings_are_no_noise(background, caplog):
    """They are logged as information, faults as warnings."""
    background.track(*events(1))
    background.track(tt.Event("Purchase", properties={"value": "zzpii"}))
    told = [
        (record.levelno, record.getMessage()) for record in caplog.records if "properties.value" in record.getMessage()
    ]

    assert [level for level, _ in told] == [logging.INFO, logging.WARNING]
    assert "(value-missing)" in told[0][1]
    assert told[1][1].startswith("event dropped: properties.value: is not a number (value-malformed)")


def test_a_refused_event_is_counted(background, tiktok):
    """Its neighbours are delivered, and it is a dead letter."""
    refusal = {"code": 40002, "message": "data.1.event is invalid"}
    tiktok.answers(*[lambda request: httpx.Response(200, json=refusal)] * 2)
    background.track(*events(3))
    background.flush(5)

    stats = background.stats()
    assert (stats.delivered, stats.rejected, stats.partial) == (2, 1, 0)
    assert [letter.record.event_id for letter in background.outbox.dead()] == ["e1"]


def test_a_partial_success_is_counted(background, tiktok):
    """As such."""
    tiktok.answers(20001)
    background.track(*events(2))
    background.flush(5)

    assert (background.stats().partial, background.stats().delivered) == (2, 0)


def test_flush_gives_up_in_time(tiktok):
    """What must wait longer is left, and counted."""
    tiktok.answers(*[40105] * 9)
    background = tt.BackgroundClient(tiktok.client())
    background.track(*events(2))
    begun = time.monotonic()

    assert background.flush(0.1) == 2
    assert background.close(0.1) == 2
    assert time.monotonic() - begun < 2
    assert threads() == []
    assert background.stats().waiting == 2


def test_closing_does_not_wait_for_a_slow_answer():
    """The thread that is in a request ends by itself afterwards, and no second one is left."""
    release = threading.Event()

    def slowly(handler):
        release.wait(5)
        servers.answer_ok(handler)

    with servers.listening(slowly) as tiktok:
        background = tt.BackgroundClient(tt.Client(SOURCE, base_url=tiktok.url))
        background.track(*events(1))
        begun = time.monotonic()
        assert background.close(0.2) == 1
        assert time.monotonic() - begun < 2
        (thread,) = threads()
        release.set()
        thread.join(5)

        assert not thread.is_alive()


def test_many_threads_track(background, tiktok):
    """Every event arrives once."""
    made = [[tt.Event("Purchase", event_id=f"{thread}-{n}") for n in range(100)] for thread in range(8)]
    workers = [
        threading.Thread(target=lambda own: [background.track(event) for event in own], args=(own,)) for own in made
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert background.flush(10) == 0
    assert sorted(event["event_id"] for event in tiktok.events) == sorted(
        event.event_id for own in made for event in own
    )
    assert background.stats().delivered == 800


def test_keyed_events_get_their_id_when_queued(background, tiktok):
    """The id that the page and every other process make."""
    background.track(tt.Event("Purchase", key=1001))
    background.flush(5)

    assert tiktok.events[0]["event_id"] == tt.event_id("Purchase", 1001)


def test_what_is_no_event_is_a_mistake_in_code(background):
    """It raises, and nothing of the call is queued."""
    with raises(TypeError):
        background.track(*events(1), "Purchase")

    assert background.stats().queued == 0


def test_its_repr_shows_no_secret(background):
    """Source, address and outbox."""
    assert "example-token" not in repr(background)
    assert "MemoryOutbox" in repr(background)


class Threadless(threading.Thread):
    """A thread that cannot be had, as when the interpreter goes down."""

    def start(self):
        raise RuntimeError("can't start new thread")


def test_without_a_thread_flush_delivers_itself(background, tiktok, monkeypatch):
    """An event that is tracked while the interpreter ends is not lost."""
    monkeypatch.setattr(threading, "Thread", Threadless)
    background.track(*events(2))

    assert background.flush(1) == 0
    assert len(tiktok.events) == 2
