"""What happens to queued events when a process ends or forks: real processes, a real listener."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
import servers

pytestmark = pytest.mark.programs

SCRIPTS = Path(__file__).parent / "scripts"


def begin(script, *arguments, warnings=("error",)):
    """Run a script of tests/scripts."""
    filters = [word for one in warnings for word in ("-W", one)]
    return subprocess.Popen(
        [sys.executable, *filters, str(SCRIPTS / f"{script}.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith("TIKTOK_")},
    )


def end(process, timeout=30):
    """Its exit code, and what it said on stderr."""
    process.stdout_text, told = process.communicate(timeout=timeout)
    return process.returncode, told


def named(prefix, number):
    """Event ids, each once."""
    return Counter(f"{prefix}{n}" for n in range(number))


def without_waiting(told):
    """What a process said, but that it waits: a slow machine takes more than a second."""
    return "".join(line for line in told.splitlines(keepends=True) if not line.startswith("waiting up to "))


@pytest.fixture(scope="module", autouse=True)
def endpoint_down():
    """The script that takes the longest, begun first: its exit code, what it said, and the seconds it took."""

    def run():
        begun = time.monotonic()
        outcome.extend((*end(process), time.monotonic() - begun))

    outcome = []
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it takes connections, and never answers
        process = begin("endpoint_down", f"http://127.0.0.1:{silent.getsockname()[1]}")
        thread = threading.Thread(target=run)
        thread.start()
        yield lambda: thread.join() or outcome
        thread.join()


@pytest.fixture
def tiktok():
    """A listener that takes 50 ms for a request, as a near one does."""

    def after_50_ms(handler):
        time.sleep(0.05)
        servers.answer_ok(handler)

    with servers.listening(after_50_ms) as listener:
        yield listener


def test_a_script_that_just_ends_loses_nothing(tiktok):
    """275 events queued, no flush, no close: all delivered, once, within 10 seconds."""
    begun = time.monotonic()
    code, told = end(begin("plain_exit", tiktok.url))

    assert (code, without_waiting(told)) == (0, "")
    assert Counter(tiktok.event_ids) == named("e", 275)
    assert time.monotonic() - begun < 10


def test_an_exit_code_is_kept(tiktok):
    """Delivering at the end does not hide how the script ended."""
    code, told = end(begin("exception_exit", tiktok.url))

    assert (code, without_waiting(told)) == (3, "")
    assert Counter(tiktok.event_ids) == named("e", 5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("how", ["exit", "_exit"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_forked_child_delivers_its_own(tiktok, when, how):
    """Whether the fork comes before or after the first event; what the parent had queued goes out once."""
    # A child may inherit an open connection, whose locks it must not touch: it drops it, and Python remarks on that.
    code, told = end(begin("forked", tiktok.url, when, how, warnings=("error", "ignore:unclosed:ResourceWarning")))

    expected = named("parent-", 60) + named("child-", 60) + (named("early-", 30) if when == "after" else Counter())
    assert (code, without_waiting(told)) == (0, "")
    assert Counter(tiktok.event_ids) == expected


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_deliver(tiktok, method):
    """They skip atexit, not their own finalizers."""
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    code, told = end(begin("multiprocessed", tiktok.url, method))

    assert (code, without_waiting(told)) == (0, "")
    assert Counter(tiktok.event_ids) == named("parent-", 20) + named("child0-", 20) + named("child1-", 20)


def test_a_listener_that_fails_first_is_tried_again_at_exit():
    """A 500 and then success: the events are not given up at the first sign of trouble."""
    answers = iter([500, 500])

    def respond(handler):
        servers.answer_with(handler, servers.OK if (status := next(answers, 200)) == 200 else b"", status)

    with servers.listening(respond) as tiktok:
        code, told = end(begin("exception_exit", tiktok.url))

    assert code == 3
    assert "trying again; the events are kept" in told
    assert "Traceback" not in told
    assert len(tiktok.bodies) == 3


def test_an_endpoint_that_is_down_does_not_hold_up_the_exit(endpoint_down):
    """About ten seconds, a log line that says how many events are lost, and exit code 0."""
    code, told, seconds = endpoint_down()

    assert code == 0
    assert seconds < 20  # the promised ten, and a slow machine's start
    assert "WARNING waiting up to 9 s at exit for the delivery of 5 events" in told
    assert "ERROR 5 events were not delivered before the process ended" in told
    assert "Traceback" not in told


@pytest.mark.parametrize("client", ["Client", "AsyncClient"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_local_manager_that_is_not_running_does_not_hold_up_the_exit(client, host):
    """A refused connection on this machine is final: one line says what to start, and the process ends at once."""
    port = servers.closed_port()
    code, told = end(process := begin("refused_exit", f"http://{host}:{port}", client))
    waited = time.time() - float(process.stdout_text)

    assert code == 0
    assert told.count("ERROR") == 1
    assert f"ERROR 1 events were not delivered: nothing listens at http://{host}:{port}" in told
    assert f"`tiktok-events manager --port {port}`" in told
    assert "Traceback" not in told
    assert waited < 4  # it took 8 s; a slow machine may take longer than the promised half second
