"""Serve apps on real sockets, and the shops of `examples/`."""

from __future__ import annotations

import importlib.util
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tiktok_events import web

PATIENCE = 20.0


@contextmanager
def wsgi_served(app: Any) -> Iterator[str]:
    """Serve *app* with werkzeug on a free port; yields its URL."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *args: Any, **kwargs: Any) -> None:
            """Log nothing: URLs hold click ids."""

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def asgi_served(app: Any) -> Iterator[str]:
    """Serve *app* with uvicorn on a free port; yields its URL."""
    import uvicorn

    settings: dict[str, Any] = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", loop="asyncio", http="h11", **settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


@contextmanager
def example(name: str) -> Iterator[tuple[str, web.Site]]:
    """Serve a shop of `examples/` unchanged; yields its URL and its site."""
    before = list(sys.path)
    path = Path(__file__).parents[2] / "examples" / f"{name}_shop" / "app.py"
    spec = importlib.util.spec_from_file_location(f"funnel_{name}_shop", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        site = module.tiktok.site if name == "flask" else module.site
        with (wsgi_served if name == "flask" else asgi_served)(module.app) as url:
            yield url, site
            site.close()
    finally:
        sys.path[:] = before
