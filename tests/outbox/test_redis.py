"""The outbox in Redis, with a real redis-server: what only several hosts, and only Redis, can show."""

import threading
from collections import Counter

import pytest
import redis_process
import redis_time
from marker_hook import raises
from records import APP, WEB, claim, ids, record, records

import tiktok_events as tt
from tiktok_events.testing import SOURCE, FakeTikTok

ODD = ("web", "C0EXAMPLE0EXAMPLE000", "TEST:1}")


@pytest.fixture
def raw(redis):
    """The server without an outbox."""
    with redis.client() as client:
        yield client


@pytest.fixture
def web(connect_outbox):
    """The outbox on a web host."""
    return connect_outbox()


@pytest.fixture
def worker(connect_outbox):
    """The outbox on a worker host."""
    return connect_outbox()


@pytest.mark.parametrize("protocol", [2, 3])
def test_both_protocols_of_redis_do(connect_outbox, redis, raw, protocol):
    """What is answered in lists by one and in mappings by the other is read alike: a whole life."""
    outbox = connect_outbox(f"{redis.url}?protocol={protocol}")
    put = outbox.put(records(4))
    first, second, third, _ = claims = claim(outbox)
    assert ids(claims) == ["e0", "e1", "e2", "e3"]
    assert set(outbox.undelivered(put)) == set(put)
    assert outbox.due_in({WEB}) == pytest.approx(30, abs=1)

    outbox.ack([first])
    outbox.nack([second], delay=0, reason="x")
    outbox.dead_letter([third], reason="refused")
    assert outbox.undelivered(put) == [put[1], put[3]]
    assert outbox.due_in({WEB}) == 0
    assert ids(claim(outbox)) == ["e1"]
    assert ids(outbox.dead()) == ["e2"]
    assert outbox.depth() == 2
    assert 0 <= outbox.age() < 10
    assert outbox.replay() == 1
    assert ids(claim(outbox)) == ["e2"]
    assert any("appendonly" in danger for danger in outbox.config_warnings())


def test_one_host_puts_and_another_delivers(web, worker):
    """Each event is one claimer's, whoever it is."""
    web.put(records(3))

    assert ids(claim(worker, 2)) == ["e0", "e1"]
    assert ids(claim(web)) == ["e2"]
    assert claim(worker) == []
    assert worker.depth() == web.depth() == 3


def test_a_record_comes_out_as_it_went_in(web, worker):
    """Any route, any id, any bytes."""
    strange = [tt.Record(*ODD, 'é "\n\ud800', bytes(range(256))), tt.Record("crm", "", "", "", b"")]
    web.put(strange)

    routes = {one.route for one in strange}
    assert {claim(worker, routes=routes)[0].record for _ in strange} == set(strange)


def test_what_was_given_back_and_what_was_abandoned_count_apart(web, worker, raw):
    """Both from the one number that Redis keeps."""
    web.put([record(0)])
    counts = []
    for given_back in (True, True, False, True, False):
        (one,) = claim(worker)
        counts.append((one.attempts, one.crashed_deliveries))
        if given_back:
            worker.nack([one], delay=0, reason="x")
        else:
            redis_time.let_pass(raw, 30)

    (last,) = claim(worker)
    assert counts == [(0, 0), (1, 0), (2, 0), (2, 1), (3, 1)]
    assert (last.attempts, last.crashed_deliveries) == (3, 2)


@pytest.mark.parametrize("other", ["the same host", "another host"])
@pytest.mark.parametrize(
    ("verb", "arguments"), [("ack", {}), ("nack", {"delay": 0, "reason": "x"}), ("dead_letter", {"reason": "x"})]
)
def test_who_comes_late_decides_nothing(web, worker, raw, verb, arguments, other):
    """Whoever claimed it again decides, be it another thread of the same process."""
    web.put([record(0), record(1)])
    late = claim(worker, 1)
    redis_time.let_pass(raw, 30)
    second = claim(worker if other == "the same host" else web, 1)
    assert ids(late) == ids(second) == ["e0"]
    getattr(worker, verb)(late, **arguments)

    assert ids(claim(worker)) == ["e1"]
    assert worker.depth() == 2
    assert worker.dead() == ()
    worker.ack(second)
    assert worker.depth() == 1


def test_only_what_is_still_held_is_decided(web, worker, raw):
    """Of a batch that is half somebody else's, the other half is acknowledged."""
    web.put(records(6))
    batch = claim(worker)
    worker.nack(batch[1:5:2], delay=0, reason="x")
    taken = claim(web)
    assert ids(taken) == ["e1", "e3"]
    worker.ack(batch)

    assert worker.depth() == 2
    web.ack(taken)
    assert web.depth() == 0


def test_a_delay_beyond_the_lease_is_cut_to_it(web, worker, raw):
    """And one within it is waited out."""
    web.put([record(0), record(1)])
    short, long = claim(worker, lease=10)
    worker.nack([short], delay=4, reason="x")
    worker.nack([long], delay=300, reason="x")
    assert claim(worker, lease=10) == []
    assert 3 < worker.due_in({WEB}) <= 4

    redis_time.let_pass(raw, 4)
    assert ids(claim(worker, lease=10)) == ["e0"]
    redis_time.let_pass(raw, 6)
    assert "e1" in ids(claim(worker, lease=10))


def test_an_event_in_the_middle_of_many_is_found_when_it_is_due(web, worker, raw):
    """However many others are held before it, and however few are asked for."""
    web.put(records(1_500))
    held = claim(web, 1_500)
    web.nack(held[1_400:1_401], delay=0, reason="x")

    found = [ids(claim(worker, 1)) for _ in range(3)]
    assert [one for one in found if one] == [["e1400"]]


def test_several_streams_share_the_load(connect_outbox, worker, raw):
    """A worker that knows of one finds all; none starves."""
    web = connect_outbox(streams=3)
    for number in range(6):
        web.put([record(number)])
    assert len(raw.keys("*}")) == 3
    assert worker.depth() == 6
    batches = [ids(claim(worker)) for _ in range(4)]

    assert sorted(map(len, batches)) == [0, 2, 2, 2]
    assert sorted(one for batch in batches for one in batch) == [f"e{n}" for n in range(6)]


def test_prefixes_keep_outboxes_apart(connect_outbox, raw):
    """And every name begins with one."""
    one, other = connect_outbox(prefix="shop:a"), connect_outbox(prefix="shop:b")
    one.put([record(0)])
    one.dead_letter(claim(one), reason="x")
    one.put([record(1)])

    assert claim(other) == []
    assert (other.depth(), other.dead(), other.age()) == (0, (), None)
    assert all(key.startswith(b"shop:a:") for key in raw.keys("*"))


def test_it_holds_so_many_events_of_all_hosts(connect_outbox):
    """Then it takes none of what is put; room comes back when something is done with."""
    web, worker = connect_outbox(max_events=3), connect_outbox(max_events=3)
    web.put([record(0), record(1)])
    with raises(tt.OutboxFull, match="2 events"):
        worker.put([record(2), record(3, APP)])
    assert web.depth() == 2

    worker.ack(claim(worker, 1))
    worker.put([record(2), record(3, APP)])
    assert web.depth() == 3
    with raises(tt.OutboxFull, match="3 events"):
        connect_outbox(max_events=3).put([record(4)])


def test_dead_letters_are_kept_up_to_a_bound(connect_outbox):
    """The newest of each stream, those of all streams in the order of their deaths."""
    outbox = connect_outbox(max_dead=2)
    outbox.put(records(3))
    outbox.put([record(9, APP)])
    for one in [*claim(outbox), *claim(outbox)]:
        outbox.dead_letter([one], reason=f"refused {one.record.event_id} \ud800")

    assert sorted(ids(outbox.dead())) in (["e1", "e2", "e9"], ["e9", "e1", "e2"])
    assert [letter.reason for letter in outbox.dead(1)] == [f"refused {ids(outbox.dead(1))[0]} \ud800"]
    times = [letter.time for letter in outbox.dead()]
    assert times == sorted(times)
    assert times[0] > 1_700_000_000


def test_replay_and_purge_choose_by_event_id(connect_outbox):
    """Also more than a page of them; both say how many."""
    outbox = connect_outbox()
    outbox.put(records(2_500))
    outbox.dead_letter(claim(outbox, 2_500), reason="x")
    assert outbox.purge({"e3", "e2400", "none"}) == 2
    assert outbox.replay({"e5", "e2300", "e3"}) == 2

    assert ids(claim(outbox)) == ["e5", "e2300"]
    assert outbox.replay() == 2_496
    assert (outbox.purge(), outbox.replay(), outbox.dead()) == (0, 0, ())
    assert outbox.depth() == 2_498


def test_replayed_twice_at_once_is_replayed_once(connect_outbox):
    """Two people at two keyboards."""
    outbox, other = connect_outbox(), connect_outbox()
    outbox.put(records(300))
    outbox.dead_letter(claim(outbox, 300), reason="x")
    replayed = []
    threads = [threading.Thread(target=lambda one=one: replayed.append(one.replay())) for one in (outbox, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(replayed) == 300
    assert outbox.depth() == 300


def test_threads_share_one_outbox(web, worker):
    """Four put, four deliver: every event once."""
    acknowledged, stop = Counter(), threading.Event()
    lock = threading.Lock()

    def put(thread):
        for number in range(20):
            web.put([record(f"{thread}-{number}-{n}") for n in range(5)])

    def deliver():
        while not stop.is_set() or worker.depth():
            claims = claim(worker, 7)
            worker.ack(claims)
            with lock:
                acknowledged.update(ids(claims))

    putting = [threading.Thread(target=put, args=(n,)) for n in range(4)]
    delivering = [threading.Thread(target=deliver) for _ in range(4)]
    for thread in putting + delivering:
        thread.start()
    for thread in putting:
        thread.join()
    stop.set()
    for thread in delivering:
        thread.join()

    assert len(acknowledged) == 400
    assert set(acknowledged.values()) == {1}
    assert worker.depth() == 0


def test_a_background_client_puts_and_a_worker_delivers(web, worker):
    """The request touches no network; the thread brings its events to Redis."""
    tiktok = FakeTikTok()
    background = tt.BackgroundClient(tiktok.client(), web, deliver=False)
    background.track(*(tt.Event("Purchase", event_id=f"e{n}") for n in range(5)))
    assert background.close() == 0
    assert tiktok.events == []

    elsewhere = FakeTikTok()
    assert tt.Worker(worker, elsewhere.client(SOURCE)).drain_once() == 5
    assert [event["event_id"] for event in elsewhere.events] == ["e0", "e1", "e2", "e3", "e4"]
    assert worker.depth() == 0


def test_it_is_reached_through_a_unix_socket_too(connect_outbox, redis):
    """And says so."""
    outbox = connect_outbox(f"unix://{redis.socket}")
    outbox.put([record(0)])

    assert outbox.depth() == 1
    assert repr(outbox) == f"RedisOutbox('unix://{redis.socket}', prefix='tiktok-events')"


def test_consumers_that_have_nothing_are_forgotten(web, worker, raw):
    """Not one that has: its events would be lost."""
    from tiktok_events._outbox.redis import scripts as redis_scripts

    web.put([record(0)])
    claim(worker)
    (key,) = raw.keys("*}")
    raw.xgroup_createconsumer(key, "workers", "idle")
    worker._server.run_script(redis_scripts.DELETE_IDLE_CONSUMERS, [key], "workers", -1)

    assert [(one["pending"]) for one in raw.xinfo_consumers(key, "workers")] == [1]


@pytest.mark.parametrize("wrong", [{"streams": 0}, {"max_events": 0}, {"timeout": 0}, {"prefix": "{shop}"}])
def test_settings_that_make_no_sense_are_refused(wrong):
    """At construction."""
    why = redis_process.missing()
    if why:
        pytest.skip(why)

    with raises(ValueError):
        tt.RedisOutbox("redis://127.0.0.1", **wrong)
