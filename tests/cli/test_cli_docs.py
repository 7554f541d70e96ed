"""Tests that the files, options and outputs in the docs of `send` and `lint` match the commands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent.parent / "docs" / "how-to"
FILE = re.compile(r"```\{code-block\} \w+\n:caption: (\S+)\n\n(.*?)```", re.DOTALL)
JSON = re.compile(r"```json\n(.*?)```", re.DOTALL)
OPTION = re.compile(r"--[a-z][a-z-]+")


@pytest.fixture
def files(tmp_path):
    """Write the files that the page on `send` shows. Returns their names."""
    shown = dict(FILE.findall((DOCS / "send-a-file.md").read_text("utf-8")))
    for name, text in shown.items():
        (tmp_path / name).write_text(text)
    return sorted(shown)


def test_shown_files_have_the_same_orders(invoke, files, manager):
    """Both files are accepted and have the same keys, so the second run adds no conversion."""
    assert files == ["orders.csv", "orders.jsonl"]
    for name in files:
        result = invoke(
            "send", name, "--port", manager.url.rpartition(":")[2], "--event", "Purchase", "--timezone", "Europe/Berlin"
        )
        assert result.exit_code == 0, result.output

    assert manager.summary()["conversions"] == 2


def test_shown_rejected_line_is_written(invoke, files, manager, tmp_path, rejected):
    """The rejected line on the page equals the one that the command writes."""
    (shown,) = JSON.findall((DOCS / "send-a-file.md").read_text("utf-8"))
    shown = json.loads(shown)
    with (tmp_path / "orders.csv").open("a") as file:
        file.write(shown["item"] + "\n")
    invoke(
        "send",
        "orders.csv",
        "--port",
        manager.url.rpartition(":")[2],
        "--event",
        "Purchase",
        "--timezone",
        "Europe/Berlin",
    )

    assert rejected(tmp_path / "orders.csv.rejected.jsonl") == [shown]


def test_shown_report_is_printed(invoke, tmp_path):
    """The JSON on the page equals the output of --format json, apart from warnings."""
    (shown,) = JSON.findall((DOCS / "lint.md").read_text("utf-8"))
    item = {
        "event": "Contact",
        "event_time": 1_789_990_000,
        "event_id": "1",
        "user": {"email": "anna"},
        "page": {"url": "https://shop.example/"},
    }
    body = {"event_source": "web", "event_source_id": "C0EXAMPLE0EXAMPLE000", "data": [item]}
    (tmp_path / "body.json").write_text(json.dumps(body))
    report = json.loads(invoke("lint", "body.json", "--format", "json").stdout)
    report["problems"] = [one for one in report["problems"] if one["severity"] == "error"]

    assert {**report, "warnings": 0} == json.loads(shown)


@pytest.mark.parametrize(("page", "command"), [("send-a-file", "send"), ("lint", "lint")])
def test_shown_options_exist(invoke, page, command):
    """Every option on the page exists."""
    text = (DOCS / f"{page}.md").read_text("utf-8")
    known = set(OPTION.findall(invoke("send", "--help").output + invoke("lint", "--help").output))

    assert set(OPTION.findall(text)) <= known
