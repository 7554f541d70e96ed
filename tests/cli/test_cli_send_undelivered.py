"""Tests of `send` when lines are not delivered: refused, unsent and uncertain lines, the rejected file and the output."""

from __future__ import annotations

import json
import signal
import subprocess
import time

import pytest
from event_lines import LINE, jsonl

pytestmark = pytest.mark.programs


def test_unreachable_server_leaves_lines_unsent(run, file, rejected, free_port):
    """If no server listens, the line counts as unsent and is written to the rejected file with the reason."""
    result = run("send", file, "--to", "local", "--port", free_port)

    (row,) = rejected(file.with_name("events.jsonl.rejected.jsonl"))
    assert result.returncode == 1
    assert row.keys() == {"line", "error", "item"}
    assert json.loads(row["item"]) == LINE
    assert "1  not sent" in result.stdout


@pytest.mark.parametrize(
    ("code", "label"), [(40001, "not sent"), (40105, "not sent"), (40062, "refused"), (20001, "uncertain")]
)
def test_error_codes_decide_between_unsent_refused_and_uncertain(invoke, file, port, fault, rejected, code, label):
    """A token error leaves lines unsent, an event error refuses them, a partial success is uncertain; all are recorded."""
    fault({"code": code, "times": 5})
    result = invoke("send", file, "--port", port)

    assert result.exit_code == 1
    assert f"1  {label}" in result.stdout
    assert len(rejected(file.with_name("events.jsonl.rejected.jsonl"))) == 1


def test_rejected_token_stops_sending(invoke, file, port, fault, manager):
    """After a rejected token no further request is made, and the remaining lines are unsent."""
    file.write_text(jsonl(*({**LINE, "event_id": str(number)} for number in range(3_000))))
    fault({"code": 40105, "times": 1})
    result = invoke("send", file, "--port", port)

    assert "3,000  not sent" in result.stdout
    assert manager.summary()["accepted"] == 0


def test_old_rejected_file_is_deleted_on_success(invoke, file, port):
    """The rejected file has the lines of the last run only."""
    file.with_name("events.jsonl.rejected.jsonl").write_text('{"line": 1}\n')

    assert invoke("send", file, "--port", port).exit_code == 0
    assert not file.with_name("events.jsonl.rejected.jsonl").exists()


def test_link_in_place_of_the_rejected_file_is_not_followed(invoke, file, port, tmp_path):
    """A symbolic link at the path of the rejected file is replaced, and its target is not changed."""
    target = tmp_path / "target"
    target.write_text("target")
    file.with_name("events.jsonl.rejected.jsonl").symlink_to(target)
    file.write_text("not JSON\n")

    assert invoke("send", file, "--port", port).exit_code == 1
    assert target.read_text() == "target"


def test_hostile_contents_are_escaped(run, tmp_path, port):
    """Control characters and markup in lines, keys, columns and file names are escaped or not printed."""
    esc = "\x1b[31m[bold red]zzpii\u202e"
    path = tmp_path / "\x1b[2J[red]x.jsonl"
    path.write_text(jsonl({**LINE, esc: 1}, {**LINE, "user": {esc: 1}}, {**LINE, "event": esc, "extra": {esc: 1}}, esc))
    table = tmp_path / "x.csv"
    table.write_text(f"event,{esc}\n1,2\n")
    results = [run("send", one, "--port", port) for one in (path, table)]

    assert [one.returncode for one in results] == [1, 2]
    for one in results:
        assert "\x1b" not in one.stdout + one.stderr
        assert "\u202e" not in one.stdout + one.stderr
    assert "[red]x.jsonl" in results[0].stdout.replace("\n", "")


def test_ctrl_c_stops_reading_a_pipe(shell_command, tmp_path, port, rejected):
    """After Ctrl-C, lines read from an open pipe are recorded as unsent, and no more are read."""
    command = shell_command("send", "-", "--format", "jsonl", "--port", port)
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


def test_closed_output_pipe_is_not_an_error_of_the_file(shell_command, file):
    """If the reader of the report closes the pipe, as `head` does, there is no traceback."""
    file.write_text("not JSON\n" * 100)
    process = subprocess.Popen(
        **shell_command("send", file, "--dry-run"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    errors = process.stderr.read().decode()
    process.stderr.close()

    assert process.wait(timeout=20) == 1
    assert "Traceback" not in errors
    assert "Usage" not in errors
