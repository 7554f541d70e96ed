"""Every Python block of the README and the documentation runs as it stands, against a TikTok that is not one.

The tests that a block defines run too, with the recorder that the plugin would give them.
"""

import asyncio
import inspect
import re
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import tiktok_events as tt
from tiktok_events._api import network_guard, transport
from tiktok_events.testing import capture

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# `shop.py` is what the web shops share; they are walked through in tests/adapters.
EXAMPLES = [path for path in sorted((ROOT / "examples").glob("*.py")) if path.stem not in ("shop", "starlette_site")]
BLOCK = re.compile(
    r"^( *)```(?:\{code-block\} )?(?P<language>\w+)\n(?::caption: (?P<name>\S+)\n\n)?(?P<text>.*?)^\1```$",
    re.DOTALL | re.MULTILINE,
)
NEEDED = {"phone_region": "phonenumbers", "events_manager import": "starlette"}
NEEDED |= {"tiktok_events_flask": "tiktok_events_flask", "tiktok_events_starlette": "tiktok_events_starlette"}
NEEDED |= {"tiktok_events_starlette.fastapi": "fastapi"}
NEEDED |= {f"from {name}": name for name in ("celery", "fastapi", "flask", "starlette")}


LINK = re.compile(r"\]\(([^)#\s]+)(?:#L(\d+))?[^)]*\)")
ROW = re.compile(r"^\| `(\w+)` \|.*\((\S+?)#L(\d+)\) \|$", re.MULTILINE)
GUIDE = {
    "ViewContent": "medium",
    "AddToCart": "high",
    "InitiateCheckout": "high",
    "Purchase": "critical",
    "Lead": "critical",
    "Subscribe": "medium",
}
ADAPTER = ["Install", "Set up", "Track", "Identify", "Cookies and consent", "Test", "API"]


def blocks(page):
    """The page's Python, and the files that it shows under a name."""
    found = [match.groupdict() for match in BLOCK.finditer(page.read_text("utf-8"))]
    return [one for one in found if one["language"] == "python"], [one for one in found if one["name"]]


def run_tests_of(names):
    """What was reported in the pytest tests among *names* that take the fixture `tiktok`."""
    sent = []
    for name, test in names.items():
        if name.startswith("test_") and [*inspect.signature(test).parameters] == ["tiktok"]:
            with capture() as recorder:
                awaited = test(recorder)
                if awaited is not None:
                    asyncio.run(awaited)
            sent += recorder.sent()
    return sent


@pytest.fixture
def settings(monkeypatch, tmp_path, tiktok):
    """The environment a reader has set by now, and a TikTok at the other end. This machine answers for itself."""
    really = transport.open_sync
    monkeypatch.setattr(
        transport, "open_sync", lambda timeout, url: really(timeout, url) if "127.0.0.1" in url else _fake(tiktok)
    )
    monkeypatch.setattr(network_guard, "is_blocked", False)
    monkeypatch.setattr(transport, "open_async", lambda timeout, url: _fake_async(tiktok))
    monkeypatch.chdir(tmp_path)
    for name in ("SECRET_KEY", "PIXEL_CODE", "OFFLINE_EVENT_SET_ID", "CRM_EVENT_SET_ID", "ACCESS_TOKEN"):
        monkeypatch.setenv(f"TIKTOK_{name}", "C0EXAMPLE0EXAMPLE000")


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)[0]], ids=lambda page: page.stem)
@pytest.mark.usefixtures("settings")
def test_the_page_runs(page, tiktok, monkeypatch, request):
    """What is typed from it works, and what it sends is accepted."""
    python, files = blocks(page)
    missing = {words: module for words, module in NEEDED.items() if find_spec(module) is None}
    python = [one for one in python if not any(words in one["text"] for words in missing)]
    if not python:
        pytest.skip(f"the page needs {', '.join(missing.values())}")
    if any("REDIS_URL" in one["text"] for one in python):
        monkeypatch.setenv("REDIS_URL", request.getfixturevalue("redis").url)
    for one in files:
        Path(one["name"]).write_text(one["text"], "utf-8")
    recorded, data = [], [one["name"] for one in files if one["language"] != "python"]
    for one in python:
        monkeypatch.setattr(sys, "argv", [one["name"] or "example.py", *data])
        names, code = {"__name__": "__main__"}, None
        try:
            exec(compile(one["text"], f"{page.name} {one['name'] or ''}", "exec"), names)
        except SystemExit as end:
            code = end.code
        assert not code
        recorded += run_tests_of(names)
        for name in names.values():
            if isinstance(name, tt.BackgroundClient):
                assert name.close() == 0

    if any(".track" in one["text"] and "from_env" in one["text"] for one in python):
        assert tiktok.events or recorded


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.usefixtures("settings")
def test_the_example_runs(example, tiktok, monkeypatch):
    """A file of `examples/` runs as it stands and reports its purchases."""
    monkeypatch.setattr(sys, "argv", [example.name])
    code = None
    try:
        runpy.run_path(str(example), run_name="__main__")
    except SystemExit as end:
        code = end.code

    assert not code
    assert {event["event"] for event in tiktok.events} == {"Purchase"}


def test_the_live_session_sends_no_real_events(settings, tiktok, monkeypatch, capsys):
    """Without a test event code it refuses, before anything is sent."""
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "tests" / "live"), run_name="__main__")

    assert end.value.code == 2
    assert "TIKTOK_TEST_EVENT_CODE" in capsys.readouterr().out
    assert tiktok.events == []


def test_the_live_session_prints_what_support_asks_for(settings, tiktok, monkeypatch, capsys):
    """One event per event source that the environment names, each with its request id."""
    monkeypatch.setenv("TIKTOK_TEST_EVENT_CODE", "TEST1")
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(ROOT / "tests" / "live"), run_name="__main__")

    assert end.value.code == 0
    assert [request.body["test_event_code"] for request in tiktok.requests] == ["TEST1"] * 3
    assert "request_id r3" in capsys.readouterr().out


def _fake(tiktok):
    import httpx

    return httpx.Client(transport=tiktok)


def _fake_async(tiktok):
    import httpx

    return httpx.AsyncClient(transport=tiktok)


def test_every_public_name_is_documented():
    """The page of the API names all that is promised."""
    text = (ROOT / "docs" / "reference" / "api.md").read_text("utf-8")

    assert [name for name in tt.__all__ if not re.search(rf"\b{name}\b", text) and not hasattr(tt.errors, name)] == []


def test_each_event_of_the_guide_is_linked_to_the_line_that_reports_it():
    """The row of the guide's table names the event, its priority, and a line of the shop with the event's name."""
    page = ROOT / "docs" / "how-to" / "guide.md"
    text = page.read_text("utf-8")
    rows = {event: (path, int(line)) for event, path, line in ROW.findall(text)}

    assert list(rows) == list(GUIDE)
    for event, (path, line) in rows.items():
        assert f'"{event}"' in line_of(page, path, line)
        assert re.search(rf"^\| `{event}` \|[^|]+\| {GUIDE[event]} \|", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("this line", "{{ tiktok.pixel() }}"),
        ("with the context of the visitor", "tiktok.resume("),
        ("the browser's", "server=False"),
    ],
)
def test_the_guide_s_other_lines_are_what_it_says(words, shown):
    """A link in its sentences leads to the line that they are about."""
    page = ROOT / "docs" / "how-to" / "guide.md"
    ((path, line),) = re.findall(rf"\[{words}\]\((\S+?)#L(\d+)\)", page.read_text("utf-8"))

    assert shown in line_of(page, path, int(line))


def line_of(page, path, line):
    """The line that a link of *page* leads to."""
    return (page.parent / path).read_text("utf-8").splitlines()[line - 1]


@pytest.mark.parametrize("adapter", ["flask", "fastapi", "starlette"])
def test_adapter_pages_have_the_same_headings(adapter):
    """Who knows one page finds their way in all of them."""
    text = (ROOT / "docs" / "how-to" / f"{adapter}.md").read_text("utf-8")

    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ADAPTER


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    """Every file that a page links to is there, and so is the line."""
    for path, line in LINK.findall(page.read_text("utf-8")):
        if ":" not in path:
            target = page.parent / path
            assert target.exists(), path
            assert not line or int(line) <= len(target.read_text("utf-8").splitlines())


def test_the_readme_has_its_two_commands():
    """One to look, one to test: from a checkout, with nothing but pip."""
    text = (ROOT / "README.md").read_text("utf-8")

    assert "$ pip install uv && uv run tiktok-events demo\n" in text
    assert "$ pip install uv && uvx nox\n" in text
