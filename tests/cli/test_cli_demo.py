"""`demo` and `manager`: what is counted is what happened."""

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

from tiktok_events.cli.demo.command import LANDING
from tiktok_events.cli.demo.simulate import ORDER, compare
from tiktok_events.cli.demo.simulated_day import SHOPS, simulated_day

pytestmark = pytest.mark.programs

ROOT = Path(__file__).parents[2]
FUNNEL = ["ViewContent", "AddToCart", "InitiateCheckout", "Purchase", "Lead", "Subscribe"]
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
VISITOR = {"user-agent": AGENT, "accept": "text/html", "sec-fetch-dest": "document", "sec-fetch-mode": "navigate"}
needs_flask = pytest.mark.skipif(not find_spec("flask") or not find_spec("tiktok_events_flask"), reason="needs Flask")


def test_a_day_is_the_same_every_time():
    """The day is a pure function of its arguments."""
    assert simulated_day(50, seed=3) == simulated_day(50, seed=3)
    assert simulated_day(50, seed=3) != simulated_day(50, seed=4)


@pytest.mark.parametrize("seed", range(5))
def test_a_day_is_like_a_shop_s(seed):
    """20 to 35 % of visitors block the pixel, both shops sell under their own name, some orders have no page."""
    day = simulated_day(seed=seed)

    assert 0.20 <= day.blocked_share <= 0.35
    assert set(day.expected) == set(ORDER)
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
        simulated_day(20),
        {"events": [{"event": "ViewContent", "conversions": 1, "browser_alone": 1, "server_alone": 1}]},
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


@contextmanager
def shop_of(outside, **environment):
    """The demo as a shell starts it: a visitor of its shop, and its manager's address. Ctrl-C ends it, quietly."""
    command = outside("demo", "--format", "json", "--no-browser", **environment)
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            told = json.loads(process.stdout.readline())
            options = {"headers": VISITOR, "follow_redirects": True, "trust_env": False}
            with httpx.Client(base_url=httpx.URL(told["shop"]).join("/"), **options) as visitor:
                assert visitor.get(told["shop"]).status_code == 200
                yield visitor, told["url"]
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (0, "")


def walk(visitor):
    """Say what the page leads to, from a product to the contact form; answers with the pages."""
    form = {"email": EMAIL, "phone": PHONE}
    pages = [visitor.get("/products/lamp"), visitor.post("/cart/lamp"), visitor.post("/checkout/lamp", data=form)]
    paid = dict(re.findall(r'name="(order|signature)" value="(\w+)"', pages[-1].text))
    pages.append(visitor.post("/webhook", data=paid))
    pages += [visitor.post("/contact", data=form), visitor.post("/newsletter", data=form)]
    assert {page.status_code for page in pages} == {200}
    return pages


def server_events(url, count):
    """What the server reported, once *count* events of it have arrived."""
    end = time.monotonic() + 30
    while True:
        events = httpx.get(f"{url}/api/events", trust_env=False).json()["events"]
        if len(events) >= count or time.monotonic() > end:
            return events


def calls(pages):
    """The pixel calls of *pages*, as name and id."""
    return re.findall(r'"event":"(\w+)","event_id":"(\w+)"', "".join(page.text for page in pages))


@needs_flask
def test_demo_opens_a_shop_that_reports_its_funnel(outside):
    """After a yes, each event of the guide arrives from the server, and its page has the browser's call of that id."""
    with shop_of(outside) as (visitor, url):
        banner = visitor.get("/").text
        landed = {"referer": str(visitor.base_url.join(LANDING))}  # as a browser says it
        after = visitor.post("/consent", data={"answer": "yes"}, headers=landed)
        pages = walk(visitor)
        events = server_events(url, len(FUNNEL))

    sent = [(event["event"], event["event_id"]) for event in events]
    assert 'id="banner"' in banner
    assert f'href="{url}/"' in after.text
    assert sorted(name for name, _ in sent) == sorted(FUNNEL)
    assert sorted(calls(pages)) == sorted(sent)
    assert f"{url}/i18n/pixel/events.js" in pages[0].text
    (purchase,) = [event for event in events if event["event"] == "Purchase"]
    assert {"ttclid", "email", "phone", "external_id", "user_agent"} <= set(purchase["identifiers"])
    assert (purchase["value"], purchase["currency"]) == (49.0, "EUR")
    assert [one["rule"] for event in events for one in event["problems"] if one["severity"] == "error"] == []


@needs_flask
def test_demo_shop_reports_nothing_without_a_yes(outside):
    """The shop works for who said no, and the manager hears only of what came after the yes."""
    with shop_of(outside) as (visitor, url):
        pages = walk(visitor)
        visitor.post("/consent", data={"answer": "no"})
        pages += walk(visitor)
        visitor.post("/consent", data={"answer": "yes"})
        visitor.post("/contact", data={"email": EMAIL})
        events = server_events(url, 1)

    assert calls(pages) == []
    assert [event["event"] for event in events] == ["Lead"]


@needs_flask
def test_demo_has_nothing_to_do_with_real_settings(outside):
    """A token, a pixel and an address that are set for a real shop are not used, nor what is set for a Flask app."""
    with listening() as elsewhere:
        settings = {"API_URL": elsewhere.url, "PIXEL_CODE": "CREALREALREALREAL000", "ACCESS_TOKEN": "zzpii-token"}
        settings |= {"WEB_ACCESS_TOKEN": "zzpii-token", "TEST_EVENT_CODE": "TEST1", "ENABLED": "0"}
        names = {f"{prefix}TIKTOK_{name}": value for name, value in settings.items() for prefix in ("", "FLASK_")}
        with shop_of(outside, **names) as (visitor, url):
            visitor.post("/consent", data={"answer": "yes"})
            pages = walk(visitor)
            events = server_events(url, len(FUNNEL))

    assert (elsewhere.bodies, elsewhere.paths) == ([], [])
    assert len(events) == len(FUNNEL)
    assert {event["test_event_code"] for event in events} == {None}
    assert "CREALREAL" not in "".join(page.text for page in pages)


@needs_flask
def test_demo_opens_a_browser(outside, tmp_path):
    """The shop's address goes to the browser the environment names, and both addresses are printed."""
    script, opened = tmp_path / "browser.py", tmp_path / "opened"
    script.write_text(f"import pathlib, sys; pathlib.Path({str(opened)!r}).write_text(sys.argv[1])")
    command = outside("demo", BROWSER=f"{shlex.quote(sys.executable)} {script} %s")
    with subprocess.Popen(**command, stdout=subprocess.PIPE, text=True) as process:
        told = dict(line.rsplit(maxsplit=1) for line in (process.stdout.readline(), process.stdout.readline()))
        end = time.monotonic() + 30
        while not opened.exists() or not opened.read_text():
            assert time.monotonic() < end, "no browser was opened"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert opened.read_text() == told["Shop"]
    assert httpx.URL(told["Shop"]).host == httpx.URL(told["Events Manager"]).host == "127.0.0.1"
    assert process.returncode == 0


def test_demo_without_flask_plays_the_day(outside):
    """It names the extra that brings the shop, and shows what it can."""
    command = outside()
    code = (
        "import sys; sys.modules['flask'] = None; from tiktok_events.cli import main; sys.argv[1:] = ['demo']; main()"
    )
    command["args"] = [*command["args"][:-2], "-c", code]
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        told = list(iter(process.stdout.readline, "Press Ctrl-C to stop.\n"))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert "pip install 'tiktok-events[flask]'" in errors
    assert any("Counted = happened" in line for line in told)
    assert process.returncode == 0


@needs_flask
def test_demo_says_which_port_is_taken(run):
    """It explains itself, and what it had started ends with it."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = [run("demo", "--no-browser", option, port) for option in ("--port", "--shop-port")]

    assert [one.returncode for one in told] == [2, 2]
    assert [
        f"Port {port} is in use. Stop the other program, or use {option} {port + 1}." in one.stderr
        for one, option in zip(told, ("--port", "--shop-port"), strict=True)
    ] == [True, True]


def test_the_wheel_has_all_of_the_shop():
    """What the demo serves is taken from `examples/` into the wheel, and so is all that those files read."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        targets = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]
    taken = targets["wheel"]["force-include"]

    assert taken == {name: f"tiktok_events/cli/demo/{name}" for name in taken}
    assert set(taken) == {f"examples/{name}" for name in ("flask_shop", "shop.py", "static", "templates")}
    assert all((ROOT / name).exists() for name in taken)
    assert "/examples" in targets["sdist"]["include"]


def test_manager_prints_what_to_set(outside, run, tmp_path, free_port):
    """`manager` says its address and the variable to set, and `send` uses it."""
    command = outside("manager", "--port", free_port, "--check-token", TIKTOK_ACCESS_TOKEN="secret")
    with subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = list(iter(process.stdout.readline, "Press Ctrl-C to stop.\n"))
        settings = dict(line.split()[1].split("=", 1) for line in lines if line.startswith("  export "))
        (tmp_path / "x.jsonl").write_text('{"event": "Contact", "event_time": 1789990000}\n')
        told = [
            run("send", "x.jsonl", **{**settings, "TIKTOK_ACCESS_TOKEN": token}).returncode
            for token in ("wrong", "secret")
        ]
        taken = run("manager", "--port", free_port)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert [*settings] == ["TIKTOK_API_URL", "TIKTOK_PIXEL_URL", "TIKTOK_PIXEL_CODE", "TIKTOK_ACCESS_TOKEN"]
    assert told == [1, 0]
    assert taken.returncode == 2
    assert f"Port {free_port} is in use. Stop the other program, or use --port {int(free_port) + 1}." in taken.stderr
    assert "Traceback" not in taken.stderr


@pytest.mark.parametrize(
    ("options", "told"), [(["--check-token"], "TIKTOK_ACCESS_TOKEN"), (["--host", "0.0.0.0"], "allow")]
)
def test_manager_explains_what_it_cannot_do(invoke, options, told):
    """A token to check must be there, and a host that others reach must be named."""
    result = invoke("manager", *options)

    assert result.exit_code == 2
    assert told in result.stderr
