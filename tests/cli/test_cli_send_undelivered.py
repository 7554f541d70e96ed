"""`send` when lines do not arrive: which are refused and which unsent, what is kept of them, and what is said."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest
from event_lines import LINE, jsonl

pytestmark = pytest.mark.programs


def test_dead_port_keeps_every_line(run, file, rejected, free_port):
    """Nobody answers: unsent is not refused, and the line is kept with the reason."""
    ran = run("send", file, "--to", "local", "--port", free_port)

    (kept,) = rejected(file.with_name("events.jsonl.rejected.jsonl"))
    assert ran.returncode == 1
    assert kept.keys() == {"line", "error", "item"}
    assert json.loads(kept["item"]) == LINE
    assert "1  not sent" in ran.stdout


@pytest.mark.parametrize(
    ("code", "told"), [(40001, "not sent"), (40105, "not sent"), (40062, "refused"), (20001, "uncertain")]
)
def test_answers_of_tiktok_are_told_apart(invoke, file, port, fault, rejected, code, told):
    """A token's fault leaves lines unsent, an event's refuses them, a partial success is neither; all are kept."""
    fault({"code": code, "times": 5})
    result = invoke("send", file, "--port", port)

    assert result.exit_code == 1
    assert f"1  {told}" in result.stdout
    assert len(rejected(file.with_name("events.jsonl.rejected.jsonl"))) == 1


def test_refused_credentials_end_the_sending(invoke, file, port, fault, manager):
    """After a refused token no further request is made: the rest is unsent."""
    file.write_text(jsonl(*({**LINE, "event_id": str(number)} for number in range(3_000))))
    fault({"code": 40105, "times": 1})
    result = invoke("send", file, "--port", port)

    assert "3,000  not sent" in result.stdout
    assert manager.summary()["accepted"] == 0


def test_old_rejected_file_goes_when_all_is_well(invoke, file, port):
    """The file of rejected lines speaks of the last run only."""
    file.with_name("events.jsonl.rejected.jsonl").write_text('{"line": 1}\n')

    assert invoke("send", file, "--port", port).exit_code == 0
    assert not file.with_name("events.jsonl.rejected.jsonl").exists()


def test_link_in_place_of_the_rejected_file_is_not_followed(invoke, file, port, tmp_path):
    """A link that somebody left there keeps its target as it was."""
    precious = tmp_path / "precious"
    precious.write_text("precious")
    file.with_name("events.jsonl.rejected.jsonl").symlink_to(precious)
    file.write_text("nonsense\n")

    assert invoke("send", file, "--port", port).exit_code == 1
    assert precious.read_text() == "precious"


def test_hostile_contents_reach_no_terminal(run, tmp_path, port):
    """Escapes and markup in lines, keys, columns and file names are spelled out or left out."""
    esc = "\x1b[31m[bold red]zzpii\u202e"
    path = tmp_path / "\x1b[2J[red]x.jsonl"
    path.write_text(jsonl({**LINE, esc: 1}, {**LINE, "user": {esc: 1}}, {**LINE, "event": esc, "extra": {esc: 1}}, esc))
    table = tmp_path / "x.csv"
    table.write_text(f"event,{esc}\n1,2\n")
    told = [run("send", one, "--port", port) for one in (path, table)]

    assert [one.returncode for one in told] == [1, 2]
    for one in told:
        assert "\x1b" not in one.stdout + one.stderr
        assert "\u202e" not in one.stdout + one.stderr
    assert "[red]x.jsonl" in told[0].stdout.replace("\n", "")


def test_ctrl_c_ends_the_wait_for_a_pipe(outside, tmp_path, port, rejected):
    """What was read from a pipe that is still open is kept, not waited for."""
    command = outside("send", "-", "--format", "jsonl", "--port", port)
    process = subprocess.Popen(**command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(jsonl(LINE, LINE).encode())
    process.stdin.flush()
    for line in process.stderr:
        if line.startswith(b"Source"):
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=10)
    out = process.stdout.read().decode()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()

    assert process.returncode == 130
    assert "2  not sent" in out
    assert [one["line"] for one in rejected(tmp_path / "stdin.rejected.jsonl")] == [1, 2]


def test_reader_that_leaves_is_no_error_of_the_file(outside, file):
    """A report cut off by `head` ends quietly."""
    file.write_text("nonsense\n" * 100)
    process = subprocess.Popen(**outside("send", file, "--dry-run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()

    assert process.wait(timeout=20) == 1
    assert "Traceback" not in errors
    assert "Usage" not in errors
