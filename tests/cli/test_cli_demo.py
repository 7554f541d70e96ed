"""`demo` and `manager`: what is counted is what happened."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import urllib.request

import pytest

from tiktok_events.cli.day import SHOPS, a_day
from tiktok_events.cli.demo import ORDER, compare


def test_a_day_is_the_same_every_time():
    """The day is a pure function of its arguments."""
    assert a_day(50, seed=3) == a_day(50, seed=3)
    assert a_day(50, seed=3) != a_day(50, seed=4)


@pytest.mark.parametrize("seed", range(5))
def test_a_day_is_like_a_shop_s(seed):
    """20 to 35 % of visitors block the pixel, both shops sell under their own name, some orders have no page."""
    day = a_day(seed=seed)

    assert 0.20 <= day.blocked_share <= 0.35
    assert set(day.truth) == set(ORDER)
    assert {step.event for visit in day.visits if visit.shop is SHOPS[0] for step in visit.steps} >= {"CompletePayment"}
    assert any(not step.on_page for visit in day.visits for step in visit.steps)
    keys = [(visit.shop, step.event, step.key) for visit in day.visits for step in visit.steps]
    assert len(set(keys)) == len(keys)


def test_demo_counts_what_happened(run):
    """Over a real socket: the counted column equals the truth, the browser's is lower, both without an id higher."""
    ran = run("demo", "--once", "--format", "json")

    report = json.loads(ran.stdout)
    assert ran.returncode == 0, ran.stderr
    assert report["ok"]
    assert [row["event"] for row in report["events"]] == list(ORDER)
    for row in report["events"]:
        assert row["counted"] == row["happened"] > row["browser"] > 0
        assert row["without_id"] == row["browser"] + row["server"] > row["happened"]


def test_table_says_the_same(run):
    """The table's last column equals its first, for every event, and it says so; it fits 80 columns."""
    ran = run("demo", "--once", "--visitors", "60")

    rows = re.findall(r"^(\w+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)", ran.stdout, re.MULTILINE)
    assert ran.returncode == 0, ran.stderr
    assert [row[0] for row in rows] == [*ORDER, "Total"]
    assert all(row[1] == row[5] for row in rows)
    assert "Counted = happened" in ran.stdout
    assert all(len(line) <= 90 for line in ran.stdout.splitlines())


def test_a_wrong_count_is_noticed():
    """A manager that counts otherwise makes no good table."""
    rows = compare(
        a_day(20), {"events": [{"event": "ViewContent", "conversions": 1, "browser_alone": 1, "server_alone": 1}]}
    )

    assert rows[0].counted != rows[0].happened


def test_demo_stays_until_ctrl_c(outside):
    """Without --once the page stays, its address is printed, and Ctrl-C ends it quietly."""
    with subprocess.Popen(
        **outside("demo", "--visitors", "20"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        url = next(line for line in process.stdout if line.startswith("Events Manager")).split()[-1]
        with urllib.request.urlopen(f"{url}/api/summary", timeout=5) as answer:
            summary = json.load(answer)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert summary["conversions"] > 20
    assert process.returncode == 0
    assert errors == ""


def test_manager_prints_what_to_set(outside, run, tmp_path, free_port):
    """`manager` says its address and the variable to set, and `send` uses it."""
    command = outside("manager", "--port", free_port, "--check-token", TIKTOK_ACCESS_TOKEN="secret")
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        set_this = next(line for line in process.stdout if line.startswith("Set")).split()[-1]
        name, _, url = set_this.partition("=")
        (tmp_path / "x.jsonl").write_text('{"event": "Contact", "event_time": 1789990000}\n')
        told = [
            run("send", "x.jsonl", **{name: url}, TIKTOK_ACCESS_TOKEN=token).returncode for token in ("wrong", "secret")
        ]
        taken = run("manager", "--port", free_port)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert name == "TIKTOK_API_URL"
    assert told == [1, 0]
    assert taken.returncode == 2
    assert "port" in taken.stderr
    assert "Traceback" not in taken.stderr


@pytest.mark.parametrize(
    ("options", "told"), [(["--check-token"], "TIKTOK_ACCESS_TOKEN"), (["--host", "0.0.0.0"], "allow")]
)
def test_manager_explains_what_it_cannot_do(invoke, options, told):
    """A token to check must be there, and a host that others reach must be named."""
    result = invoke("manager", *options)

    assert result.exit_code == 2
    assert told in result.stderr
