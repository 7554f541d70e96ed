"""Tests of `demo` and `manager`: the counted events equal the simulated ones."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest
from markers import EMAIL, PHONE
from servers import listening

from tiktok_events.cli.demo.command import LANDING_PATH
from tiktok_events.cli.demo.comparison import EVENT_ORDER, compare
from tiktok_events.cli.demo.simulated_day import SHOPS, simulated_day

pytestmark = pytest.mark.programs

ROOT = Path(__file__).parents[2]
FUNNEL_EVENTS = ["ViewContent", "AddToCart", "InitiateCheckout", "Purchase", "Lead", "Subscribe"]
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
BROWSER_HEADERS = {
    "user-agent": USER_AGENT,
    "accept": "text/html",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
}
needs_flask = pytest.mark.skipif(not find_spec("flask") or not find_spec("tiktok_events_flask"), reason="needs Flask")


def test_simulated_day_is_repeatable():
    """A simulated day depends on its arguments only."""
    assert simulated_day(50, seed=3) == simulated_day(50, seed=3)
    assert simulated_day(50, seed=3) != simulated_day(50, seed=4)


@pytest.mark.parametrize("seed", range(5))
def test_simulated_day_has_realistic_shares(seed):
    """20 to 35 % of visitors block the pixel, each shop uses its own purchase event, some orders have no page."""
    day = simulated_day(seed=seed)

    assert 0.20 <= day.blocked_share <= 0.35
    assert set(day.expected) == set(EVENT_ORDER)
    assert {step.event for visit in day.visits if visit.shop is SHOPS[0] for step in visit.steps} >= {"CompletePayment"}
    assert any(not step.on_page for visit in day.visits for step in visit.steps)
    keys = [(visit.shop, step.event, step.key) for visit in day.visits for step in visit.steps]
    assert len(set(keys)) == len(keys)


def test_demo_counts_what_happened(run):
    """Over real sockets, counted events equal simulated ones; the browser alone has fewer, both without an id have more."""
    result = run("demo", "--once", "--format", "json")

    report = json.loads(result.stdout)
    assert result.returncode == 0, result.stderr
    assert report["ok"]
    assert [row["event"] for row in report["events"]] == list(EVENT_ORDER)
    for row in report["events"]:
        assert row["counted"] == row["happened"] > row["browser"] > 0
        assert row["without_id"] == row["browser"] + row["server"] > row["happened"]


def test_table_shows_equal_counts(run):
    """The last column of the table equals the first for every event, a line says so, and no line exceeds 90 columns."""
    result = run("demo", "--once", "--visitors", "60")

    rows = re.findall(r"^(\w+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+) +([\d,]+)", result.stdout, re.MULTILINE)
    assert result.returncode == 0, result.stderr
    assert [row[0] for row in rows] == [*EVENT_ORDER, "Total"]
    assert all(row[1] == row[5] for row in rows)
    assert "counted as often as it happened" in result.stdout
    assert all(len(line) <= 90 for line in result.stdout.splitlines())


def test_wrong_count_is_detected():
    """A different count of the Events Manager shows in the table's rows."""
    rows = compare(
        simulated_day(20),
        {"events": [{"event": "ViewContent", "conversions": 1, "browser_alone": 1, "server_alone": 1}]},
    )

    assert rows[0].counted != rows[0].happened


def test_demo_runs_until_ctrl_c(shell_command):
    """Without --once the Events Manager keeps running, its URL is printed, and Ctrl-C ends it without output."""
    with subprocess.Popen(
        **shell_command("demo", "--visitors", "20"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        url = next(line for line in process.stdout if line.startswith("Events Manager")).split()[-1]
        with urllib.request.urlopen(f"{url}/api/summary", timeout=5) as answer:
            summary = json.load(answer)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert summary["conversions"] > 20
    assert process.returncode == 0
    assert errors == ""


@contextmanager
def running_demo(shell_command, **environment):
    """Start the demo in a process; yield an HTTP client for its shop, and the Events Manager's URL. Ends it with Ctrl-C."""
    command = shell_command("demo", "--format", "json", "--no-browser", **environment)
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            addresses = json.loads(process.stdout.readline())
            options = {"headers": BROWSER_HEADERS, "follow_redirects": True, "trust_env": False}
            with httpx.Client(base_url=httpx.URL(addresses["shop"]).join("/"), **options) as visitor:
                assert visitor.get(addresses["shop"]).status_code == 200
                yield visitor, addresses["url"]
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def walk_funnel(visitor):
    """Go through the funnel of the shop, from a product to the newsletter. Returns the pages."""
    form = {"email": EMAIL, "phone": PHONE}
    pages = [visitor.get("/products/lamp"), visitor.post("/cart/lamp"), visitor.post("/checkout/lamp", data=form)]
    paid = dict(re.findall(r'name="(order|signature)" value="(\w+)"', pages[-1].text))
    pages.append(visitor.post("/webhook", data=paid))
    pages += [visitor.post("/contact", data=form), visitor.post("/newsletter", data=form)]
    assert {page.status_code for page in pages} == {200}
    return pages


def server_events(url, count):
    """Return the server's events once *count* of them have arrived, or after 30 seconds."""
    end = time.monotonic() + 30
    while True:
        events = httpx.get(f"{url}/api/events", trust_env=False).json()["events"]
        if len(events) >= count or time.monotonic() > end:
            return events


def pixel_calls(pages):
    """Return event name and id of the pixel calls in *pages*."""
    return re.findall(r'"event":"(\w+)","event_id":"(\w+)"', "".join(page.text for page in pages))


@needs_flask
def test_demo_opens_a_shop_that_reports_its_funnel(shell_command):
    """After consent, each event of the funnel arrives from the server, and its page has the pixel call with the same id."""
    with running_demo(shell_command) as (visitor, url):
        banner = visitor.get("/").text
        landed = {"referer": str(visitor.base_url.join(LANDING_PATH))}  # as a browser sends it
        after = visitor.post("/consent", data={"answer": "yes"}, headers=landed)
        pages = walk_funnel(visitor)
        events = server_events(url, len(FUNNEL_EVENTS))

    sent = [(event["event"], event["event_id"]) for event in events]
    assert 'id="banner"' in banner
    assert f'href="{url}/"' in after.text
    assert sorted(name for name, _ in sent) == sorted(FUNNEL_EVENTS)
    assert sorted(pixel_calls(pages)) == sorted(sent)
    assert f"{url}/i18n/pixel/events.js" in pages[0].text
    (purchase,) = [event for event in events if event["event"] == "Purchase"]
    assert {"ttclid", "email", "phone", "external_id", "user_agent"} <= set(purchase["identifiers"])
    assert (purchase["value"], purchase["currency"]) == (49.0, "EUR")
    assert [one["rule"] for event in events for one in event["problems"] if one["severity"] == "error"] == []


@needs_flask
def test_demo_shop_reports_nothing_without_consent(shell_command):
    """The shop works without consent, and only events after consent are reported."""
    with running_demo(shell_command) as (visitor, url):
        pages = walk_funnel(visitor)
        visitor.post("/consent", data={"answer": "no"})
        pages += walk_funnel(visitor)
        visitor.post("/consent", data={"answer": "yes"})
        visitor.post("/contact", data={"email": EMAIL})
        events = server_events(url, 1)

    assert pixel_calls(pages) == []
    assert [event["event"] for event in events] == ["Lead"]


@needs_flask
def test_demo_ignores_real_settings(shell_command):
    """Token, pixel and API URL of a real shop in the environment are not used, nor are the settings of a Flask app."""
    with listening() as real_server:
        settings = {"API_URL": real_server.url, "PIXEL_CODE": "CREALREALREALREAL000", "ACCESS_TOKEN": "zzpii-token"}
        settings |= {"WEB_ACCESS_TOKEN": "zzpii-token", "TEST_EVENT_CODE": "TEST1", "ENABLED": "0"}
        names = {f"{prefix}TIKTOK_{name}": value for name, value in settings.items() for prefix in ("", "FLASK_")}
        with running_demo(shell_command, **names) as (visitor, url):
            visitor.post("/consent", data={"answer": "yes"})
            pages = walk_funnel(visitor)
            events = server_events(url, len(FUNNEL_EVENTS))

    assert (real_server.bodies, real_server.paths) == ([], [])
    assert len(events) == len(FUNNEL_EVENTS)
    assert {event["test_event_code"] for event in events} == {None}
    assert "CREALREAL" not in "".join(page.text for page in pages)


@needs_flask
def test_demo_opens_a_browser(shell_command, tmp_path):
    """The shop's URL is opened in the browser of the environment, and both URLs are printed."""
    script, opened = tmp_path / "browser.py", tmp_path / "opened"
    script.write_text(f"import pathlib, sys; pathlib.Path({str(opened)!r}).write_text(sys.argv[1])")
    command = shell_command("demo", BROWSER=f"{shlex.quote(sys.executable)} {script} %s")
    with subprocess.Popen(**command, stdout=subprocess.PIPE, text=True) as process:
        addresses = dict(line.rsplit(maxsplit=1) for line in (process.stdout.readline(), process.stdout.readline()))
        end = time.monotonic() + 30
        while not opened.exists() or not opened.read_text():
            assert time.monotonic() < end, "no browser was opened"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert opened.read_text() == addresses["Shop"]
    assert httpx.URL(addresses["Shop"]).host == httpx.URL(addresses["Events Manager"]).host == "127.0.0.1"
    assert process.returncode == 0


def test_demo_without_flask_simulates_a_day(shell_command):
    """Without Flask, `demo` names the extra to install, and simulates a day."""
    command = shell_command()
    code = (
        "import sys; sys.modules['flask'] = None; from tiktok_events.cli import main; sys.argv[1:] = ['demo']; main()"
    )
    command["args"] = [*command["args"][:-2], "-c", code]
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        output = list(iter(process.stdout.readline, "Press Ctrl-C to stop.\n"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert "pip install 'tiktok-events[flask]'" in errors
    assert any("counted as often as it happened" in line for line in output)
    assert process.returncode == 0


@needs_flask
def test_demo_reports_a_port_in_use(run):
    """The message names the port and the option for another one."""
    with socket.create_server(("127.0.0.1", 0)) as included:
        port = included.getsockname()[1]
        results = [run("demo", "--no-browser", option, port) for option in ("--port", "--shop-port")]

    assert [one.returncode for one in results] == [2, 2]
    assert [
        f"Port {port} is in use. Stop the other program, or use {option} {port + 1}." in one.stderr
        for one, option in zip(results, ("--port", "--shop-port"), strict=True)
    ] == [True, True]


def test_wheel_contains_the_shop():
    """The files of the shop, and the files they read, are included in the wheel from `examples/`."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        targets = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]
    included = targets["wheel"]["force-include"]

    assert included == {name: f"tiktok_events/cli/demo/{name}" for name in included}
    assert set(included) == {f"examples/{name}" for name in ("flask_shop", "shop.py", "static", "templates")}
    assert all((ROOT / name).exists() for name in included)
    assert "/examples" in targets["sdist"]["include"]


def test_manager_prints_the_variables_to_export(shell_command, run, tmp_path, free_port):
    """`manager` prints the variables to export, and `send` works with them."""
    command = shell_command("manager", "--port", free_port, "--check-token", TIKTOK_ACCESS_TOKEN="secret")
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = list(iter(process.stdout.readline, "Press Ctrl-C to stop.\n"))
        settings = dict(line.split()[1].split("=", 1) for line in lines if line.startswith("    export "))
        (tmp_path / "x.jsonl").write_text('{"event": "Contact", "event_time": 1789990000}\n')
        exit_codes = [
            run("send", "x.jsonl", **{**settings, "TIKTOK_ACCESS_TOKEN": token}).returncode
            for token in ("wrong", "secret")
        ]
        included = run("manager", "--port", free_port)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert [*settings] == ["TIKTOK_API_URL", "TIKTOK_PIXEL_URL", "TIKTOK_PIXEL_CODE", "TIKTOK_ACCESS_TOKEN"]
    assert exit_codes == [1, 0]
    assert included.returncode == 2
    assert f"Port {free_port} is in use. Stop the other program, or use --port {int(free_port) + 1}." in included.stderr
    assert "Traceback" not in included.stderr


@pytest.mark.parametrize(
    ("options", "message"), [(["--check-token"], "TIKTOK_ACCESS_TOKEN"), (["--host", "0.0.0.0"], "allow")]
)
def test_manager_explains_invalid_options(invoke, options, message):
    """--check-token needs a token, and a public --host needs --allow-host."""
    result = invoke("manager", *options)

    assert result.exit_code == 2
    assert message in result.stderr
