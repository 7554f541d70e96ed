"""Tests of `send` with a shop's export: 10,000 lines, 300 of them invalid, no event lost or counted twice."""

from __future__ import annotations

import signal
import stat
import subprocess
import time
from collections import Counter

import pytest
from shop_export import ERROR_KINDS, OPTIONS, Export, export

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def orders() -> Export:
    """An export of 10,000 lines with 300 invalid ones of 30 kinds."""
    return export()


@pytest.fixture
def file(orders, tmp_path):
    """The export on disk."""
    path = tmp_path / "orders.csv"
    path.write_bytes(orders.content)
    return path


def test_export_has_300_invalid_lines(orders):
    """The export has 10,000 lines, with each of 30 kinds of error ten times."""
    assert orders.content.count(b"\n") == 10_001
    assert len(ERROR_KINDS) == 30
    assert len(orders.invalid) == 300


def test_good_lines_are_delivered_and_bad_ones_explained(orders, file, manager, run, rejected):
    """9,700 lines are counted once, 300 are rejected once with their rule, and no value is printed."""
    result = run("send", file, "--port", manager.url.rpartition(":")[2], *OPTIONS)

    assert result.returncode == 1, result.stderr
    assert manager.summary()["conversions"] == 9_700
    assert manager.summary()["rejected"] == 0
    rejected_lines = rejected(file.with_name("orders.csv.rejected.jsonl"))
    assert Counter(one["line"] for one in rejected_lines) == Counter(dict.fromkeys(orders.invalid, 1))
    assert {one["line"]: one["problems"][0]["rule"] for one in rejected_lines} == orders.invalid
    assert all(problem["fix"] and problem["message"] for one in rejected_lines for problem in one["problems"])
    assert "9,700  delivered" in result.stdout
    assert "300  refused" in result.stdout
    assert "zzpii" not in (result.stdout + result.stderr).lower()


def test_rejected_lines_equal_the_input(orders, file, manager, run, rejected):
    """The rejected file has the original lines, to fix and send again, and is readable by its owner only."""
    run("send", file, "--port", manager.url.rpartition(":")[2], *OPTIONS)

    path = file.with_name("orders.csv.rejected.jsonl")
    lines = orders.content.split(b"\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for one in rejected(path):
        assert one["item"].encode("utf-8", "surrogateescape") == lines[one["line"] - 1]


def test_killed_and_repeated_run_counts_once(orders, file, manager, fault, shell_command, run):
    """After kill -9 between two responses, the same command completes 9,700 conversions, none twice."""
    fault({"code": 0, "times": 4}, {"delay": 30})
    port = manager.url.rpartition(":")[2]
    process = subprocess.Popen(
        **shell_command("send", file, "--port", port, *OPTIONS), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _wait_for(lambda: manager.summary()["received"] >= 3_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    delivered = manager.summary()["conversions"]
    fault()
    result = run("send", file, "--port", port, *OPTIONS)

    assert 0 < delivered < 9_700
    assert result.returncode == 1, result.stderr
    summary = manager.summary()
    assert summary["conversions"] == 9_700
    assert summary["dropped"] + summary["merged"] >= delivered


def test_lines_without_a_key_count_once_over_two_runs(orders, file, manager, run):
    """Without a key the id is derived from the line, so a second run counts no event twice."""
    options = ["--event", "Purchase", *(word.replace("Name=key", "Name=") for word in OPTIONS[2:])]
    for _ in range(2):
        run("send", file, "--port", manager.url.rpartition(":")[2], *options)

    assert manager.summary()["conversions"] == 9_700


def test_unreachable_server_records_every_line(orders, file, run, rejected, free_port):
    """If no server listens, every line is in the rejected file, invalid ones with their rules."""
    result = run("send", file, "--port", free_port, *OPTIONS)

    rejected_lines = rejected(file.with_name("orders.csv.rejected.jsonl"))
    assert result.returncode == 1
    assert sorted(one["line"] for one in rejected_lines) == list(range(2, 10_002))
    assert sum("problems" in one for one in rejected_lines) == 300
    assert "9,700  not sent" in result.stdout


def test_ctrl_c_records_unsent_lines(orders, file, manager, fault, shell_command, rejected):
    """Ctrl-C during a slow response exits with 130, and delivered and recorded lines together are the whole file."""
    fault({"code": 0, "times": 3}, {"delay": 30})
    command = shell_command("send", file, "--port", manager.url.rpartition(":")[2], *OPTIONS)
    process = subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _wait_for(lambda: manager.summary()["received"] >= 2_900)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)

    rejected_lines = rejected(file.with_name("orders.csv.rejected.jsonl"))
    assert process.returncode == 130
    numbers = [one["line"] for one in rejected_lines]
    assert len(set(numbers)) == len(numbers)
    delivered = 3_000 - sum(number <= 3_001 for number in orders.invalid)
    assert len(rejected_lines) == 10_000 - delivered
    assert f"{delivered:,}  delivered" in out.decode()


def _wait_for(condition, timeout=30.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.02)
