"""The manager on a socket."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
from shops import PIXEL, TOKEN, browser_event

import tiktok_events as tt
from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager import running, serve

pytestmark = pytest.mark.programs


def test_running() -> None:
    """A client finds it under `api_url`, a browser under `url`, and the test reads what came."""
    with (
        running(token=TOKEN) as manager,
        tt.Client(tt.EventSource.web(PIXEL, TOKEN), base_url=manager.api_url) as client,
    ):
        response = client.track(tt.Event("Purchase", key="1", user={"email": "zzpii.ada@example.com"}))
        page = httpx.get(manager.url, trust_env=False)

        assert response.ok
        assert page.status_code == 200
        assert manager.events()[0]["event_id"] == response.results[0].event_id
        assert manager.summary()["conversions"] == 1


def test_running_ends_at_once() -> None:
    """Connections that a client keeps open do not hold it up, and the port is free again."""
    with httpx.Client(trust_env=False) as http:
        with running() as manager:
            http.get(manager.url)
            begun = time.monotonic()
        took = time.monotonic() - begun

    assert took < 1.5
    with pytest.raises(httpx.ConnectError):
        httpx.get(manager.url, trust_env=False)
    assert not [thread for thread in threading.enumerate() if thread.name == "events-manager"]


def test_two_at_once() -> None:
    """Each has a port and a memory of its own."""
    with running() as one, running() as other:
        httpx.post(f"{one.url}/api/v2/pixel/act", json=browser_event(), trust_env=False)

        assert (one.summary()["received"], other.summary()["received"]) == (1, 0)


def test_many_at_once() -> None:
    """Requests from many threads lose nothing, and each conversion counts once."""
    with running() as manager, httpx.Client(trust_env=False) as http:

        def send() -> None:
            for number in range(20):
                http.post(f"{manager.url}/api/v2/pixel/act", json=browser_event(event_id=f"order-{number}"))

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert (manager.summary()["received"], manager.summary()["conversions"]) == (160, 20)


def test_only_loopback_listens() -> None:
    """`running` listens on loopback alone."""
    with running() as manager:
        assert manager.url.startswith("http://127.0.0.1:")


def test_a_taken_port() -> None:
    """A port in use is an error that says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} "), running(port=port):
            pass
        with pytest.raises(ConfigurationError, match=f"port {port} "):
            serve(port=port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "shop.example"])
def test_the_network_needs_a_name(host: str) -> None:
    """On an address that others reach it starts only with the names it may be asked under."""
    with pytest.raises(ConfigurationError, match="allowed_hosts"):
        serve(host=host)


SERVE = """
import sys
from tiktok_events.events_manager import serve
serve(port=0, on_start=lambda url: print(url, flush=True))
print("ended")
"""


def test_serve_ends_with_an_interrupt() -> None:
    """`serve` says where it listens, and Ctrl-C ends it without a traceback."""
    import signal

    command = [sys.executable, "-W", "error", "-c", SERVE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        status = httpx.get(url, trust_env=False).status_code
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)

    assert status == 200
    assert (out, err, process.returncode) == ("ended\n", "", 0)


WITHOUT_EXTRA = """
import sys
sys.modules["{absent}"] = None
import tiktok_events.events_manager as manager
assert "running" in dir(manager)
try:
    manager.running
except manager.ConfigurationError as error:
    print(error)
"""


@pytest.mark.parametrize("absent", ["starlette", "uvicorn", "jinja2"])
def test_without_the_extra(absent: str) -> None:
    """Importing the package needs no framework; using it says which extra is missing."""
    command = [sys.executable, "-c", WITHOUT_EXTRA.format(absent=absent)]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "pip install 'tiktok-events[manager]'" in out


def test_unknown_names() -> None:
    """A name it does not have is an AttributeError as anywhere."""
    import tiktok_events.events_manager as manager

    with pytest.raises(AttributeError):
        manager.nothing  # noqa: B018
