"""A pytest plugin: which test answers which item of the list that the web half was written to.

`@pytest.mark.reference("8.5.3")` on a test says that it answers the item. `pytest --reference-table` prints item by
item what answered it, and fails when nothing that passed did. `-m reference` leaves the other tests out.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

ITEMS = {
    "8.5.1a": "the emitted script, parsed: every method, the address, load before page, the id as third argument",
    "8.5.1b": "the script run in node with a fake document: what is in the queue's arrays",
    "8.5.2a": "Set-Cookie, read by http.cookies",
    "8.5.2b": "Set-Cookie, read by http.cookiejar",
    "8.5.2c": "injections: semicolon, CR, LF, NUL, non-ASCII, quotes, 10 KB, %3B, encoded twice",
    "8.5.3": "a click id loses a tail of 13 digits; a short tail and one of 14 digits stay",
    "8.5.4a": "hosts: capitals and port, co.uk with and without labels before it, IPv4, [::1]:80, localhost, "
    "trailing dot, empty",
    "8.5.4b": "two Host headers",
    "8.5.5a": "a Cookie header split in two, as over HTTP/2",
    "8.5.5b": "one malformed pair before ours",
    "8.5.5c": "cookies of one name twice",
    "8.5.6a": "prefetch",
    "8.5.6b": "HEAD",
    "8.5.6c": "304",
    "8.5.6d": "asset",
    "8.5.6e": "a bot's user agent",
    "8.5.6f": "the in-app browser's user agent",
    "8.5.6g": "a websocket passes through",
    "8.5.6h": "a streamed body is not held back: the first chunk is out before the second is made",
    "8.5.6i": "a cookie that the app sets wins",
    "8.5.6j": "exc_info in WSGI",
    "8.5.6k": "start_response called twice",
    "8.5.7a": "</script><!-- in params",
    "8.5.7b": "U+2028 in params",
    "8.5.7c": "NaN in params",
    "8.5.7d": "a Decimal in params",
    "8.5.7e": "half a surrogate pair in params",
    "8.5.7f": "a nonce with quotes is refused",
    "8.5.7g": "markup under Django's autoescape, where an object with __html__ that is no str fails",
    "8.5.7h": "markup under Jinja2's autoescape",
    "8.5.8a": "the same name and key: one id, in the server's event and in the page's call",
    "8.5.8b": "two requests: two ids",
    "8.5.8c": "an order's key: one id in every process",
    "8.5.9": "Cache-Control: none, public with max-age, s-maxage, private, no-store, several headers",
    "8.5.10a": "Sec-GPC: there, absent, 0",
    "8.5.10b": "a consent callable that raises is a denial",
}
"""Section 8.5 of the reference for the browser, item by item."""

PROGRAMS = {"8.5.1b": "node"}
"""What an item may do without where it is not installed."""

Answers = dict[str, Counter[tuple[str, str]]]
_ANSWERS: pytest.StashKey[Answers] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "print which test answers which item of the reference; one that nothing answered is a failure"
    parser.addoption("--reference-table", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "reference(*items): the items of the reference that this test answers")
    config.stash[_ANSWERS] = {item: Counter() for item in ITEMS}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for test in items:
        if unknown := sorted(set(_answered_by(test)) - set(ITEMS)):
            raise pytest.UsageError(f"{test.nodeid}: the reference has no item {', '.join(map(str, unknown))}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    if report.when == "call" or not report.passed:
        for answered in _answered_by(item):
            item.config.stash[_ANSWERS][answered][item.nodeid.partition("[")[0], report.outcome] += 1
    return report


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if session.config.getoption("--reference-table") and exitstatus == 0 and _unanswered(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if not config.getoption("--reference-table"):
        return
    terminalreporter.section("the reference's items and the tests that answer them")
    for item, answers in config.stash[_ANSWERS].items():
        terminalreporter.write_line(f"{item:8} {ITEMS[item]}")
        for (test, outcome), number in sorted(answers.items()):
            terminalreporter.write_line(f"{'':11}{outcome:8}{number:4} {test}")
    for item in _unanswered(config):
        terminalreporter.write_line(f"no test that passed answers {item}: {ITEMS[item]}", red=True)


def _answered_by(test: pytest.Item) -> list[str]:
    return [item for mark in test.iter_markers("reference") for item in mark.args]


def _unanswered(config: pytest.Config) -> list[str]:
    return [
        item
        for item, answers in config.stash[_ANSWERS].items()
        if not any(outcome == "passed" for _, outcome in answers)
        and (item not in PROGRAMS or shutil.which(PROGRAMS[item]))
    ]
