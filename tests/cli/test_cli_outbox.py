"""Tests of `outbox`: status, dead letters, replay and purge."""

from __future__ import annotations

import json

import pytest

import tiktok_events as tt

WEB = ("web", "C0EXAMPLE0EXAMPLE000", None)
DATA = b'{"user":{"email":"zzpii"}}'


@pytest.fixture
def outbox(tmp_path):
    """An outbox with one waiting event and three dead letters."""
    outbox = tt.SQLiteOutbox(tmp_path / "tiktok.db")
    outbox.put([tt.Record(*WEB, name, DATA) for name in ("d0", "d1", "d2")])
    for claim in outbox.claim(3, lease=30, routes={WEB}):
        outbox.dead_letter([claim], reason=f"TikTok answered 40002: {claim.record.event_id} is invalid")
    outbox.put([tt.Record(*WEB, "e0", DATA)])
    yield outbox
    outbox.close()


@pytest.fixture
def run_outbox(invoke, tmp_path, outbox):
    """Run a command of the group on the outbox. The output never contains the data of events."""

    def run_command(command, *arguments, code=0, **options):
        result = invoke("outbox", command, "--outbox", f"sqlite:///{tmp_path}/tiktok.db", *arguments, **options)
        assert result.exit_code == code, result.output
        assert "zzpii" not in result.output
        return result.output

    return run_command


def test_status_prints_counts(run_outbox):
    """`status` prints text or JSON."""
    assert run_outbox("status").splitlines() == ["Waiting  1", "Oldest   0 seconds ago", "Dead     3"]
    assert json.loads(run_outbox("status", "--format", "json")) == {"waiting": 1, "oldest_seconds": 0, "dead": 3}


def test_dead_lists_ids_and_reasons(run_outbox):
    """`dead` lists the newest dead letters, the newest last, without their data."""
    rows = [json.loads(line) for line in run_outbox("dead", "--format", "json", "--limit", 2).splitlines()]

    assert [(row["event_id"], row["reason"]) for row in rows] == [
        ("d1", "TikTok answered 40002: d1 is invalid"),
        ("d2", "TikTok answered 40002: d2 is invalid"),
    ]
    table = run_outbox("dead")
    assert table.index("d0") < table.index("d2")
    assert "C0EXAMPLE0EXAMPLE000" in table


def test_replay_moves_dead_letters_back(run_outbox, outbox):
    """`replay` moves the given ids or all dead letters."""
    assert run_outbox("replay", "d1") == "1 moved back\n"
    assert [letter.record.event_id for letter in outbox.dead()] == ["d0", "d2"]
    assert run_outbox("replay", "--all") == "2 moved back\n"
    assert outbox.depth() == 4
    assert run_outbox("dead") == "No dead letters.\n"


def test_purge_deletes_dead_letters(run_outbox, outbox):
    """`purge` deletes the given ids at once; --all needs a confirmation or --yes."""
    assert run_outbox("purge", "d1") == "1 deleted\n"
    assert "--yes" in run_outbox("purge", "--all", code=2)
    assert run_outbox("purge", "--all", "--yes") == "2 deleted\n"
    assert outbox.dead() == []
    assert outbox.depth() == 1


def test_replay_and_purge_need_ids_or_all(run_outbox, outbox):
    """Either ids or --all must be given, and an unknown id is reported."""
    for command in ("replay", "purge"):
        assert "--all" in run_outbox(command, code=2)
        assert "--all" in run_outbox(command, "d0", "--all", code=2)
        assert "1 id is not a dead letter" in run_outbox(command, "unknown", code=1)
    assert len(outbox.dead()) == 3


def test_missing_file_is_reported_not_created(invoke, tmp_path):
    """A path without an outbox is an error, and no file is created."""
    result = invoke("outbox", "status", "--outbox", "sqlite:///nowhere.db")

    assert result.exit_code == 2
    assert "Wrong path, or nothing was queued yet" in result.output
    assert list(tmp_path.iterdir()) == []


def test_unreachable_redis_is_reported(run, free_port):
    """The message is short and without the password, and the exit code is 1."""
    result = run("outbox", "status", "--outbox", f"redis://:zzpii@127.0.0.1:{free_port}/0")

    assert result.returncode == 1
    assert "zzpii" not in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stderr.strip()
