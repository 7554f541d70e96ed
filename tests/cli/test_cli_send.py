"""Tests of `send`: destination, credentials, options and counted events."""

from __future__ import annotations

import stat

import pytest
from event_lines import LINE, jsonl


def test_missing_destination_is_an_error(invoke, file):
    """Without --to or TIKTOK_API_URL nothing is sent, and the message names the three alternatives."""
    result = invoke("send", file)

    assert result.exit_code == 2
    assert all(word in result.stderr for word in ("--to local", "--to tiktok", "TIKTOK_API_URL"))


@pytest.mark.parametrize("url", [None, "https://business-api.tiktok.com/open_api/v1.3", "https://proxy.example/tiktok"])
def test_without_a_terminal_other_hosts_need_yes(invoke, file, monkeypatch, url):
    """Sending to another host needs --yes if standard input is not a terminal."""
    monkeypatch.setenv("TIKTOK_PIXEL_CODE", "C0EXAMPLE0EXAMPLE000")
    monkeypatch.setenv("TIKTOK_ACCESS_TOKEN", "zzpii-token")
    if url:
        monkeypatch.setenv("TIKTOK_API_URL", url)
    result = invoke("send", file, *(() if url else ("--to", "tiktok")))

    assert result.exit_code == 2
    assert "--yes" in result.stderr
    assert "C0EXAMPLE0EXAMPLE000" in result.stderr
    assert "zzpii-token" not in result.output
    assert not file.with_name("events.jsonl.rejected.jsonl").exists()


def test_tiktok_needs_credentials(invoke, file):
    """For TikTok no test values are used: the missing variables are named."""
    result = invoke("send", file, "--to", "tiktok", "--yes")

    assert result.exit_code == 2
    assert "TIKTOK_PIXEL_CODE" in result.stderr
    assert "TIKTOK_ACCESS_TOKEN" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "tiktok", "--port", "80"], "--port is for --to local"),
        (["--timezone", "Mars/Olympus"], "time zone"),
        (["--timezone", "../../etc/passwd"], "time zone"),
        (["--map", "x=y"], "for CSV"),
        (["--rejected", "events.jsonl"], "--rejected names the input file"),
        (["--rejected", "other.txt"], "did not write"),
        (["--rejected", "no/such/folder.jsonl"], "No such file"),
    ],
)
def test_invalid_options_are_explained(invoke, file, options, message):
    """An invalid option exits with 2 before anything is sent."""
    file.with_name("other.txt").write_text("precious")
    result = (
        invoke("send", "events.jsonl", "--port", "1", *options)
        if "--port" not in options
        else invoke("send", file, *options)
    )

    assert result.exit_code == 2
    assert message in result.stderr.replace("\n", " ")
    assert file.with_name("other.txt").read_text() == "precious"


def test_url_that_is_not_https_is_refused(invoke, file):
    """TIKTOK_API_URL must be https, because every request contains the token."""
    result = invoke("send", file, env={"TIKTOK_API_URL": "http://proxy.example/x"})

    assert result.exit_code == 2
    assert "https" in result.stderr


def test_destination_and_source_are_printed_first(invoke, file, manager):
    """The destination and the source are printed first, and test credentials are used for this machine only."""
    result = invoke("send", file, env={"TIKTOK_API_URL": manager.api_url})

    assert result.exit_code == 0
    assert result.stderr.startswith(f"To      {manager.api_url} (this machine)\nSource  web CLOCALTEST")
    assert manager.summary()["conversions"] == 1
    assert not file.with_name("events.jsonl.rejected.jsonl").exists()


def test_rejected_lines_of_standard_input_are_never_overwritten(run, manager, tmp_path, rejected):
    """Rejected lines of standard input go to a new file each time, because a pipe cannot be read again."""
    for _ in range(2):
        result = run(
            "send",
            "-",
            "--format",
            "jsonl",
            stdin=jsonl(LINE, "{nonsense", {**LINE, "event_id": "2"}),
            TIKTOK_API_URL=manager.api_url,
        )
        assert result.returncode == 1, result.stderr

    assert manager.summary()["conversions"] == 2
    for name in ("stdin.rejected.jsonl", "stdin-2.rejected.jsonl"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert [(one["line"], one["problems"][0]["rule"], one["item"]) for one in rejected(tmp_path / name)] == [
            (2, "not-json", "{nonsense")
        ]


def test_standard_input_needs_a_format(invoke):
    """Standard input has no suffix, so --format is required."""
    result = invoke("send", "-", "--to", "local", input="")

    assert result.exit_code == 2
    assert "--format" in result.stderr


def test_equal_lines_are_counted_separately_once(run, file, manager, port):
    """Three equal lines are three conversions in any order, and a second run adds none."""
    other = {**LINE, "event": "Subscribe"}
    swapped = dict(reversed(LINE.items()))
    for lines in ((LINE, LINE, other, LINE), (other, swapped, LINE, LINE)):
        file.write_text(jsonl(*lines))
        assert run("send", file, "--port", port).returncode == 0

    counts = {one["event"]: one["conversions"] for one in manager.summary()["events"]}
    assert counts == {"Contact": 3, "Subscribe": 1}


def test_key_gives_the_same_id_as_event_id(invoke, file, manager, port):
    """A line with a key gets the id that `event_id(name, key)` makes for the browser, with the source's namespace."""
    import tiktok_events as tt

    file.write_text(jsonl({**LINE, "key": "order-1"}, {**LINE, "key": "order-1"}, {**LINE, "key": 2}))
    result = invoke("send", file, "--port", port, env={"TIKTOK_ID_NAMESPACE": "shop"})

    assert result.exit_code == 0
    assert "1 line repeats" in result.stdout
    expected_ids = {tt.event_id("Contact", key, namespace="shop") for key in ("order-1", 2)}
    assert {one["event_id"] for one in manager.events()} == expected_ids


def test_defaults_fill_gaps_only(invoke, file, manager, port):
    """--event, --currency, --phone-region and --timezone apply only to lines without these values."""
    bare = {"event_time": "2026-09-01 10:00", "user": {"phone": "0155 501 00199"}, "properties": {"value": "9.50"}}
    full = {"event": "Lead", "event_time": "2026-09-01T10:00:00Z", "properties": {"value": 1, "currency": "usd"}}
    file.write_text(jsonl(bare, full))
    result = invoke(
        "send",
        file,
        "--port",
        port,
        "--event",
        "Purchase",
        "--currency",
        "EUR",
        "--phone-region",
        "DE",
        "--timezone",
        "Europe/Berlin",
    )

    assert result.exit_code == 0, result.output
    first, second = manager.events()
    assert (first["event"], first["event_time"], first["currency"]) == ("Purchase", 1_788_249_600, "EUR")
    assert (second["event"], second["event_time"], second["currency"]) == ("Lead", 1_788_256_800, "USD")


def test_dry_run_sends_and_writes_nothing(invoke, file, tmp_path):
    """--dry-run needs no destination, checks every line and writes no file."""
    file.write_text(jsonl(LINE, {**LINE, "user": {"email": "zzpii"}}))
    result = invoke("send", file, "--dry-run")

    assert result.exit_code == 1
    assert "email-malformed" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]
