"""The pytest plugin, in runs of its own: a fixture that records, and a network that stays closed without it."""

import subprocess
import sys

import markers
import pytest
import servers
from nested_runs import QUIET

from tiktok_events._api import network_guard

pytestmark = pytest.mark.programs

PLUGIN = "tiktok_events._recording.pytest_plugin"
# Every way to another machine ends here, and is noted; what is asked of this machine goes through.
WATCH = """
import sys
asked = []

def watch(event, arguments):
    if event == "socket.getaddrinfo" and arguments[0] not in ("127.0.0.1", "localhost"):
        asked.append(arguments[0])
        raise OSError("no network here")
    if event == "socket.connect" and arguments[1][0] != "127.0.0.1":
        asked.append(arguments[1][0])
        raise OSError("no network here")

sys.addaudithook(watch)
"""
HEAD = """
import asyncio
import httpx
import pytest
import tiktok_events as tt
from conftest import asked
from tiktok_events.testing import FakeTikTok, capture

SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token")
ONCE = {"retry": tt.RetryPolicy(attempts=1)}
LEAD = tt.Event("Lead", user={"email": "anna@example.com"})
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Run a module of tests in a process of its own, as a user of the package does: its plugin is simply there."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.setenv("COLUMNS", "300")

    def run_module(body, *options):
        pytester.makeconftest(WATCH)
        pytester.makepyfile(HEAD + body)
        return pytester.runpytest_subprocess(*QUIET, "-W", "error", *options)

    return run_module


CLOSED = """
def test_a_client_raises():
    with pytest.raises(tt.ConfigurationError, match="fixture tiktok or .*capture.*--tiktok-live") as caught:
        tt.Client(SOURCE, **ONCE).track(LEAD)
    assert [one.status for one in caught.value.response.results] == ["rejected"]

def test_one_with_connections_of_the_users_own_raises():
    with httpx.Client() as http, pytest.raises(tt.ConfigurationError, match="--tiktok-live"):
        tt.Client(SOURCE, http=http, **ONCE).track(LEAD)

def test_so_does_one_behind_a_proxy():
    with httpx.Client(proxy="http://proxy.example:3128") as http, pytest.raises(tt.ConfigurationError):
        tt.Client(SOURCE, http=http, **ONCE).track(LEAD)

def test_an_async_client_raises():
    async def track():
        async with tt.AsyncClient(SOURCE, **ONCE) as client:
            await client.track(LEAD)
    with pytest.raises(tt.ConfigurationError, match="--tiktok-live"):
        asyncio.run(track())

def test_a_background_client_drops_and_says_so(caplog):
    import threading
    client = tt.BackgroundClient(tt.Client(SOURCE))
    assert [client.track(LEAD), client.track(LEAD, LEAD)] == [0, 0]
    assert client.stats().dropped == 3 and client.stats().waiting == 0
    assert [one.name for one in threading.enumerate() if one.name == "tiktok-events"] == []
    assert ["--tiktok-live" in one.message for one in caplog.records if "dropped" in one.message] == [True]

def test_so_does_one_of_an_async_client():
    assert tt.BackgroundClient(tt.AsyncClient(SOURCE)).track(LEAD) == 0

def test_one_with_connections_of_the_users_own_gives_up():
    with httpx.Client() as http:
        client = tt.BackgroundClient(tt.Client(SOURCE, http=http))
        assert client.track(LEAD) == 1
        assert client.close(5) == 0
    (dead,) = client.outbox.dead()
    assert "--tiktok-live" in dead.reason

def test_a_site_drops():
    tracker = tt.Site(SOURCE).resume(None, consent=True)
    assert not tracker.track("Lead").sent

def test_an_outbox_that_workers_share_is_left_alone(tmp_path):
    outbox = tt.SQLiteOutbox(tmp_path / "events.db")
    client = tt.BackgroundClient(tt.Client(SOURCE), outbox, deliver=False)
    assert client.track(LEAD) == 0
    assert outbox.depth() == 0
    client.close()

def test_a_redis_elsewhere_is_not_asked():
    pytest.importorskip("redis")
    outbox = tt.RedisOutbox("redis://redis.example:6379/0")
    with pytest.raises(tt.OutboxUnavailable, match="--tiktok-live"):
        outbox.depth()
    outbox.close()

def test_a_fake_answers():
    assert FakeTikTok().client().track(LEAD).ok

def test_nobody_was_asked():
    assert asked == []
"""


def test_the_network_is_closed_with_no_fixture_in_sight(run):
    """For every client, whoever made its connections: no name is looked up and no socket opened. Fakes work."""
    outcomes = run(CLOSED).parseoutcomes()

    assert outcomes["passed"] + outcomes.get("skipped", 0) == 12
    assert set(outcomes) <= {"passed", "skipped"}


def test_live_opens_it(run):
    """Then a test that does not record sends, as far as it gets; one that records still does not."""
    result = run(
        """
def test_it_is_tried():
    with pytest.raises(tt.TransportError):
        tt.Client(SOURCE, base_url="https://tiktok.invalid", **ONCE).track(LEAD)
    assert asked == ["tiktok.invalid"]

def test_a_recorder_keeps_it(tiktok):
    tt.Client(SOURCE, base_url="https://tiktok.invalid", **ONCE).track(LEAD)
    tiktok.assert_sent("Lead", user={"email": "anna@example.com"})
    assert asked == ["tiktok.invalid"]
""",
        "--tiktok-live",
    )

    result.assert_outcomes(passed=2)


def test_this_machine_can_be_reached(run, monkeypatch):
    """The local Events Manager, through a real socket; and not by a test that records."""
    with servers.listening() as listener:
        monkeypatch.setenv("TIKTOK_API_URL", listener.url)
        result = run(
            """
def test_it_arrives():
    with tt.Client(SOURCE) as client:
        assert client.track(LEAD).ok
    with tt.BackgroundClient(tt.Client(SOURCE)) as background:
        background.track(LEAD)

def test_a_recorder_keeps_it(tiktok):
    with tt.Client(SOURCE) as client:
        assert client.track(LEAD).ok
    tiktok.assert_sent("Lead")
"""
        )

        result.assert_outcomes(passed=2)
        assert len(listener.event_ids) == 2


def test_an_app_that_tracks_at_import_sends_nothing(pytester):
    """The network is closed before the first conftest.py."""
    pytester.makeconftest(
        WATCH
        + """
import tiktok_events as tt
source = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token")
background = tt.BackgroundClient(tt.Client(source))
queued = background.track(tt.Event("Lead"))
"""
    )
    pytester.makepyfile("from conftest import asked, queued\ndef test_it(): assert (queued, asked) == (0, [])")
    pytester.runpytest_subprocess(*QUIET).assert_outcomes(passed=1)


def test_without_autoload_the_plugin_is_named(pytester, monkeypatch):
    """By hand it does the same, late as it comes."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(f"pytest_plugins = ['{PLUGIN}']")
    pytester.makepyfile(
        """
import tiktok_events as tt

def test_it(tiktok):
    source = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token")
    tt.Client(source).track(tt.Event("Lead"))
    tiktok.assert_sent("Lead")

def test_closed():
    from tiktok_events._api import network_guard
    assert network_guard.is_blocked
"""
    )
    pytester.runpytest_subprocess(*QUIET).assert_outcomes(passed=2)


FAILING = f"""
from tiktok_events.web import WebRequest, Tracker

PERSON = {{"email": "{markers.EMAIL}", "phone": "{markers.PHONE}"}}

def shopper(site, method, path):
    return Tracker(site, WebRequest(method=method, path=path, query="q=zzpii", headers=[(b"user-agent", b"Mozilla/5.0")]))

@pytest.fixture
def shop(tiktok):
    shopper(tt.Site(SOURCE), "POST", "/checkout").track("InitiateCheckout", user=PERSON)
    shopper(tt.Site(SOURCE, consent=lambda request: False), "GET", "/thanks/t0k").track("Purchase", user=PERSON)

def test_purchase(shop, tiktok):
    tiktok.assert_sent("Purchase", user=PERSON)

def test_deduplicated(shop, tiktok):
    tiktok.assert_deduplicated("<head></head>")

def test_not_sent(shop, tiktok):
    tiktok.assert_not_sent("InitiateCheckout")

def test_other_user(shop, tiktok):
    tiktok.assert_sent("InitiateCheckout", user={{**PERSON, "email": "{markers.OTHER_EMAIL}"}})

def test_plain_assertions(shop, tiktok):
    assert [tiktok.sent(), tiktok.dropped, tiktok] == []
"""


@pytest.mark.parametrize("style", ["long", "native"])
def test_a_failure_tells_why_and_nothing_of_a_person(run, style):
    """What pytest prints names events, fields, reasons, method and path; no value, and no digest."""
    result = run(FAILING, f"--tb={style}", "-vv")
    lines = result.stdout.str().splitlines()
    told = "\n".join(line for line in lines if not line.lstrip("> ").startswith(("PERSON =", "tiktok.assert_sent(")))

    result.assert_outcomes(failed=5)
    tail = "sent: InitiateCheckout x1."
    denied = "1 event dropped: consent denied (GET /thanks/t0k)"
    named = denied.replace("consent", "Purchase, consent", 1)
    for line in (
        f"AssertionError: Purchase sent 0 times with this user.email, user.phone; {tail} {denied}",
        f"AssertionError: the response has no pixel call; {tail} {named}",
        f"AssertionError: InitiateCheckout sent 1 time, not 0; {tail} {named}",
        f"AssertionError: InitiateCheckout sent 0 times with this user.email, user.phone; {tail} {named}",
    ):
        assert line in told
    assert not markers.shown_in(told)


def test_a_run_within_a_run_leaves_the_process_as_it_was(pytester):
    """Here the network is closed already; and a run that opens it closes it again."""
    pytester.makepyfile(
        "from tiktok_events._api import network_guard\ndef test_it(): assert not network_guard.is_blocked"
    )
    before = network_guard.is_blocked
    pytester.runpytest_inprocess("-p", "no:cacheprovider", "--tiktok-live").assert_outcomes(passed=1)

    assert before
    assert network_guard.is_blocked


def test_the_suite_itself_runs_behind_it(request):
    """The plugin is installed here too: its entry point, and its option."""
    plugin = request.config.pluginmanager.get_plugin("tiktok_events")

    assert plugin.__name__ == PLUGIN
    assert request.config.getoption("--tiktok-live") is False


def test_the_plugin_imports_nothing_heavy():
    """It is loaded in every run of its users, whatever that run tests."""
    code = (
        "import sys, pytest, logging; before = set(sys.modules)\n"
        f"import {PLUGIN}\n"
        "print(*sorted({name for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split() == [
        "tiktok_events",
        "tiktok_events._api",
        "tiktok_events._api.network_guard",
        "tiktok_events._recording",
        PLUGIN,
        "tiktok_events._runtime",
        "tiktok_events._runtime.version",
        "tiktok_events.errors",
    ]
