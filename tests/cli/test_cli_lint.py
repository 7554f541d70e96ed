"""Tests of `lint`: findings with line and path, as text and as JSON."""

from __future__ import annotations

import json

import pytest

from tiktok_events.cli.file_rules import ALL_RULES

DIGEST = "b1" * 32
ITEM = {
    "event": "Contact",
    "event_time": 1_789_990_000,
    "event_id": "1",
    "user": {"email": DIGEST},
    "page": {"url": "https://shop.example/"},
}
BODY = {"event_source": "web", "event_source_id": "C0EXAMPLE0EXAMPLE000", "data": [ITEM]}


@pytest.fixture
def lint(invoke, tmp_path):
    """Run `lint` on *content*. Returns the parsed JSON output (or standard error) and the exit code."""

    def lint_content(content, *options, name="body.json"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        result = invoke("lint", path, "--format", "json", *options)
        return (json.loads(result.stdout) if result.exit_code < 2 else result.stderr), result.exit_code

    return lint_content


def locations(report):
    """Return line, path and rule of each error."""
    return {(one["line"], one["path"], one["rule"]) for one in report["problems"] if one["severity"] == "error"}


def test_report_for_programs_keeps_its_shape(lint):
    """The keys of --format json are part of the interface."""
    report, code = lint({**BODY, "data": [{**ITEM, "user": {"email": "zzpii"}}]})

    assert code == 1
    assert report.keys() == {"version", "file", "events", "errors", "warnings", "problems"}
    assert (report["version"], report["events"], report["errors"]) == (1, 1, 1)
    assert all(one.keys() == {"line", "path", "rule", "severity", "message", "fix"} for one in report["problems"])
    assert locations(report) == {(None, "data[0].user.email", "not-hashed")}


def test_warnings_are_errors_only_with_strict(lint):
    """Warnings alone exit with 0, and with 1 if --strict is given."""
    assert lint(BODY)[1] == 0
    with_warning = {**BODY, "test_event_code": "T1"}
    assert [lint(with_warning)[1], lint(with_warning, "--strict")[1]] == [0, 1]


@pytest.mark.parametrize("name", ["events.jsonl", "events.txt", "-"])
def test_lines_hold_items_or_bodies(invoke, tmp_path, name):
    """JSONL is detected by suffix or first line; a line is an item or a body, and findings have its number."""
    bad = {**ITEM, "event_time": 1}
    content = (
        "\n".join(
            json.dumps(one) for one in (ITEM, {**ITEM, "event_id": 5}, {**BODY, "data": [ITEM, {**bad, "event": ""}]})
        )
        + "\n[]\n{\n"
    )
    (tmp_path / "events").write_text(content)
    if name != "-":
        (tmp_path / "events").rename(tmp_path / name)
    report = json.loads(invoke("lint", name, "--format", "json", input=content).stdout)

    assert locations(report) == {
        (2, "event_id", "wrong-type"),
        (3, "data[1].event", "event-missing"),
        (4, "line", "not-an-object"),
        (5, "line", "not-json"),
    }
    assert report["events"] == 4


def test_source_applies_to_items_without_a_body(lint):
    """An item without a body is checked as an event of --source; a body names its own source."""
    item = {name: value for name, value in ITEM.items() if name != "page"} | {"event": "Zzpii"}

    assert lint(item, "--source", "offline")[0]["errors"] == 1
    assert lint({**BODY, "data": [item]}, "--source", "offline")[0]["errors"] == 0
    assert lint([item, item], "--source", "offline")[0]["errors"] == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"nonsense", b"{", b"\xff\xfe{", b"[" * 200_000, b'{"a": NaN}', b"null", b"7", b'"x"', b'{"data": 5}'],
)
def test_malformed_body_is_an_error(lint, content):
    """Bytes that are not a body are reported with a rule."""
    report, code = lint(content)

    assert code == 1
    assert report["errors"] >= 1


def test_file_too_large_for_a_body_is_refused(lint):
    """A body has a size limit, because it is read into memory; a JSONL file has none."""
    assert lint(b'{"a": "' + b"x" * 17_000_000 + b'"}')[1] == 2
    line = json.dumps({**ITEM, "properties": {"description": "x" * 2_000}}) + "\n"
    report, code = lint(line.encode() * 8_000, name="x.txt")
    assert (report["events"], code) == (8_000, 0)


def test_csv_is_refused(lint):
    """For CSV, the message names the command that checks it."""
    message, code = lint(b"event\n", name="x.csv")

    assert code == 2
    assert "--dry-run" in message


def test_text_groups_equal_problems(invoke, tmp_path):
    """Equal problems are printed once with their locations, and the last line has the totals."""
    bad = {**ITEM, "user": {"email": "zzpii"}}
    (tmp_path / "body.json").write_text(json.dumps({**BODY, "data": [bad] * 12}))
    result = invoke("lint", "body.json")

    assert result.exit_code == 1
    assert "error    not-hashed  12 times" in result.stdout
    assert "and 4 more" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("body.json: 12 events, 12 errors")


def test_hostile_contents_are_escaped(run, tmp_path):
    """Control characters, markup and bidirectional marks in keys and values are escaped; no value is printed."""
    esc = "\x1b]0;zzpii\x07[bold red]zzpii[/]\u202e"
    (tmp_path / "x.json").write_text(
        json.dumps({**BODY, esc: 1, "event_source": esc, "data": [{**ITEM, esc: esc, "user": {esc: 1, "email": esc}}]})
    )
    for options in ((), ("--format", "json")):
        result = run("lint", "x.json", *options, FORCE_COLOR="")
        assert result.returncode == 1
        assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout + result.stderr)
        assert "zzpii" not in result.stdout + result.stderr


def test_every_rule_can_be_explained(invoke):
    """--rules lists every rule, with those for files, and --explain accepts each."""
    listed = invoke("lint", "--rules").stdout
    for rule in ALL_RULES:
        assert f"\n{rule} " in f"\n{listed}"
        result = invoke("lint", "--explain", rule)
        assert result.exit_code == 0
        assert "source" in result.stdout
    assert invoke("lint", "--explain", "no-such-rule").exit_code == 2
