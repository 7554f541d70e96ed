"""What a worker does with trouble: dead networks, events that make TikTok fail, workers that died, and its own end."""

import json
import threading
import time
from contextlib import suppress

import httpx
import servers
from clocks import until
from marker_hook import raises

import tiktok_events as tt
from tiktok_events.testing import SOURCE, FakeTikTok


def put(outbox, names):
    """Put one event per name."""
    background = tt.BackgroundClient(tt.Client(SOURCE), outbox, deliver=False)
    background.track(*(tt.Event("Purchase", event_id=name, event_time=1_790_000_000) for name in names))


def ids(request):
    """The event ids of a request."""
    return [event["event_id"] for event in json.loads(request.content)["data"]]


def test_a_dead_network_is_tried_once_a_pause_not_once_a_batch(outbox, tiktok, clock):
    """5,000 events wait behind one request; when it gets through, all of them go."""
    tiktok.answers(httpx.ConnectError("refused"))
    put(outbox, [f"e{n}" for n in range(5000)])
    worker = tt.Worker(outbox, tiktok.client(), clock=clock)
    assert worker.step() == 1000
    assert worker.step() == 0
    assert len(tiktok.requests) == 1

    clock.now += 300
    while worker.step():
        pass
    assert outbox.depth() == 0
    assert len(tiktok.requests) == 6


class Poisoned(FakeTikTok):
    """A TikTok that fails at one event, whatever comes with it."""

    def _answer(self, request):
        poisoned = "poison" in ids(request)
        self.answers(httpx.Response(500) if poisoned else 0)
        return super()._answer(request)


def test_an_event_that_makes_tiktok_fail_is_found_and_buried(outbox, clock):
    """Its neighbours are delivered long before; it goes to the dead letters with the reason, and holds nobody up."""
    tiktok = Poisoned()
    worker = tt.Worker(outbox, tiktok.client(), clock=clock)
    put(outbox, [*(f"e{n}" for n in range(500)), "poison", *(f"f{n}" for n in range(499))])
    for number in range(60):
        put(outbox, [f"later{number}"])
        clock.now += 300
        while worker.step():
            pass
        if outbox.dead():
            break

    taken = [names for names in map(ids, tiktok.requests) if "poison" not in names]
    delivered = {name for names in taken for name in names}
    (letter,) = outbox.dead()
    assert letter.record.event_id == "poison"
    assert "while other events were delivered" in letter.reason
    assert "500" in letter.reason
    assert {f"e{n}" for n in range(500)} | {f"f{n}" for n in range(499)} <= delivered
    assert outbox.depth() == 0


def test_a_rejected_token_holds_up_its_own_worker_alone(outbox, tiktok, clock):
    """It leaves the source alone for five minutes; a worker with a new token delivers at once."""
    put(outbox, [f"e{n}" for n in range(1500)])
    rejected = FakeTikTok()
    rejected.answers(40105)
    worker = tt.Worker(outbox, rejected.client(), clock=clock)
    assert worker.step() == 1000
    assert worker.step() == 0
    assert worker.due_in() == 300

    mended = tt.Worker(outbox, tiktok.client(), clock=clock)
    while mended.step():
        pass
    assert outbox.depth() == 0
    assert len(tiktok.events) == 1500


def test_nothing_is_buried_while_everything_fails(outbox, tiktok, clock):
    """However long it lasts: no event is to blame for an outage."""
    tiktok.answers(*[httpx.Response(503)] * 1000)
    put(outbox, ["e0"])
    worker = tt.Worker(outbox, tiktok.client(), clock=clock)
    for _ in range(200):
        worker.step()
        clock.now += 300

    assert outbox.dead() == ()
    assert outbox.depth() == 1


def lost(outbox, clock, times):
    """Everything is claimed so often, and nobody says a word."""
    for _ in range(times):
        while outbox.claim(1000, lease=30, routes={SOURCE.route}):
            pass
        clock.now += 31


class Deadly(FakeTikTok):
    """A TikTok whose answer to one event no worker survives."""

    def _answer(self, request):
        if "deadly" in ids(request):
            raise SystemExit
        return super()._answer(request)


def test_an_event_its_workers_die_on_is_found_and_buried(outbox, clock):
    """Nobody knows what it is, but it is not tried for ever, and all its neighbours are delivered."""
    tiktok = Deadly()
    put(outbox, [*(f"e{n}" for n in range(600)), "deadly", *(f"f{n}" for n in range(399))])
    for _ in range(200):
        with suppress(SystemExit):
            tt.Worker(outbox, tiktok.client(), clock=clock).step()
        clock.now += 31
        if not outbox.depth():
            break

    (letter,) = outbox.dead()
    assert letter.record.event_id == "deadly"
    assert "while they delivered it" in letter.reason
    assert len(tiktok.events) == 999


def test_nothing_is_buried_for_what_the_outbox_did_not_tell(outbox, tiktok, clock):
    """Claims whose answer was lost on the way look like dead workers: thousands of them are no fault of an event."""
    put(outbox, [f"e{n}" for n in range(3000)])
    lost(outbox, clock, 15)
    worker = tt.Worker(outbox, tiktok.client(), clock=clock)
    while worker.step():
        pass

    assert outbox.dead() == ()
    assert len(tiktok.events) == 3000


def test_an_event_that_was_lost_alone_and_often_is_buried(outbox, tiktok, clock):
    """After twenty times it is nobody's neighbour's fault."""
    put(outbox, ["e0"])
    lost(outbox, clock, 20)
    tt.Worker(outbox, tiktok.client(), clock=clock).step()

    (letter,) = outbox.dead()
    assert "20 times" in letter.reason
    assert tiktok.requests == []


def test_no_answer_is_waited_for_beyond_the_lease(is_async):
    """The events are given back while they are still this worker's, as ones that failed; nobody seems to have died."""
    outbox, claimed = tt.MemoryOutbox(), []
    put(outbox, ["e0"])

    def silent(handler):
        time.sleep(1.5)
        claimed.extend(outbox.claim(1, lease=30, routes={SOURCE.route}))

    with servers.listening(silent) as tiktok:
        client = (tt.AsyncClient if is_async else tt.Client)(SOURCE, base_url=tiktok.url)
        worker = tt.Worker(outbox, client, lease=1, max_wait=0)
        assert worker.step() == 1
        worker.close()
        until(lambda: claimed)

    assert [(claim.attempts, claim.crashed_deliveries) for claim in claimed] == [(1, 0)]


class Slow(FakeTikTok):
    """A TikTok that takes ten seconds for whatever it is sent."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def _answer(self, request):
        self.clock.now += 10
        return super()._answer(request)


def test_what_there_is_no_time_for_is_given_back(outbox, clock):
    """What often failed travels in small pieces; those that would be sent after the lease are somebody else's by then."""
    put(outbox, [f"e{n}" for n in range(8)])
    for _ in range(5):
        outbox.nack(outbox.claim(8, lease=30, routes={SOURCE.route}), delay=0, reason="it failed")
    tiktok = Slow(clock)
    tt.Worker(outbox, tiktok.client(), clock=clock, lease=30).step()

    assert [ids(request) for request in tiktok.requests] == [["e0"], ["e1"], ["e2"]]
    rest = outbox.claim(8, lease=30, routes={SOURCE.route})
    assert [(claim.record.event_id, claim.crashed_deliveries) for claim in rest] == [(f"e{n}", 0) for n in range(3, 8)]


def test_retries_are_told_of(outbox, tiktok, clock):
    """With the results and the seconds until the next try."""
    told = []
    tiktok.answers(40132)
    put(outbox, ["e0", "e1"])
    tt.Worker(
        outbox, tiktok.client(), clock=clock, on_retry=lambda results, delay: told.append((results, delay))
    ).step()

    ((results, delay),) = told
    assert [(one.event_id, one.status, one.code) for one in results] == [
        ("e0", "failed", 40132),
        ("e1", "failed", 40132),
    ]
    assert delay == 300


def running(worker, **options):
    """Run *worker* in a thread; a function that ends it and gives what `run` returned."""
    stop, left = threading.Event(), []
    thread = threading.Thread(target=lambda: left.append(worker.run(stop, **options)))
    thread.start()

    def end():
        stop.set()
        thread.join(20)
        assert not thread.is_alive()
        return left[0]

    return end


def test_several_requests_are_under_way_at_once():
    """Four by default, over a real socket."""
    together, most = set(), []
    lock = threading.Lock()

    def slowly(handler):
        with lock:
            together.add(handler)
            most.append(len(together))
        time.sleep(0.1)
        with lock:
            together.discard(handler)
        servers.answer_ok(handler)

    outbox = tt.MemoryOutbox()
    put(outbox, [f"e{n}" for n in range(8000)])
    with servers.listening(slowly) as tiktok:
        worker = tt.Worker(outbox, tt.Client(SOURCE, base_url=tiktok.url))
        end = running(worker)
        until(lambda: outbox.depth() == 0)
        assert end() == 0
        worker.close()

    assert max(most) == 4
    assert len(set(tiktok.event_ids)) == 8000


def test_at_its_end_a_worker_delivers_what_waits(outbox, tiktok):
    """And says what it could not."""
    put(outbox, [f"e{n}" for n in range(2500)])
    worker = tt.Worker(outbox, tiktok.client(), in_flight=1)
    stop = threading.Event()
    stop.set()

    assert worker.run(stop, drain=5) == 0
    assert len(tiktok.events) == 2500
    put(outbox, ["late"])
    assert worker.run(stop, drain=0) == 1


def test_a_worker_outlives_an_outbox_that_fails(tiktok, caplog):
    """Its threads say so once, together, and go on when they can."""
    failed = set()

    class Flaky(tt.MemoryOutbox):
        broken = True

        def claim(self, limit, *, lease, routes):
            if self.broken:
                failed.add(threading.current_thread())
                raise tt.OutboxUnavailable("the outbox's server does not answer")
            return super().claim(limit, lease=lease, routes=routes)

    outbox = Flaky()
    put(outbox, ["e0"])
    end = running(tt.Worker(outbox, tiktok.client()))
    until(lambda: len(failed) == 4)
    outbox.broken = False
    until(lambda: outbox.depth() == 0)

    assert end() == 0
    assert caplog.text.count("does not answer") == 1


def test_what_a_worker_needs(outbox, tiktok):
    """A rate, and room for a request."""
    with raises(ValueError, match="rate"):
        tt.Worker(outbox, tiktok.client(), rate=0)
    with raises(ValueError, match="in_flight"):
        tt.Worker(outbox, tiktok.client(), in_flight=0)
