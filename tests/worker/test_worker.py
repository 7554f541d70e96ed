"""The delivery loop: claim, post, then acknowledge, give back or dead_letter."""

import logging

import httpx
import markers
import pytest
from marker_hook import raises

import tiktok_events as tt
from tiktok_events.testing import SOURCE, FakeTikTok

TEST_SOURCE = tt.EventSource("web", SOURCE.event_source_id, "token", test_event_code="TEST1")
APP = tt.EventSource.app("7001", "other-token")


def put(outbox, number, source=SOURCE, **fields):
    """Put events e0, e1 and so on for *source*."""
    background = tt.BackgroundClient(tt.Client(source), outbox, deliver=False)
    fields = {"app": {"app_id": 1}, **fields} if source is APP else fields
    background.track(
        *(
            tt.Event("Purchase", event_id=f"e{n}", event_time=1_790_000_000, user={"email": markers.EMAIL}, **fields)
            for n in range(number)
        )
    )


@pytest.fixture
def settled():
    """The results that the worker reported."""
    return []


@pytest.fixture
def worker(outbox, tiktok, settled, clock):
    """A worker for the example source."""
    return tt.Worker(outbox, tiktok.client(), on_results=settled.extend, clock=clock)


def test_one_step_delivers_a_batch(worker, outbox, tiktok, settled):
    """In one request; then nothing is left."""
    put(outbox, 3)

    assert worker.step() == 3
    assert worker.step() == 0
    assert [len(request.events) for request in tiktok.requests] == [3]
    assert [(one.event_id, one.status) for one in settled] == [
        ("e0", "delivered"),
        ("e1", "delivered"),
        ("e2", "delivered"),
    ]
    assert outbox.depth() == 0
    assert worker.due_in() is None


def test_draining_delivers_everything(worker, outbox, tiktok):
    """A thousand a request."""
    put(outbox, 1500)

    assert worker.drain_once() == 1500
    assert [len(request.events) for request in tiktok.requests] == [1000, 500]
    assert outbox.depth() == 0


def test_draining_nothing_is_nothing(worker, tiktok):
    """No request, no wait."""
    assert worker.drain_once() == 0
    assert worker.drain_once(5) == 0
    assert tiktok.requests == []


@pytest.mark.parametrize(("timeout", "tried"), [(None, 3), (0, 3), (1, 3)])
def test_draining_begins_no_wait_that_does_not_fit(worker, outbox, tiktok, timeout, tried):
    """What has to wait longer stays, for the next run."""
    tiktok.answers(*[40132] * 9)
    put(outbox, 3)

    assert worker.drain_once(timeout) == tried
    assert len(tiktok.requests) == 1
    assert outbox.depth() == 3
    assert worker.due_in() == 300


def test_draining_waits_for_what_fits(outbox, tiktok):
    """A short pause within the bound is waited out."""
    worker = tt.Worker(outbox, tiktok.client(), max_wait=0)
    tiktok.answers(50000, 50000)
    put(outbox, 2)

    assert worker.drain_once(5) == 6
    assert outbox.depth() == 0


def test_the_network_is_waited_out(worker, outbox, tiktok, clock, caplog, settled):
    """The events come back later with the same bytes; it is said once, not at every try."""
    tiktok.answers(httpx.ConnectError("refused"), httpx.ConnectError("refused"))
    put(outbox, 2)
    for _ in range(3):
        worker.step()
        clock.now += 300

    assert outbox.depth() == 0
    assert len({request.content for request in tiktok.requests}) == 1
    assert len(settled) == 2
    assert [record.levelno for record in caplog.records if record.levelno >= logging.WARNING] == [logging.WARNING]


def test_the_worker_makes_one_request_a_step(worker, outbox, tiktok):
    """The client does not retry in it: waits never multiply."""
    tiktok.answers(*[50000] * 9)
    put(outbox, 1)
    worker.step()

    assert len(tiktok.requests) == 1


@pytest.mark.parametrize("code", [40001, 40105, 40007])
def test_a_wrong_set_up_keeps_the_events(worker, outbox, tiktok, clock, caplog, code):
    """Loudly, and for minutes at a time; after the mending they go out."""
    tiktok.answers(code)
    put(outbox, 3)
    worker.step()
    assert outbox.depth() == 3
    assert worker.due_in() == 300
    assert [record.levelno for record in caplog.records if record.levelno >= logging.WARNING] == [logging.ERROR]
    assert "events are kept" in caplog.text

    clock.now += 300
    assert worker.step() == 3
    assert outbox.depth() == 0


def test_a_refused_event_is_buried_and_told_of(worker, outbox, tiktok, caplog, settled):
    """Its neighbours are delivered; the dead letter has TikTok's words, redact."""
    message = "data.1.user.email zzpii.ada@example.com is invalid"
    tiktok.answers(
        httpx.Response(200, json={"code": 40002, "message": message, "request_id": "r-bad"}),
        httpx.Response(200, json={"code": 40002, "message": message, "request_id": "r-bad"}),
    )
    put(outbox, 3)
    worker.step()

    (letter,) = outbox.dead()
    assert letter.record.event_id == "e1"
    assert "40002" in letter.reason
    assert "is invalid" in letter.reason
    assert [one.status for one in settled] == ["delivered", "rejected", "delivered"]
    assert "e1" in caplog.text
    assert outbox.depth() == 0


def test_partial_is_not_sent_again(worker, outbox, tiktok, settled):
    """TikTok does not say which events it took."""
    tiktok.answers(20001)
    put(outbox, 2)
    worker.drain_once()

    assert len(tiktok.requests) == 1
    assert [one.status for one in settled] == ["partial", "partial"]
    assert outbox.depth() == 0


def test_each_record_goes_to_the_client_of_its_source(outbox):
    """Sources are not mixed in a request, and what nobody serves is left alone."""
    web, app, test = FakeTikTok(), FakeTikTok(), FakeTikTok()
    for source in (SOURCE, APP, TEST_SOURCE, tt.EventSource.crm("7003", "token")):
        put(outbox, 2, source, lead={"lead_id": 1})
    worker = tt.Worker(outbox, web.client(SOURCE), app.client(APP), test.client(TEST_SOURCE))

    assert worker.drain_once() == 6
    assert [request.body["event_source"] for request in (*web.requests, *app.requests, *test.requests)] == [
        "web",
        "app",
        "web",
    ]
    assert "test_event_code" in test.requests[0].body
    assert outbox.depth() == 2


def test_one_clients_trouble_is_not_anothers(outbox):
    """A source that is down does not hold up the other."""
    web, app = FakeTikTok(), FakeTikTok()
    web.answers(*[40105] * 9)
    put(outbox, 2, SOURCE)
    put(outbox, 2, APP)
    tt.Worker(outbox, web.client(SOURCE), app.client(APP)).drain_once()

    assert len(app.events) == 2
    assert outbox.depth() == 2


def test_two_clients_of_one_source_are_a_mistake(outbox, tiktok):
    """So is none."""
    with raises(tt.ConfigurationError):
        tt.Worker(outbox, tiktok.client(), tiktok.client())
    with raises(tt.ConfigurationError):
        tt.Worker(outbox)
