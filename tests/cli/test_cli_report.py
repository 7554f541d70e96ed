"""`tiktok-events report` against a manager on a real socket, and the file of one."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

NOW_FIELDS = {"event_source": "web", "event_source_id": "C0EXAMPLE0EXAMPLE000"}
NAME = "<b>Sale | now</b>"


def send(manager, **fields):
    """Let the manager receive one event."""
    import time

    event = {
        "event": "Purchase",
        "event_time": int(time.time()),
        "event_id": "o-1",
        "user": {"email": "0" * 64},
        "page": {"url": "https://shop.example/thanks"},
        "properties": {"value": 5, "currency": "EUR", "contents": [{"content_id": "a", "price": 5, "quantity": 1}]},
    }
    body = json.dumps({**NOW_FIELDS, "data": [{**event, **fields}]}).encode()
    request = urllib.request.Request(f"{manager.api_url}/event/track/", body, {"Access-Token": "example-token"})
    urllib.request.urlopen(request, timeout=5).close()


def test_a_good_report(manager, run):
    """Figures, and exit code 0."""
    send(manager)
    ran = run("report", "--url", manager.url)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("No mistake found in 1 event.\n")
    assert "        1  conversions\n" in ran.stdout


def test_no_event_yet(manager, run):
    """It says so, and is no error."""
    ran = run("report", "--url", manager.url)

    assert (ran.returncode, ran.stdout.splitlines()[0]) == (0, "No event yet.")


@pytest.mark.parametrize("format_", ["text", "md", "html", "json"])
def test_errors_are_reported(manager, run, format_):
    """With the fix, escaped as the format needs it, and exit code 1."""
    send(manager, properties={"value": "5,00", "currency": "EUR"})
    send(manager, event=NAME, event_id="o-2")
    ran = run("report", "--url", manager.url, "--format", format_)

    assert ran.returncode == 1
    assert "value-malformed" in ran.stdout
    assert "no thousands separator" in ran.stdout
    if format_ == "json":
        found = json.loads(ran.stdout)
        assert found["summary"]["rejected"] == 1
        assert [one["id"] for one in found["findings"] if one["severity"] == "error"] == ["value-malformed"]
    elif format_ != "text":
        assert "<b>" not in ran.stdout
        assert "&lt;b&gt;Sale" in ran.stdout


def test_the_file_of_a_manager(run, tmp_path: Path):
    """Without a manager that runs."""
    from tiktok_events.events_manager import running

    path = tmp_path / "events.sqlite3"
    with running(db=path) as manager:
        send(manager, event_id=5)
        assert next(one["id"] for one in manager.findings()) == "wrong-type"
    ran = run("report", "--db", path)

    assert ran.returncode == 1
    assert "wrong-type" in ran.stdout


def test_bad_addresses_and_files(run, tmp_path: Path):
    """Exit code 2, with what to do."""
    nobody = run("report", "--url", "http://127.0.0.1:9")
    away = run("report", "--url", "https://example.com")
    (tmp_path / "no.db").write_text("no database", "ascii")
    wrong = run("report", "--db", tmp_path / "no.db")

    assert [one.returncode for one in (nobody, away, wrong)] == [2, 2, 2]
    assert "Start one with `tiktok-events manager`" in " ".join(nobody.stderr.split())
    assert "on this machine" in " ".join(away.stderr.split())
    assert "SQLite" in wrong.stderr
