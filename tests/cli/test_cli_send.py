"""`send`: where to, what from, and what is counted."""

from __future__ import annotations

import stat

import pytest
from event_lines import LINE, jsonl


def test_no_destination_is_asked_for(invoke, file):
    """Without --to or TIKTOK_API_URL nothing is sent, and the message names all three ways."""
    result = invoke("send", file)

    assert result.exit_code == 2
    assert all(word in result.stderr for word in ("--to local", "--to tiktok", "TIKTOK_API_URL"))


@pytest.mark.parametrize("url", [None, "https://business-api.tiktok.com/open_api/v1.3", "https://proxy.example/tiktok"])
def test_nobody_to_ask_sends_nothing_away(invoke, file, monkeypatch, url):
    """What leaves this machine needs --yes where no terminal is there to answer."""
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


def test_credentials_for_tiktok_must_be_there(invoke, file):
    """Nothing is made up for TikTok itself: the missing variables are named."""
    result = invoke("send", file, "--to", "tiktok", "--yes")

    assert result.exit_code == 2
    assert "TIKTOK_PIXEL_CODE" in result.stderr
    assert "TIKTOK_ACCESS_TOKEN" in result.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--to", "tiktok", "--port", "80"], "--port goes with --to local"),
        (["--timezone", "Mars/Olympus"], "time zone"),
        (["--timezone", "../../etc/passwd"], "time zone"),
        (["--map", "x=y"], "for CSV"),
        (["--rejected", "events.jsonl"], "the file itself"),
        (["--rejected", "other.txt"], "something else"),
        (["--rejected", "no/such/folder.jsonl"], "No such file"),
    ],
)
def test_unusable_options_are_explained(invoke, file, options, told):
    """A mistake in the command ends it with 2 before anything is sent."""
    file.with_name("other.txt").write_text("precious")
    result = (
        invoke("send", "events.jsonl", "--port", "1", *options)
        if "--port" not in options
        else invoke("send", file, *options)
    )

    assert result.exit_code == 2
    assert told in result.stderr.replace("\n", " ")
    assert file.with_name("other.txt").read_text() == "precious"


def test_address_that_is_not_https_is_refused(invoke, file):
    """TIKTOK_API_URL follows the client's rules: the token travels with every request."""
    result = invoke("send", file, env={"TIKTOK_API_URL": "http://proxy.example/x"})

    assert result.exit_code == 2
    assert "https" in result.stderr


def test_destination_and_source_come_first(invoke, file, manager):
    """Where events go is said before they do, and credentials are made up for this machine only."""
    result = invoke("send", file, env={"TIKTOK_API_URL": manager.api_url})

    assert result.exit_code == 0
    assert result.stderr.startswith(f"To      {manager.api_url} (this machine)\nSource  web CLOCALTEST")
    assert manager.summary()["conversions"] == 1
    assert not file.with_name("events.jsonl.rejected.jsonl").exists()


def test_standard_input_keeps_what_it_refuses(run, manager, tmp_path, rejected):
    """Lines from a pipe are delivered; those refused go to a new file each time, for nobody can read a pipe twice."""
    for _ in range(2):
        ran = run(
            "send",
            "-",
            "--format",
            "jsonl",
            stdin=jsonl(LINE, "{nonsense", {**LINE, "event_id": "2"}),
            TIKTOK_API_URL=manager.api_url,
        )
        assert ran.returncode == 1, ran.stderr

    assert manager.summary()["conversions"] == 2
    for name in ("stdin.rejected.jsonl", "stdin-2.rejected.jsonl"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
        assert [(one["line"], one["problems"][0]["rule"], one["item"]) for one in rejected(tmp_path / name)] == [
            (2, "not-json", "{nonsense")
        ]


def test_standard_input_needs_a_format(invoke):
    """A pipe has no suffix to go by."""
    result = invoke("send", "-", "--to", "local", input="")

    assert result.exit_code == 2
    assert "--format" in result.stderr


def test_equal_lines_are_conversions_of_their_own_each_time(run, file, manager, port):
    """Three equal lines are three conversions, in any order and company, and three again in the next run."""
    other = {**LINE, "event": "Subscribe"}
    swapped = dict(reversed(LINE.items()))
    for lines in ((LINE, LINE, other, LINE), (other, swapped, LINE, LINE)):
        file.write_text(jsonl(*lines))
        assert run("send", file, "--port", port).returncode == 0

    counted = {one["event"]: one["conversions"] for one in manager.summary()["events"]}
    assert counted == {"Contact": 3, "Subscribe": 1}


def test_key_is_the_id_a_page_makes(invoke, file, manager, port):
    """A line with a key carries the id that `event_id(name, key)` gives the browser, under the source's namespace."""
    import tiktok_events as tt

    file.write_text(jsonl({**LINE, "key": "order-1"}, {**LINE, "key": "order-1"}, {**LINE, "key": 2}))
    result = invoke("send", file, "--port", port, env={"TIKTOK_ID_NAMESPACE": "shop"})

    assert result.exit_code == 0
    assert "1 line repeats" in result.stdout
    wanted = {tt.event_id("Contact", key, namespace="shop") for key in ("order-1", 2)}
    assert {one["event_id"] for one in manager.events()} == wanted


def test_defaults_fill_gaps_only(invoke, file, manager, port):
    """--event, --currency, --phone-region and --timezone say what a line does not."""
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


def test_dry_run_sends_and_keeps_nothing(invoke, file, tmp_path):
    """--dry-run needs no destination, checks every line and writes nothing."""
    file.write_text(jsonl(LINE, {**LINE, "user": {"email": "zzpii"}}))
    result = invoke("send", file, "--dry-run")

    assert result.exit_code == 1
    assert "email-malformed" in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["events.jsonl"]
