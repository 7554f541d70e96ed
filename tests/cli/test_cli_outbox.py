"""`outbox`: what waits, what is dead and why; replay and purge."""

from __future__ import annotations

import json

import pytest

import tiktok_events as tt

WEB = ("web", "C0EXAMPLE0EXAMPLE000", None)
DATA = b'{"user":{"email":"zzpii"}}'


@pytest.fixture
def outbox(tmp_path):
    """An outbox with one event that waits and three that are dead."""
    outbox = tt.SQLiteOutbox(tmp_path / "tiktok.db")
    outbox.put([tt.Record(*WEB, name, DATA) for name in ("d0", "d1", "d2")])
    for claim in outbox.claim(3, lease=30, routes={WEB}):
        outbox.dead_letter([claim], reason=f"TikTok answered 40002: {claim.record.event_id} is invalid")
    outbox.put([tt.Record(*WEB, "e0", DATA)])
    yield outbox
    outbox.close()


@pytest.fixture
def ask(invoke, tmp_path, outbox):
    """Run a command of the group on it."""

    def asked(command, *arguments, code=0, **options):
        result = invoke("outbox", command, "--outbox", f"sqlite:///{tmp_path}/tiktok.db", *arguments, **options)
        assert result.exit_code == code, result.output
        assert "zzpii" not in result.output
        return result.output

    return asked


def test_status_counts(ask):
    """For people and for programs."""
    assert ask("status").splitlines() == ["Waiting  1", "Oldest   0 seconds ago", "Dead     3"]
    assert json.loads(ask("status", "--format", "json")) == {"waiting": 1, "oldest_seconds": 0, "dead": 3}


def test_dead_lists_ids_and_reasons(ask):
    """The newest, the last one at the end; never the data."""
    rows = [json.loads(line) for line in ask("dead", "--format", "json", "--limit", 2).splitlines()]

    assert [(row["event_id"], row["reason"]) for row in rows] == [
        ("d1", "TikTok answered 40002: d1 is invalid"),
        ("d2", "TikTok answered 40002: d2 is invalid"),
    ]
    table = ask("dead")
    assert table.index("d0") < table.index("d2")
    assert "C0EXAMPLE0EXAMPLE000" in table


def test_replay_puts_back(ask, outbox):
    """Those named, or all."""
    assert ask("replay", "d1") == "1 moved back\n"
    assert [letter.record.event_id for letter in outbox.dead()] == ["d0", "d2"]
    assert ask("replay", "--all") == "2 moved back\n"
    assert outbox.depth() == 4
    assert ask("dead") == "No dead events.\n"


def test_purge_forgets(ask, outbox):
    """Those named at once; all after a yes."""
    assert ask("purge", "d1") == "1 deleted\n"
    assert "--yes" in ask("purge", "--all", code=2)
    assert ask("purge", "--all", "--yes") == "2 deleted\n"
    assert outbox.dead() == []
    assert outbox.depth() == 1


def test_which_ones_must_be_said(ask, outbox):
    """Neither none nor both; an id that is not there is told of."""
    for command in ("replay", "purge"):
        assert "--all" in ask(command, code=2)
        assert "--all" in ask(command, "d0", "--all", code=2)
        assert "1 of these ids are not dead letters" in ask(command, "nobody", code=1)
    assert len(outbox.dead()) == 3


def test_looking_makes_no_file(invoke, tmp_path):
    """A mistyped path is told of, not opened."""
    result = invoke("outbox", "status", "--outbox", "sqlite:///nowhere.db")

    assert result.exit_code == 2
    assert "Wrong path, or nothing was queued yet" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_redis_that_is_down_is_told_of(run, free_port):
    """Shortly, with 1, and without the password."""
    done = run("outbox", "status", "--outbox", f"redis://:zzpii@127.0.0.1:{free_port}/0")

    assert done.returncode == 1
    assert "zzpii" not in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()
