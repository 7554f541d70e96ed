"""A keyed event is stored once for 28 days: in every kind of outbox, process and host."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from marker_hook import raises
from records import APP, DATA, FORKS_WITH_THREADS, LINUX, TEST, WEB, ids, in_child, keyed

import tiktok_events as tt
from tiktok_events._outbox.protocol import WritesLater

DAY = 86_400


def unkeyed(number):
    """The record of an event without one."""
    return tt.Record(*WEB, f"u{number}", DATA)


class Later:
    """What an outbox says after `put` has returned."""

    def __init__(self):
        self.repeated = []

    def call(self, repeated):
        """One write."""
        self.repeated += repeated


@pytest.fixture
def days(kind):
    """Let days pass: for a Redis, by the clock that its outboxes are given."""
    now = [1_800_000_000.0]
    if not hasattr(kind, "server"):
        return lambda number: kind.pass_time(number * DAY / kind.unit)
    make = kind.make
    kind.make = lambda **settings: make(**{"clock": lambda: now[0], **settings})

    def pass_days(number):
        now[0] += number * DAY

    return pass_days


def deliver(outbox, claim):
    """Deliver everything; whose it was."""
    delivered = []
    while claims := claim(outbox):
        delivered += ids(claims)
        outbox.ack(claims)
    return delivered


def test_a_waiting_key_is_not_stored_again(kind, claim):
    """The second put changes nothing, and says so."""
    outbox, later = kind.outbox(), Later()
    if isinstance(outbox, WritesLater):
        outbox.on_repeated(WEB, later.call)
    outbox.put([keyed(1)])
    result = outbox.put([keyed(1)])

    assert outbox.depth() == 1
    assert deliver(outbox, claim) == ["k1"]
    if kind.__class__.__name__ == "SQLiteGroup":  # a group is written later
        assert [one.event_id for one in later.repeated] == ["k1"]
    else:
        assert [one.event_id for one in result.repeated] == ["k1"]
        assert result == ()
        assert later.repeated == []


def test_a_delivered_key_is_not_stored_again(kind, claim):
    """Also when its record is gone."""
    outbox = kind.outbox()
    outbox.put([keyed(1), unkeyed(1)])
    assert sorted(deliver(outbox, claim)) == ["k1", "u1"]
    outbox.put([keyed(1), unkeyed(1), keyed(2)])

    assert sorted(deliver(outbox, claim)) == ["k2", "u1"]


def test_a_claimed_key_is_not_stored_again(kind, claim):
    """While a worker delivers it, and after it was given back."""
    outbox = kind.outbox()
    outbox.put([keyed(1)])
    held = claim(outbox)
    outbox.put([keyed(1)])
    assert claim(outbox) == []
    outbox.nack(held, delay=0, reason="busy")
    outbox.put([keyed(1)])

    assert deliver(outbox, claim) == ["k1"]


def test_a_key_twice_in_one_put_is_stored_once(kind, claim):
    """A file of orders may have one twice."""
    outbox = kind.outbox()
    result = outbox.put([keyed(1), keyed(2), keyed(1), keyed(1)])

    assert outbox.depth() == 2
    assert sorted(deliver(outbox, claim)) == ["k1", "k2"]
    if kind.__class__.__name__ != "SQLiteGroup":
        assert result.repeated == [("k1", 0.0)] * 2


@pytest.mark.parametrize("passed", [3, 27, 27.9])
def test_days_later_it_is_remembered(kind, claim, days, passed):
    """A webhook is repeated after 3 days, an old e-mail opened after 27."""
    outbox = kind.outbox()
    outbox.put([keyed(1)])
    deliver(outbox, claim)
    days(passed)
    result = outbox.put([keyed(1)])

    assert outbox.depth() == 0
    if kind.__class__.__name__ != "SQLiteGroup":
        assert result.repeated == [("k1", pytest.approx(passed * DAY, abs=60))]


def test_after_28_days_it_is_forgotten(kind, claim, days):
    """TikTok accepts no older event either."""
    outbox = kind.outbox()
    outbox.put([keyed(1)])
    deliver(outbox, claim)
    days(28.1)
    outbox.put([keyed(1)])

    assert deliver(outbox, claim) == ["k1"]
    days(3)
    outbox.put([keyed(1)])
    assert outbox.depth() == 0


def test_another_number_of_days(kind, claim, days):
    """`remember_keys` is in days."""
    outbox = kind.outbox(remember_keys=1.5)
    for passed, expected in ((0, ["k1"]), (1.4, []), (0.2, ["k1"])):
        days(passed)
        outbox.put([keyed(1)])
        assert deliver(outbox, claim) == expected


def test_0_turns_it_off(kind, claim):
    """Then a key counts once by TikTok's 48 hours alone."""
    outbox = kind.outbox(remember_keys=0)
    outbox.put([keyed(1), keyed(1)])
    outbox.put([keyed(1)])

    assert deliver(outbox, claim) == ["k1"] * 3


def test_an_outbox_that_remembers_no_keys_leaves_those_of_others(kind, claim):
    """Two processes may be configured differently."""
    outbox = kind.outbox()
    if outbox.scope == "process":
        pytest.skip("an outbox in memory is of one process")
    outbox.put([keyed(1)])
    assert outbox.depth() == 1  # a group is written now
    other = kind.outbox(remember_keys=0)
    other.put([keyed(2)])
    deliver(other, claim)

    outbox.put([keyed(1)])
    assert outbox.depth() == 0


@pytest.mark.parametrize("days", [-1, float("inf"), float("nan")])
def test_a_wrong_number_of_days_is_refused(kind, days):
    """At construction."""
    with raises(ValueError, match="remember_keys"):
        kind.outbox(remember_keys=days)


def test_a_dead_letter_may_be_put_again(kind, claim):
    """It was not counted."""
    outbox = kind.outbox()
    outbox.put([keyed(1)])
    outbox.dead_letter(claim(outbox), reason="refused")
    outbox.put([keyed(1)])

    assert deliver(outbox, claim) == ["k1"]
    assert ids(outbox.dead()) == ["k1"]


def test_a_replayed_dead_letter_is_remembered(kind, claim):
    """It waits again, with its key."""
    outbox = kind.outbox()
    outbox.put([keyed(1), unkeyed(1)])
    outbox.dead_letter(claim(outbox), reason="refused")
    assert [letter.record.is_keyed for letter in sorted(outbox.dead(), key=lambda one: one.record.event_id)] == [
        True,
        False,
    ]
    assert outbox.replay() == 2
    outbox.put([keyed(1), unkeyed(1)])

    assert sorted(deliver(outbox, claim)) == ["k1", "u1", "u1"]


def test_a_purged_dead_letter_may_be_put_again(kind, claim):
    """Nothing of it is left."""
    outbox = kind.outbox()
    outbox.put([keyed(1)])
    outbox.dead_letter(claim(outbox), reason="refused")
    outbox.purge()
    outbox.put([keyed(1)])

    assert deliver(outbox, claim) == ["k1"]


def test_the_key_is_of_one_source(kind, claim):
    """Another pixel, or a test event, is another conversion."""
    outbox = kind.outbox()
    for route in (WEB, TEST, APP, WEB, TEST, APP):
        outbox.put([keyed(1, route)])

    assert outbox.depth() == 3
    assert deliver(outbox, claim) == ["k1"] * 3


def test_what_was_refused_is_not_remembered(kind, claim):
    """All or none: there was no room for it."""
    outbox = kind.outbox(max_events=2)
    outbox.put([unkeyed(1)])
    outbox.depth()
    with raises(tt.OutboxFull):
        outbox.put([keyed(1), keyed(2)])
    deliver(outbox, claim)
    if kind.__class__.__name__ == "Redis":
        outbox = kind.outbox(max_events=2)  # another process counts anew
    outbox.put([keyed(1), keyed(2)])

    assert sorted(deliver(outbox, claim)) == ["k1", "k2"]


def test_a_full_outbox_takes_a_repeat(kind):
    """It needs no room. A Redis and a group count what they are given."""
    if kind.__class__.__name__ in ("Redis", "SQLiteGroup"):
        pytest.skip("room is counted before keys are read")
    outbox = kind.outbox(max_events=1)
    outbox.put([keyed(1)])

    assert [one.event_id for one in outbox.put([keyed(1)]).repeated] == ["k1"]


@LINUX
@FORKS_WITH_THREADS
def test_a_forked_child_remembers(kind, claim):
    """What its parent put, waiting or delivered."""
    outbox = kind.outbox()
    outbox.put([keyed(1)])
    deliver(outbox, claim)
    outbox.put([keyed(2)])
    outbox.depth()

    def put_both():
        outbox.put([keyed(1), keyed(2), keyed(3)])
        depth = outbox.depth()
        outbox.close()
        return depth

    assert in_child(put_both) == (1 if outbox.scope == "process" else 2)


PUT = """
import json, sys, tiktok_events as tt
outbox = eval(sys.argv[1], {"tt": tt})
result = outbox.put([tt.Record("web", "C0EXAMPLE0EXAMPLE000", None, key, b"{}", True) for key in sys.argv[2:]])
outbox.close()
print(json.dumps([outbox.depth(), sorted(one.event_id for one in result.repeated)]))
"""


def test_another_process_remembers(kind, tmp_path, claim):
    """And the same after a restart: with files and servers, nothing is in the memory of a process."""
    if kind.outbox().scope == "process":
        pytest.skip("an outbox in memory is of one process")
    made = (
        f"tt.RedisOutbox({kind.server.url!r})"
        if hasattr(kind, "server")
        else f"tt.SQLiteOutbox({str(tmp_path / 'outbox.db')!r}, wall_clock=lambda: 1_800_000_000)"
    )

    def put(*keys):
        ran = subprocess.run([sys.executable, "-c", PUT, made, *keys], capture_output=True, text=True, check=True)
        return json.loads(ran.stdout)

    assert put("k1", "k2") == [2, []]
    assert put("k1", "k3") == [3, ["k1"]]
    deliver(kind.outbox(), claim)
    assert put("k1", "k2", "k3", "k4") == [1, ["k1", "k2", "k3"]]
