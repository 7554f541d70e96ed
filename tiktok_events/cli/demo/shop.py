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

_EXAMPLE_FOLDERS = (Path(__file__).parent / "examples", Path(tiktok_events.__file__).parents[1] / "examples")
"""The folder of the shop in a wheel, and in a checkout."""


@contextmanager
def open_shop(settings: Mapping[str, str], port: int = 0) -> Iterator[str]:
    """Serve the example shop on loopback during the block, and yield its URL. Port 0 selects any free port.

    During the block, the environment of the process has *settings* and no other TIKTOK_ or FLASK_ variable. At the end
    of the block, the events of the shop are delivered.

    Raises:
        ConfigurationError: If the port is in use, or the files of the shop are missing.
    """
    with _replaced_environment(settings):
        shop = _load_app_module()
        with _bound_server(port) as server:
            server.set_app(shop.app)
            thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="shop", daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()
                shop.tiktok.site.close()


def _load_app_module() -> Any:
    folder = next((path for path in _EXAMPLE_FOLDERS if (path / "flask_shop" / "app.py").exists()), None)
    if folder is None:
        raise ConfigurationError("The example shop is missing. Install tiktok-events again.")
    spec = importlib.util.spec_from_file_location("tiktok_events_example_shop", folder / "flask_shop" / "app.py")
    if spec is None or spec.loader is None:
        raise ConfigurationError("The example shop cannot be read. Install tiktok-events again.")
    module = importlib.util.module_from_spec(spec)
    # First in the path: another installed module may be called `shop`.
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


@contextmanager
def _replaced_environment(settings: Mapping[str, str]) -> Iterator[None]:
    """Replace the environment of the process, so that the demo does not use real settings."""
    saved = dict(os.environ)
    for name in saved:
        if name.startswith(("TIKTOK_", "FLASK_")):
            del os.environ[name]
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


@contextmanager
def _bound_server(port: int) -> Iterator[_Server]:
    try:
        server = _Server(("127.0.0.1", port), _SilentRequestHandler)
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


class _SilentRequestHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: URLs hold click ids."""
