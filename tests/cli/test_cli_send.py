"""`send`: where to, what from, and what is said about it."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import time

import pytest

LINE = {
    "event": "Contact",
    "event_time": 1_789_990_000,
    "user": {"email": "zzpii.ada@example.com"},
    "page": {"url": "https://shop.example/"},
}


def jsonl(*items):
    """Lines of JSON."""
    return "".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in items)


@pytest.fixture
def port(manager):
    """Where the manager listens."""
    return manager.url.rpartition(":")[2]


@pytest.fixture
def file(tmp_path):
    """A file of one good event."""
    path = tmp_path / "events.jsonl"
    path.write_text(jsonl(LINE))
    return path


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
        (["--to", "tiktok", "--port", "80"], "--port belongs to --to local"),
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


def test_without_click_it_says_what_to_install(run, tmp_path):
    """The core alone has no click: the command says so and ends with 2."""
    (tmp_path / "sitecustomize.py").write_text(_BLOCK.format(names="('click',)"))
    ran = run("--help", PYTHONPATH=_path(tmp_path))

    assert ran.returncode == 2
    assert "pip install 'tiktok-events[cli]'" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", ["manager", "demo"])
def test_without_the_manager_extra_it_says_so(run, tmp_path, command):
    """`manager` and `demo` need one extra more."""
    (tmp_path / "sitecustomize.py").write_text(_BLOCK.format(names="('uvicorn', 'starlette')"))
    ran = run(command, PYTHONPATH=_path(tmp_path))

    assert ran.returncode == 2
    assert "pip install 'tiktok-events[manager]'" in ran.stderr


@pytest.mark.parametrize("command", [(), ("demo",), ("manager",), ("send",), ("lint",)])
def test_help_helps(invoke, command):
    """Each command has help with examples that begin with the command."""
    result = invoke(*command, "--help", terminal_width=80)

    assert result.exit_code == 0
    assert f"  tiktok-events {' '.join(command)}" in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())


def test_version(run):
    """--version prints the version."""
    import tiktok_events as tt

    assert tt.__version__ in run("--version").stdout


_BLOCK = """
import importlib.abc, importlib.util, sys

find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in {names} else find_spec(name, package)
"""


def _path(folder):
    import os

    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
