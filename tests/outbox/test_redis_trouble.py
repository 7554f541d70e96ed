"""The outbox in Redis when something is wrong: the server, the network, the address, or a process that is gone."""

import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import servers
from marker_hook import raises
from records import DATA, WEB, ids, record, records

import tiktok_events as tt

SECRET = "s3cr/t@%:"
SCRIPTS = Path(__file__).parents[1] / "scripts"


def claim(outbox, limit=10, lease=30.0):
    """Claim with the defaults of these tests."""
    return outbox.claim(limit, lease=lease, routes={WEB})


def begin(script, *arguments):
    """Run a script of tests/scripts."""
    # From Python 3.12 on a fork beside threads warns; that it works all the same is what is tried.
    options = ["-W", "error", "-W", "ignore:This process:DeprecationWarning"]
    return subprocess.Popen([sys.executable, *options, str(SCRIPTS / script), *arguments], stdout=subprocess.PIPE)


@contextmanager
def outbox_of(url, **options):
    """An outbox, closed afterwards."""
    outbox = tt.RedisOutbox(url, **options)
    try:
        yield outbox
    finally:
        outbox.close()


@contextmanager
def answering(line):
    """A server that answers everything with *line*; with none it never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        held = []

        def serve():
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                held.append(connection)
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        def answer(connection):
            try:
                while connection.recv(65_536) and line:
                    connection.sendall(line * 4)
            except OSError:
                pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"redis://127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in held:
                connection.close()


def test_what_was_put_survives_a_kill_of_the_server(own_redis):
    """With appendonly and appendfsync always: every event whose `put` returned is there, claimed ones again later."""
    server = own_redis("--appendonly", "yes", "--appendfsync", "always")
    with outbox_of(server.url) as outbox:
        kept = []

        def put():
            try:
                for number in range(100_000):
                    batch = [record(f"{number}-{n}") for n in range(10)]
                    outbox.put(batch)
                    kept.extend(one.event_id for one in batch)
            except tt.OutboxUnavailable:
                return

        thread = threading.Thread(target=put)
        thread.start()
        while len(kept) < 300:
            time.sleep(0.001)
        held = claim(outbox, 5)
        outbox.dead_letter(held[:1], reason="refused")
        server.kill()
        thread.join()
        with raises(tt.OutboxUnavailable, match="cannot be used now"):
            outbox.depth()
        server.start()

        there = ids(claim(outbox, 100_000))
        assert outbox.depth() == len(there) + 4
        assert set(kept) <= {*there, *ids(held)}
        assert ids(outbox.dead()) == ids(held[:1])
        outbox.ack(held)
        assert outbox.depth() == len(there)


def test_a_server_that_lost_everything_is_used_again(own_redis):
    """Without appendonly: streams, group and scripts are gone after a kill, and made again."""
    server = own_redis()
    with outbox_of(server.url) as web, outbox_of(server.url) as worker:
        web.put([record(0), record(1)])
        held = claim(worker)
        worker.nack(held[:1], delay=0, reason="x")
        server.kill()
        server.start()
        worker.ack(held)
        assert worker.due_in({WEB}) is None
        assert web.put([record(2)])

        assert web.depth() == 1
        assert ids(claim(worker)) == ["e2"]


def test_a_process_that_is_gone_holds_nothing(redis, connect_outbox):
    """What a killed process of this host had is claimed at once; what it gave back waits its delay out."""
    outbox = connect_outbox()
    outbox.put([record(0), record(1), record(2)])
    process = begin("redis_claims.py", redis.url)
    try:
        assert process.stdout.readline() == b"2\n"
        assert ids(claim(outbox)) == ["e2"]
        assert outbox.due_in({WEB}) > 15
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()

    assert outbox.due_in({WEB}) == 0
    (found,) = claim(outbox)
    assert (found.record.event_id, found.attempts, found.crashed_deliveries) == ("e0", 0, 1)
    assert 15 < outbox.due_in({WEB}) <= 20


def test_a_forked_child_has_connections_of_its_own(redis, connect_outbox):
    """Also when other threads are in the middle of a question while the process forks."""
    process = begin("redis_forked.py", redis.url)
    process.communicate(timeout=30)

    assert process.returncode == 0
    names = ["before", "parent", *(f"child{n}" for n in range(5))]
    assert sorted(ids(claim(connect_outbox(), 1000))) == sorted(f"{who}-{n}" for who in names for n in range(20))


def test_no_memory_left_is_full(own_redis):
    """None of the batch is kept, nothing of it is told, and what is there can still be delivered."""
    server = own_redis("--maxmemory", "100mb")
    with outbox_of(server.url) as outbox, server.client() as raw:
        outbox.put(records(3))
        one, two, three = claim(outbox)
        raw.config_set("maxmemory", "1")
        for batch in ([record(3)], [record(3), record(4)]):
            with raises(tt.OutboxFull, match="no memory left") as caught:
                outbox.put(batch)
            assert caught.value.__cause__ is None
        with raises(tt.OutboxUnavailable, match="no memory left"):
            outbox.dead_letter([three], reason="x")
        assert outbox.depth() == 3

        outbox.ack([one])
        outbox.nack([two], delay=0, reason="x")
        assert ids(claim(outbox)) == ["e1"]
        assert outbox.depth() == 2
        raw.config_set("maxmemory", "0")
        outbox.dead_letter([three], reason="x")
        raw.config_set("maxmemory", "1")
        with raises(tt.OutboxFull, match="no memory left"):
            outbox.replay()
        assert ids(outbox.dead()) == ["e2"]


def test_a_replica_takes_nothing_now(own_redis):
    """As after a failover: reading goes on, and the next try may reach the new master."""
    server = own_redis()
    with outbox_of(server.url) as outbox, server.client() as raw:
        outbox.put([record(0), record(1)])
        claims = claim(outbox, 1)
        raw.replicaof("127.0.0.1", servers.closed_port())
        for verb in (lambda: outbox.put([record(2)]), lambda: claim(outbox), lambda: outbox.ack(claims)):
            with raises(tt.OutboxUnavailable, match="cannot be used now") as caught:
                verb()
            assert caught.value.retryable
        assert outbox.depth() == 2

        raw.replicaof("NO", "ONE")
        outbox.ack(claims)
        assert ids(claim(outbox)) == ["e1"]


@pytest.mark.parametrize(
    "line",
    [
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"-MASTERDOWN Link with MASTER is down\r\n",
        b"-MOVED 3999 127.0.0.1:6381\r\n",
        b"-ERR unknown command 'XADD', with args beginning with: 'key' '" + DATA + b"'\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
)
def test_whatever_it_answers_is_unavailable(line, redis):
    """And repeats no value that was sent."""
    with answering(line) as url, outbox_of(url) as outbox:
        for verb in (
            lambda: outbox.put([record(0), record(1)]),
            lambda: claim(outbox),
            outbox.depth,
            outbox.config_warnings,
        ):
            with raises(tt.OutboxUnavailable, match="cannot be used now"):
                verb()


def test_silence_is_waited_for_within_bounds(redis):
    """A server that takes the connection and says nothing holds up no thread for longer than the setting."""
    with answering(b"") as url, outbox_of(url, timeout=0.2, connect_timeout=0.2) as outbox:
        begun = time.monotonic()
        with raises(tt.OutboxUnavailable):
            outbox.put([record(0)])

        assert time.monotonic() - begun < 1.5


def test_nobody_there_says_so(redis):
    """With the address, at once."""
    port = servers.closed_port()
    with outbox_of(f"redis://:{SECRET.replace('/', '%2F').replace('@', '%40')}@127.0.0.1:{port}/3") as outbox:
        with raises(tt.OutboxUnavailable, match=f"redis://127.0.0.1:{port}/3 cannot be used now") as caught:
            outbox.put([record(0)])

        assert "s3cr" not in repr(outbox) + str(caught.value) + repr(caught.value)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
