"""One visitor's input: long form fields, headers and keys freeze nothing, fill no memory and no log."""

from __future__ import annotations

import logging
import threading
import time

import pytest

import tiktok_events as tt
from tiktok_events._events.normalize import urls
from tiktok_events._runtime import log_once as log
from tiktok_events.testing import SOURCE
from tiktok_events.web import Site, Tracker, WebRequest

MARKS = "a" + "\u0301\u0327" * 200_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
TEXTS = (
    "email",
    "phone",
    "external_id",
    "first_name",
    "last_name",
    "zip_code",
    "city",
    "state",
    "country",
    "idfa",
    "gaid",
)


@pytest.fixture
def site(tiktok):
    """A site that trusts a proxy."""
    client = tt.BackgroundClient(tiktok.client())
    yield Site(
        SOURCE, client, consent=lambda request: True, secret_key="a secret of the tests", trusted_proxies="private"
    )
    client.close()


@pytest.fixture(autouse=True)
def nothing_logged_before(monkeypatch):
    """What was said once is said again."""
    monkeypatch.setattr(log, "_repeats", {})


def visit(site, query="", **headers):
    """The tracker of a navigation."""
    given = {"user-agent": AGENT, "host": "shop.example", "accept": "text/html", "sec-fetch-dest": "document"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    pairs = [(name.encode(), value.encode("latin-1", "replace")) for name, value in given.items()]
    return Tracker(site, WebRequest(scheme="https", path="/", query=query, headers=pairs, peer="10.0.0.1"))


def longest_pause(work):
    """Seconds for which another thread does not run while *work* does."""
    pauses, ended = [0.0], threading.Event()

    def tick():
        before = time.monotonic()
        while not ended.is_set():
            time.sleep(0.001)
            now = time.monotonic()
            pauses.append(now - before)
            before = now

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        work()
    finally:
        ended.set()
        thread.join()
    return max(pauses)


@pytest.mark.case("a form field of 400 kB with combining marks", "left out with a problem; other threads go on")
def test_a_long_field(seen):
    """Unicode normalisation of it took 3 s, with the interpreter's lock held."""
    users = []
    pause = longest_pause(lambda: users.extend(tt.User(**{name: MARKS}) for name in TEXTS))
    rules = [[problem.rule for problem in user.problems] for user in users]

    assert rules == [["too-long"]] * len(TEXTS)
    assert all(MARKS[:9] not in str(problem) for user in users for problem in user.problems)
    assert pause < 0.5
    seen(f"too-long for {len(TEXTS)} fields, other threads wait at most {'0.1' if pause < 0.1 else '0.5'} s")


@pytest.mark.parametrize(
    ("field", "value", "is_sent"),
    [
        ("email", "a" * 308 + "@example.com", True),
        ("email", "a" * 309 + "@example.com", False),
        ("email", " " * 5_000 + "a@example.com" + "\n" * 5_000, True),
        ("phone", "+1 202 555 0123" + " " * 5_000, True),
        ("phone", "+12025550123" + "0" * 60, False),
        ("first_name", "ä" * 256, True),
        ("first_name", "ä" * 257, False),
        ("city", "x" * 256, True),
        ("city", "x" * 257, False),
        ("external_id", "x" * 256, True),
        ("external_id", "x" * 257, False),
    ],
    ids=lambda value: str(len(value)) if isinstance(value, str) and len(value) > 15 else None,
)
@pytest.mark.case("identifiers of many lengths", "256 characters, 320 of an e-mail address, 64 of a phone number")
def test_lengths(seen, field, value, is_sent):
    """Blanks around a value do not count."""
    user = tt.User(**{field: value})

    assert (getattr(user, field) is not None) is is_sent
    assert [problem.rule for problem in user.problems] == ([] if is_sent else ["too-long"])
    seen("sent" if is_sent else "left out")


HEADERS = {
    "x_forwarded_for": "10.0.0.1,",
    "x_forwarded_host": "a.",
    "x_forwarded_proto": "https,",
    "forwarded": "for=10.0.0.1;",
    "cookie": "ttclid=a;",
    "referer": "https://shop.example/?a=",
    "accept_language": "en-",
    "user_agent": "Mozilla/5.0 bot ",
    "hx_current_url": "https://shop.example/#",
    "host": "a.",
    "query": ";ttclid=__A__",
}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.case("a header or an address of 1 MB", "the view goes on within half a second")
def test_long_headers(seen, site, name):
    """X-Forwarded-For took 517 ms. What is cut is not sent."""
    text = HEADERS[name] * (1_000_000 // len(HEADERS[name]))
    begun = time.thread_time()
    visit(site, **{name: text}).track("Lead")
    took = time.thread_time() - begun

    assert took < 0.5
    seen(f"under {'0.05' if took < 0.05 else '0.5'} s")


@pytest.mark.case(
    "X-Forwarded-For with 1 MB of a stranger's addresses", "the address that the trusted proxy adds is used"
)
def test_the_end_of_a_long_list_counts(seen, site):
    """A stranger fills the beginning; proxies add to the end."""
    tracker = visit(site, x_forwarded_for="8.8.4.4, " * 100_000 + "8.8.8.8, 10.0.0.7")

    assert tracker.context.ip == "8.8.8.8"
    seen("8.8.8.8")


@pytest.mark.case(
    "6,000 requests with properties whose keys the visitor chose", "1,000 messages are remembered, no key is shown"
)
def test_keys_of_a_visitor(seen, site, caplog):
    """Each made a log line with the visitor's text, and was remembered for ever: 46 MB."""
    with caplog.at_level(logging.WARNING):
        for number in range(3_000):
            visit(site).track("Lead", properties={f"anna.{number}@example.com " * 20: 1})
    lines = [record.getMessage() for record in caplog.records]

    assert len(lines) == 1
    assert "(a key)" in lines[0]
    assert "anna" not in caplog.text
    with caplog.at_level(logging.WARNING):
        for number in range(3_000):
            visit(site).track("Lead", properties={f"key_{number}": 1})
    assert len(log._repeats) <= 1_000
    seen(f"{len(log._repeats):,} messages are remembered, 0 texts of the visitor are shown")


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://shop.example/?anna@example.com", "https://shop.example/"),
        ("https://shop.example/?a=b&anna%40example.com&c=d", "https://shop.example/?a=b&c=d"),
        ("https://shop.example/#anna@example.com", "https://shop.example/"),
        ("https://shop.example/?a=b#/mail?x=1&y=anna@example.com", "https://shop.example/?a=b#/mail?x=1"),
        ("https://shop.example/@shop?a=b", "https://shop.example/@shop?a=b"),
    ],
)
@pytest.mark.case("an e-mail address in a URL, without a name before it", "it is left out")
def test_addresses_in_urls(seen, url, kept):
    """The fuzzer found those that are no value of a parameter."""
    assert urls.without_secrets(url) == kept
    seen("left out" if kept != url else "kept: a path may have an @")


@pytest.mark.case("a message that was repeated and is the oldest of 1,001", "its repeats are counted in the log")
def test_what_was_not_said_is_counted(seen, caplog):
    """The oldest message goes; how often it was held back is logged."""
    with caplog.at_level(logging.WARNING):
        for _ in range(8):
            log.log_once("the first", logging.WARNING)
        for number in range(1_000):
            log.log_once(f"message {number}", logging.WARNING)
        log.log_once("x" * 100_000, logging.WARNING)
    lines = [record.getMessage() for record in caplog.records]

    assert lines.count("the first") == 1
    assert "the first (7 more times)" in lines
    assert max(map(len, lines)) < 600
    seen("the first (7 more times)")
