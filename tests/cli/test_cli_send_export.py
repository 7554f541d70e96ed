"""`send` with a shop's export: ten thousand lines, three hundred of them wrong, and nothing lost or counted twice."""

from __future__ import annotations

import signal
import stat
import subprocess
import time
from collections import Counter

import pytest
from shop_export import OPTIONS, WRONGS, Export, export

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def shop() -> Export:
    """10,000 lines with 300 wrong ones of 30 kinds."""
    return export()


@pytest.fixture
def file(shop, tmp_path):
    """The export on disk."""
    path = tmp_path / "orders.csv"
    path.write_bytes(shop.content)
    return path


def test_export_is_what_it_says(shop):
    """The measure holds 10,000 lines, and each of 30 kinds of error ten times."""
    assert shop.content.count(b"\n") == 10_001
    assert len(WRONGS) == 30
    assert len(shop.wrong) == 300


def test_good_lines_are_delivered_and_bad_ones_explained(shop, file, manager, run, rejected):
    """9,700 are counted once, 300 are kept with their rule, each line once; and no value is printed."""
    ran = run("send", file, "--port", manager.url.rpartition(":")[2], *OPTIONS)

    assert ran.returncode == 1, ran.stderr
    assert manager.summary()["conversions"] == 9_700
    assert manager.summary()["rejected"] == 0
    kept = rejected(file.with_name("orders.csv.rejected.jsonl"))
    assert Counter(one["line"] for one in kept) == Counter(dict.fromkeys(shop.wrong, 1))
    assert {one["line"]: one["problems"][0]["rule"] for one in kept} == shop.wrong
    assert all(problem["fix"] and problem["message"] for one in kept for problem in one["problems"])
    assert "9,700  delivered" in ran.stdout
    assert "300  refused" in ran.stdout
    assert "zzpii" not in (ran.stdout + ran.stderr).lower()


def test_kept_lines_are_the_lines_themselves(shop, file, manager, run, rejected):
    """What is kept can be mended and sent again: the line as it was, readable by its owner alone."""
    run("send", file, "--port", manager.url.rpartition(":")[2], *OPTIONS)

    path = file.with_name("orders.csv.rejected.jsonl")
    lines = shop.content.split(b"\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for one in rejected(path):
        assert one["item"].encode("utf-8", "surrogateescape") == lines[one["line"] - 1]


def test_killed_and_run_again_counts_once(shop, file, manager, fault, outside, run):
    """kill -9 between two answers, and the same command again: 9,700 conversions, not one twice."""
    fault({"code": 0, "times": 4}, {"delay": 30})
    port = manager.url.rpartition(":")[2]
    process = subprocess.Popen(
        **outside("send", file, "--port", port, *OPTIONS), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _wait_for(lambda: manager.summary()["received"] >= 3_000)
    process.send_signal(signal.SIGKILL)
    process.wait()
    delivered = manager.summary()["conversions"]
    fault()
    ran = run("send", file, "--port", port, *OPTIONS)

    assert 0 < delivered < 9_700
    assert ran.returncode == 1, ran.stderr
    summary = manager.summary()
    assert summary["conversions"] == 9_700
    assert summary["dropped"] + summary["merged"] >= delivered


def test_lines_without_a_key_count_once_over_two_runs(shop, file, manager, run):
    """Without an order number the id is made from what the line says, so a second run still counts nothing twice."""
    options = ["--event", "Purchase", *(word.replace("Name=key", "Name=") for word in OPTIONS[2:])]
    for _ in range(2):
        run("send", file, "--port", manager.url.rpartition(":")[2], *options)

    assert manager.summary()["conversions"] == 9_700


def test_what_the_network_kept_is_kept(shop, file, run, rejected, free_port):
    """Nobody listens: nothing is delivered, and every line is in the file, the bad ones with their rules."""
    ran = run("send", file, "--port", free_port, *OPTIONS)

    kept = rejected(file.with_name("orders.csv.rejected.jsonl"))
    assert ran.returncode == 1
    assert sorted(one["line"] for one in kept) == list(range(2, 10_002))
    assert sum("problems" in one for one in kept) == 300
    assert "9,700  not sent" in ran.stdout


def test_ctrl_c_keeps_what_was_not_sent(shop, file, manager, fault, outside, rejected):
    """Ctrl-C while TikTok is slow: 130 at once, and delivered and kept lines make up the file."""
    fault({"code": 0, "times": 3}, {"delay": 30})
    command = outside("send", file, "--port", manager.url.rpartition(":")[2], *OPTIONS)
    process = subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    _wait_for(lambda: manager.summary()["received"] >= 2_900)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=10)

    kept = rejected(file.with_name("orders.csv.rejected.jsonl"))
    assert process.returncode == 130
    numbers = [one["line"] for one in kept]
    assert len(set(numbers)) == len(numbers)
    delivered = 3_000 - sum(number <= 3_001 for number in shop.wrong)
    assert len(kept) == 10_000 - delivered
    assert f"{delivered:,}  delivered" in out.decode()


def _wait_for(condition, patience=30.0):
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)
