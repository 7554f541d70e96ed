"""Local pages with the pixel's base code, and a browser tab that collects what they post to the Events Manager."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

PIXEL, OTHER = "C0EXAMPLE0EXAMPLE000", "D0EXAMPLE0EXAMPLE999"
CLICK = "E.C.P.zzpii-click.1"
LOAD = f'ttq.load("{PIXEL}");'
TWO = f'{LOAD} ttq.load("{OTHER}");'
PATIENCE = 10.0

# The base code: a queue under a global name, stubs that push arrays, and the script that processes them.
LOADER = """
(function (window, document, name, address) {
  window.TiktokAnalyticsObject = name;
  const queue = (window[name] = window[name] || []);
  queue.methods = ["page", "track", "identify", "instances", "debug", "on", "off", "once", "ready", "alias", "group",
    "enableCookie", "disableCookie", "holdConsent", "revokeConsent", "grantConsent"];
  queue.setAndDefer = (target, method) => {
    target[method] = (...args) => { target.push([method, ...args]); };
  };
  queue.methods.forEach((method) => queue.setAndDefer(queue, method));
  queue.instance = (code) => {
    const calls = (queue._i || {})[code] || [];
    queue.methods.forEach((method) => queue.setAndDefer(calls, method));
    return calls;
  };
  queue.load = (code, options) => {
    const entry = Object.assign([], { _u: address });
    queue._i = { ...queue._i, [code]: entry };
    queue._t = { ...queue._t, [code]: Date.now() };
    queue._o = { ...queue._o, [code]: options || {} };
    const script = document.createElement("script");
    script.async = true;
    script.src = address + "?sdkid=" + code + "&lib=" + name + %(switches)r;
    const first = document.getElementsByTagName("script")[0];
    first.parentNode.insertBefore(script, first);
  };
})(window, document, "ttq", "%(manager)s/i18n/pixel/events.js");
"""


class Site(ThreadingHTTPServer):
    """Answers every GET with a page that runs `script`. `url` is its address, on any host name of this machine."""

    daemon_threads = True

    def __init__(self) -> None:
        self.script = ""
        super().__init__(("127.0.0.1", 0), _Handler)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        script = self.server.script  # type: ignore[attr-defined]
        head = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>shop</title>'
        body = f"{head}<script>{script}</script>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Log nothing: URLs hold click ids."""


@contextmanager
def site() -> Iterator[Site]:
    """A running site, stopped at the end of the block."""
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Tab:
    """A browser tab: opens pages with the base code and the test's script, and collects the posted bodies."""

    def __init__(self, context: Any, shop: Site, manager_url: str, bodies: list[dict[str, Any]]) -> None:
        self.context, self.shop, self.manager_url, self.bodies = context, shop, manager_url, bodies
        self.page = context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._on_console)

    def _on_console(self, message: Any) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def open(self, script: str, path: str = "/", host: str = "127.0.0.1", **switches: Any) -> None:
        """Open a page whose script runs before the pixel's script is loaded, and wait for the pixel's script."""
        parameters = {name: str(int(value)) for name, value in switches.items()}
        query = f"&{urlencode(parameters)}" if parameters else ""
        self.shop.script = LOADER % {"manager": self.manager_url, "switches": query} + script
        self.page.goto(self.shop.url(path, host))
        self.page.wait_for_function("() => window.ttq && window.ttq._standIn")

    def evaluate(self, script: str) -> Any:
        """The result of *script* on the page."""
        return self.page.evaluate(script)

    def wait_for_bodies(self, count: int) -> list[dict[str, Any]]:
        """The posted bodies, which are exactly *count*."""
        self.wait(lambda: len(self.bodies) >= count)
        self.page.wait_for_timeout(75)  # a surplus event arrives within this time
        assert len(self.bodies) == count, [body.get("event") for body in self.bodies]
        assert self.errors == []
        return list(self.bodies)

    def wait(self, is_so: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not is_so() and time.monotonic() < end:
            self.page.wait_for_timeout(5)

    def cookies(self) -> dict[str, dict[str, Any]]:
        """The browser's cookies by name."""
        return {cookie["name"]: cookie for cookie in self.context.cookies()}


def names(bodies: list[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Names and ids of the events in *bodies*."""
    return [(body["event"], body.get("event_id")) for body in bodies]


def codes(bodies: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Names and pixel codes of the events in *bodies*."""
    return [(body["event"], body["context"]["pixel"]["code"]) for body in bodies]


def users(bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The user object of each event, without the pixel's own id."""
    return [{key: value for key, value in body["context"]["user"].items() if key != "ttp"} for body in bodies]
