"""What an outbox in Redis needs to be told and tells: addresses, passwords, and how the server is set up."""

import logging
import sys

import pytest
import redis_process
import servers
from marker_hook import raises
from records import WEB, ids, record, records

import tiktok_events as tt

SECRET = "s3cr/t@%:"
# As docs/how-to/redis.md has them, without INFO.
RIGHTS = "+@stream +@sortedset +@scripting +@transaction +@connection +sadd +smembers +exists +expire +time".split()


def claim(outbox):
    """Claim with the defaults of these tests."""
    return outbox.claim(10, lease=30.0, routes={WEB})


@pytest.mark.parametrize(
    "template",
    [
        "redis://:s3cr%2Ft%40%25%3A@127.0.0.1:{port}",
        "redis://default:s3cr%2Ft%40%25%3A@127.0.0.1:{port}/0",
        "redis://127.0.0.1:{port}?password=s3cr%2Ft%40%25%3A&decode_responses=yes",
        "unix://:s3cr%2Ft%40%25%3A@{socket}",
    ],
)
def test_passwords_are_used_and_not_shown(own_redis, connect_outbox, template, caplog):
    """Percent-encoded or in the query; in no text, right or wrong."""
    server = own_redis("--requirepass", SECRET)
    url = template.format(port=server.port, socket=server.socket)
    caplog.set_level(logging.DEBUG)
    outbox, wrong = connect_outbox(url), connect_outbox(url.replace("s3cr", "wr0ng"))
    outbox.put([record(0), record(1)])
    assert ids(claim(outbox)) == ["e0", "e1"]
    with raises(tt.OutboxUnavailable) as caught:
        wrong.put([record(0)])

    told = repr(outbox) + repr(outbox._server) + repr(wrong) + str(caught.value) + caplog.text
    assert not [part for part in ("s3cr", "wr0ng", SECRET) if part in told]


@pytest.mark.parametrize(
    "url",
    [
        "http://:s3cr@127.0.0.1",
        "127.0.0.1:6379",
        "redis://:s3cr/et@127.0.0.1:6379/0",
        "redis://:s3cr@127.0.0.1:port",
        "redis://:s3cr@127.0.0.1/?no_such_option=1",
        "redis://:s3cr@127.0.0.1/?socket_timeout=soon",
        "redis://:s3cr@[::1",
        "unix://:s3cr@",
    ],
)
def test_a_bad_address_is_a_configuration_error(url, redis):
    """At construction, and it shows nothing of the address."""
    with raises(tt.ConfigurationError) as caught:
        tt.RedisOutbox(url)

    assert "s3cr" not in str(caught.value)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_without_redis_py_it_says_what_to_install(monkeypatch):
    """The package is an extra."""
    monkeypatch.setitem(sys.modules, "redis", None)

    with raises(tt.ConfigurationError, match=r'pip install "tiktok-events\[redis\]"'):
        tt.RedisOutbox("redis://127.0.0.1")


def test_a_set_up_that_loses_events_is_told_once(own_redis, connect_outbox, caplog):
    """As warnings at the first use; one that is right says nothing."""
    server = own_redis("--maxmemory-policy", "allkeys-lru")
    outbox = connect_outbox(server.url)
    with server.client() as raw:
        outbox.put([record(0)])
        claim(outbox)
        outbox.put([record(1)])
        warned = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
        assert len(warned) == 2
        assert "appendonly is off" in warned[0]
        assert "maxmemory-policy is allkeys-lru" in warned[1]
        assert all(any(danger in one for one in warned) for danger in outbox.config_warnings())

        raw.config_set("appendonly", "yes")
        raw.config_set("maxmemory-policy", "noeviction")
        assert outbox.config_warnings() == []


def test_a_server_that_tells_nothing_of_its_set_up_is_used_all_the_same(own_redis, connect_outbox, caplog):
    """INFO may be forbidden."""
    server = own_redis()
    outbox = connect_outbox(f"redis://shop:x@127.0.0.1:{server.port}")
    with server.client() as raw:
        raw.execute_command("ACL", "SETUSER", "shop", "on", ">x", "~tiktok-events:*", *RIGHTS)
        outbox.put([record(0)])

        (one,) = claim(outbox)
        assert one.record == record(0)
        outbox.nack([one], delay=0, reason="x")
        outbox.dead_letter(claim(outbox), reason="x")
        assert outbox.replay() == 1
        outbox.put(records(2))
        assert (outbox.depth(), outbox.age() < 60, outbox.due_in({WEB})) == (3, True, 0)
        outbox.ack(claim(outbox))
        assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []
        with raises(tt.OutboxUnavailable, match="NoPermissionError|NOPERM"):
            outbox.config_warnings()


def test_a_cluster_keeps_what_belongs_together_in_one_place(own_redis, connect_outbox):
    """One node that serves all slots refuses commands across them as many nodes would. Several nodes were not tried."""
    server = own_redis("--cluster-enabled", "yes", "--cluster-port", str(servers.closed_port()))
    outbox = connect_outbox(server.url, streams=3)
    with server.client() as raw:
        raw.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while b"cluster_state:ok" not in raw.execute_command("CLUSTER", "INFO"):
            pass
    for number in range(3):
        outbox.put([record(f"{number}-{n}") for n in range(4)])
    claims = [one for _ in range(3) for one in claim(outbox)]
    assert len(claims) == outbox.depth() == 12
    outbox.ack(claims[:6])
    outbox.nack(claims[6:10], delay=0, reason="x")
    outbox.dead_letter(claims[10:], reason="refused")

    assert outbox.depth() == 4
    assert outbox.due_in({WEB}) == 0
    assert outbox.replay() == 2
    assert len(ids(claim(outbox))) > 0


def test_ci_never_skips(monkeypatch):
    """A machine that should have a server and has none fails the run."""
    monkeypatch.setattr(redis_process, "PROGRAM", None)
    if redis_process.BARE:
        pytest.skip("a bare installation has no redis-py")
    monkeypatch.delenv("CI", raising=False)
    assert redis_process.missing() == "there is no redis-server on this machine"
    monkeypatch.setenv("CI", "true")

    with pytest.raises(AssertionError):
        redis_process.missing()
