"""Load the example shop for `tiktok-events demo`, set its environment, and serve it on loopback.

The app is in `examples/`, which the wheel contains. It is loaded by its path, so this module imports no framework.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import tiktok_events
from tiktok_events.errors import ConfigurationError

_PLACES = (Path(__file__).parent / "examples", Path(tiktok_events.__file__).parents[1] / "examples")
"""Where a wheel and where a checkout has the shop."""


@contextmanager
def open_shop(settings: Mapping[str, str], port: int = 0) -> Iterator[str]:
    """Serve the example shop on loopback while the block lasts, and yield its address. Port 0 is any that is free.

    Its environment says *settings*, and nothing else of TikTok or Flask. What it reported is delivered when it closes.

    Raises:
        ConfigurationError: If the port is taken, or the shop is nowhere.
    """
    with _environment(settings):
        shop = _load()
        with _listening(port) as server:
            server.set_app(shop.app)
            thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="shop", daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()
                shop.tiktok.site.close()


def _load() -> Any:
    folder = next((place for place in _PLACES if (place / "flask_shop" / "app.py").exists()), None)
    if folder is None:
        raise ConfigurationError("the example shop is missing: install tiktok-events again")
    spec = importlib.util.spec_from_file_location("tiktok_events_example_shop", folder / "flask_shop" / "app.py")
    if spec is None or spec.loader is None:
        raise ConfigurationError("the example shop cannot be read")
    module = importlib.util.module_from_spec(spec)
    # First in the path: another installed module may be called `shop`.
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Replace the environment of the process, so that the demo does not use real settings."""
    before = dict(os.environ)
    for name in before:
        if name.startswith(("TIKTOK_", "FLASK_")):
            del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def _listening(port: int) -> Iterator[_Server]:
    try:
        server = _Server(("127.0.0.1", port), _Quiet)
    except OSError as error:
        from tiktok_events.events_manager.server import port_error

        raise port_error(port, "127.0.0.1", error) from None
    with server:
        yield server


class _Server(ThreadingMixIn, WSGIServer):
    """The WSGI server of the standard library with one thread per request: a browser sends several at the same time."""

    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without a DNS lookup of this machine's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a closed connection."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: URLs hold click ids."""
