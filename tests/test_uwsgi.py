"""What is done inside of uWSGI, with its module as it shows there; tests/deployment starts a real one."""

import os
import signal
import sys
import threading
from types import ModuleType

import pytest

import tiktok_events as tt


@pytest.fixture
def uwsgi(monkeypatch):
    """uWSGI's module in a worker that is served well."""
    module = ModuleType("uwsgi")
    module.opt, module.has_threads = {"master": True}, 1
    module.masterpid = os.getppid
    monkeypatch.setitem(sys.modules, "uwsgi", module)
    return module


def threads():
    """The delivery threads that live."""
    return [thread for thread in threading.enumerate() if thread.name == "tiktok-events"]


def test_a_worker_delivers_from_a_thread(uwsgi, tiktok, caplog):
    """And nothing is said."""
    with tt.BackgroundClient(tiktok.client()) as background:
        background.track(tt.Event("Contact", user={"ttclid": "E.C.P.1"}))
        assert len(threads()) == 1

    assert len(tiktok.events) == 1
    assert "uWSGI" not in caplog.text


def test_the_master_delivers_at_once_without_one(uwsgi, tiktok):
    """Its workers would inherit a thread that does not run, and the locks that it held."""
    uwsgi.masterpid = os.getpid
    with tt.BackgroundClient(tiktok.client()) as background:
        background.track(tt.Event("Contact", user={"ttclid": "E.C.P.1"}))

        assert threads() == []
        assert len(tiktok.events) == 1


def test_a_master_that_tells_of_its_forks_is_as_any_other_process(uwsgi, tiktok):
    """The thread then starts again in the workers."""
    uwsgi.masterpid, uwsgi.opt = os.getpid, {"py-call-uwsgi-fork-hooks": True}
    with tt.BackgroundClient(tiktok.client()) as background:
        background.track(tt.Event("Contact", user={"ttclid": "E.C.P.1"}))

        assert len(threads()) == 1


def test_threads_that_do_not_run_are_spoken_of(uwsgi, tiktok, caplog):
    """With the setting that mends it, and once."""
    uwsgi.has_threads = 0
    with tt.BackgroundClient(tiktok.client()) as background:
        for _ in range(2):
            background.track(tt.Event("Contact", user={"ttclid": "E.C.P.1"}))

    assert caplog.text.count("enable-threads") == 1


def test_no_signal_ends_the_delivery_of_a_worker(uwsgi, tiktok):
    """Signals that end a worker are for its main thread, and wait while that delivers at its end."""
    seen = []

    def look(results):
        seen.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    with tt.BackgroundClient(tiktok.client(), on_sent=look) as background:
        background.track(tt.Event("Contact", user={"ttclid": "E.C.P.1"}))

    assert seen[0] >= {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
