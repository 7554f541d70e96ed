"""Outboxes that others share: fed by the thread, waited for as far as they are ours, spilled when they are down."""

import asyncio
import threading
import time

import pytest
import servers
from clocks import until

import tiktok_events as tt
from tiktok_events._delivery.buffer import Buffer
from tiktok_events.testing import SOURCE


def events(number, prefix="e"):
    """Events e0, e1 and so on."""
    return [tt.Event("Purchase", event_id=f"{prefix}{n}") for n in range(number)]


class Shared(tt.MemoryOutbox):
    """An outbox that others share, on this machine or over a network, and that can be down."""

    def __init__(self, scope, **options):
        self.scope, self.down, self.callers = scope, False, set()
        super().__init__(**options)

    def put(self, records):
        self.callers.add(threading.current_thread().name)
        if self.down:
            raise tt.OutboxUnavailable("the outbox does not answer")
        super().put(records)
        return tt.PutResult(record.event_id for record in records)

    def undelivered(self, record_ids):
        with self._lock:
            waiting = {entry[0] for queue in self._waiting.values() for entry in queue.new}
            waiting |= {claim.record.event_id for _, claim in (*self._later, *self._leased.values())}
            return waiting & set(record_ids)


@pytest.fixture(params=["machine", "network"])
def shared(request):
    """A shared outbox."""
    return Shared(request.param)


def test_no_request_touches_the_network(tiktok):
    """The thread puts; the caller only remembers."""
    outbox = Shared("network")
    with tt.BackgroundClient(tiktok.client(), outbox) as background:
        background.track(*events(3))
        assert background.flush(5) == 0

    assert outbox.callers == {"tiktok-events"}
    assert len(tiktok.events) == 3


def test_what_is_on_this_machine_is_put_at_once(tiktok):
    """It is on the disk when `track` returns."""
    outbox = Shared("machine")
    background = tt.BackgroundClient(tiktok.client(), outbox, deliver=False)
    background.track(*events(3))

    assert outbox.depth() == 3
    assert outbox.callers == {threading.current_thread().name}
    assert background.close() == 0


def test_flush_waits_for_its_own(shared, tiktok):
    """What others put into it, and nobody here delivers, is not counted."""
    others = tt.EventSource.app("7001", "other-token")
    shared.put([tt.Record(*others.route, "other", b"{}")])
    with tt.BackgroundClient(tiktok.client(), shared) as background:
        background.track(*events(2))

        assert background.flush(5) == 0
    assert shared.depth() == 1


def test_what_a_worker_elsewhere_delivers_is_not_waited_for(shared, tiktok):
    """With `deliver=False` an event is somebody else's once it is in the outbox."""
    with tt.BackgroundClient(tiktok.client(), shared, deliver=False) as background:
        background.track(*events(2))

        assert background.flush(5) == 0
        assert background.stats().waiting == 2
    assert shared.depth() == 2
    assert tiktok.requests == []


@pytest.mark.parametrize(("deliver", "most"), [(False, 0), (True, 80_000)])
def test_a_backlog_is_not_asked_about_again_and_again(tiktok, deliver, most):
    """Of what workers elsewhere deliver nothing is asked; of our own never much more than was put."""
    asked = []

    class Asked(Shared):
        def undelivered(self, record_ids):
            asked.append(len(record_ids))
            return record_ids

    tiktok.answers(40132)
    background = tt.BackgroundClient(tiktok.client(), Asked("network"), deliver=deliver)
    for number in range(40):
        background.track(*events(1000, f"{number}-"))
        until(lambda: background._buffer.waiting() == 0)

    assert sum(asked) <= most
    background.close(0)


def test_what_somebody_else_delivered_is_not_left(shared, tiktok):
    """Another process's worker may have been faster."""
    tiktok.answers(40132)
    with tt.BackgroundClient(tiktok.client(), shared) as background:
        background.track(*events(2))
        assert background.flush(0.3) == 2
        with shared._lock:
            claims = [claim for _, claim in shared._later]
            shared._leased = {id(claim): (time.monotonic() + 9, claim) for claim in claims}
            shared._later = []
        shared.ack(claims)

        assert background.flush(5) == 0


def test_an_outbox_that_is_down_loses_nothing(shared, tiktok, caplog):
    """Events wait in memory and go when it is there again; it is said once."""
    shared.down = True
    with tt.BackgroundClient(tiktok.client(), shared) as background:
        background.track(*events(3))
        assert background.track(*events(3, "f")) == 3
        assert background.flush(0.5) == 6
        assert background.stats().waiting == 6
        shared.down = False
        assert background.flush(10) == 0

    assert sorted(event["event_id"] for event in tiktok.events) == ["e0", "e1", "e2", "f0", "f1", "f2"]
    assert caplog.text.count("the outbox does not answer") == 1
    assert background.stats().dropped == 0


def test_waiting_for_an_outbox_that_is_down_is_no_work(tiktok):
    """`flush` and the thread look about twenty times a second, and do not keep each other awake."""

    class Watched(Shared):
        looks = 0

        def due_in(self, routes):
            self.looks += 1
            return super().due_in(routes)

    outbox = Watched("machine")
    outbox.down = True
    with tt.BackgroundClient(tiktok.client(), outbox) as background:
        background.track(*events(1))
        left = background.flush(0.5)
        looks, outbox.down = outbox.looks, False

    assert left == 1
    assert 0 < looks < 50


def test_a_spill_takes_what_the_outbox_cannot(tiktok):
    """And gives it back when the outbox is there again."""
    shared, spill = Shared("network"), tt.MemoryOutbox()
    shared.down = True
    with tt.BackgroundClient(tiktok.client(), shared, spill=spill) as background:
        background.track(*events(3))
        until(lambda: spill.depth() == 3)
        assert background.stats().spilled == 3
        assert background.stats().waiting == 3
        shared.down = False
        assert background.flush(10) == 0

    assert len(tiktok.events) == 3
    assert spill.depth() == 0


def test_a_spill_takes_what_memory_cannot(tiktok):
    """A full `MemoryOutbox` drops nothing then."""
    tiktok.answers(40132)
    memory, spill = tt.MemoryOutbox(max_events=2), tt.MemoryOutbox()
    background = tt.BackgroundClient(tiktok.client(), memory, deliver=False, spill=spill)
    background.track(*events(2))
    background.track(*events(2, "f"))

    assert (memory.depth(), spill.depth()) == (2, 2)
    assert background.stats().dropped == 0
    background.close()


def test_a_spill_takes_what_neither_outbox_nor_memory_can():
    """Though the call that fills memory is the one that finds the outbox down."""
    shared, spill = Shared("machine"), tt.MemoryOutbox()
    shared.down = True
    buffer = Buffer(shared, spill, SOURCE.route, track_records=False, on_repeated=list)
    buffer.memory = tt.MemoryOutbox(max_events=2)
    records = [tt.Record(*SOURCE.route, f"e{n}", b"{}") for n in range(3)]

    assert buffer.put(records)
    assert (buffer.memory.depth(), spill.depth(), buffer.spilled) == (0, 3, 3)


def test_what_a_dead_process_left_in_the_spill_is_delivered(tiktok):
    """By whoever comes next."""
    spill = tt.MemoryOutbox()
    before = tt.BackgroundClient(tiktok.client(), spill, deliver=False)
    before.track(*events(2))
    with tt.BackgroundClient(tiktok.client(), Shared("network"), spill=spill) as background:
        background.track(*events(1, "new"))
        until(lambda: len(tiktok.events) == 3)

    assert {event["event_id"] for event in tiktok.events} == {"e0", "e1", "new0"}


def test_a_file_that_is_another_programs_costs_no_event(tiktok, tmp_path):
    """Events wait in memory until somebody mends the set-up."""
    path = tmp_path / "tiktok.db"
    path.write_bytes(b"another program's" * 100)
    with tt.BackgroundClient(tiktok.client(), tt.SQLiteOutbox(path)) as background:
        assert background.track(*events(2)) == 2
        assert background.flush(0.2) == 2
        path.unlink()
        assert background.flush(10) == 0

    assert len(tiktok.events) == 2


@pytest.fixture
def listener():
    """A real TikTok on a socket."""
    with servers.listening() as tiktok:
        yield tiktok


def test_an_async_client_delivers_too(listener):
    """On a loop of the thread's own; the caller's loop goes on meanwhile."""

    async def main():
        ticks = 0
        async with tt.BackgroundClient(tt.AsyncClient(SOURCE, base_url=listener.url)) as background:
            background.track(*events(3))
            flushing = asyncio.ensure_future(background.aflush(5))
            while not flushing.done():
                ticks += 1
                await asyncio.sleep(0)
            return await flushing, ticks, background.stats().delivered

    left, ticks, delivered = asyncio.run(main())

    assert (left, delivered) == (0, 3)
    assert ticks > 1
    assert sorted(listener.event_ids) == ["e0", "e1", "e2"]


def test_an_async_client_outlives_its_thread(listener):
    """After `close` it opens a loop and connections anew."""
    background = tt.BackgroundClient(tt.AsyncClient(SOURCE, base_url=listener.url))
    for number in range(2):
        background.track(*events(1, f"{number}-"))
        assert background.close(5) == 0

    assert sorted(listener.event_ids) == ["0-0", "1-0"]
