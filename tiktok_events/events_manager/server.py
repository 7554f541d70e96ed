"""Serve the Events Manager over HTTP: until it is interrupted (`serve`), or during a block (`running`)."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import attrs
import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tiktok_events._api.transport import MANAGER_PORT, is_loopback
from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager.app import create_app
from tiktok_events.events_manager.app_state import AppState
from tiktok_events.events_manager.intake.track_response import ABORT

_START_TIMEOUT = 10.0


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = MANAGER_PORT,
    on_start: Callable[[str], object] | None = None,
    on_running: Callable[[RunningManager], object] | None = None,
    allowed_hosts: Sequence[str] = (),
    **options: Any,
) -> None:
    """Serve the Events Manager until it is interrupted. *options* are those of `create_app`.

    *on_start* is called with the URL once the port is open, *on_running* then with the manager.

    Raises:
        ConfigurationError: If the port is in use, or *host* is not a loopback address and *allowed_hosts* is empty.
    """
    if not is_loopback(host) and not allowed_hosts:
        raise ConfigurationError(
            "other machines can reach this host: set allowed_hosts (--allow-host), or any web page could read the events"
        )
    app = create_app(allowed_hosts=allowed_hosts, **options)
    with closing(app.state.events_manager.store), _listening(host, port) as listener:
        if on_start is not None:
            on_start(_address(listener))
        if on_running is not None:
            on_running(RunningManager(_address(listener), app.state.events_manager))
        with suppress(KeyboardInterrupt):  # uvicorn raises it again once everything is closed
            _server(app).run(sockets=[listener])


@attrs.frozen
class RunningManager:
    """A running manager: `url` is its page, `api_url` the value for `TIKTOK_API_URL` or `Client(base_url=...)`."""

    url: str
    _state: AppState = attrs.field(repr=False)

    @property
    def api_url(self) -> str:
        """The base URL for clients."""
        return f"{self.url}/open_api/v1.3"

    def listen(self, listener: Callable[[list[dict[str, Any]]], object] | None) -> None:
        """Call *listener* with the events of each request once they are stored; it must not block."""
        self._state.store.listener = listener

    def summary(self) -> dict[str, Any]:
        """Return the summary, as `GET /api/summary` does."""
        return self._state.store.summary()

    def findings(self) -> list[dict[str, Any]]:
        """Return what is wrong with the received events, as `GET /api/diagnostics` does."""
        return [one.as_json() for one in self._state.store.findings(self._state.clock())]

    def events(self) -> list[dict[str, Any]]:
        """Return all received events in the order of arrival, each as in `GET /api/events`."""
        return self._state.store.events().events


@contextmanager
def running(*, port: int = 0, **options: Any) -> Iterator[RunningManager]:
    """Run the Events Manager in a thread, on a loopback address, during the `with` block. Port 0 is any free port.

    *options* are those of `create_app`.
    """
    app = create_app(**options)
    with closing(app.state.events_manager.store), _listening("127.0.0.1", port) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, args=([listener],), name="events-manager", daemon=True)
        thread.start()
        try:
            if not server.listens.wait(_START_TIMEOUT):
                raise ConfigurationError(f"the Events Manager did not start within {_START_TIMEOUT:g} s")
            yield RunningManager(_address(listener), app.state.events_manager)
        finally:
            server.should_exit = True
            thread.join(_START_TIMEOUT)


class _Server(uvicorn.Server):
    """uvicorn's server, with an event that is set when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then set `listens`."""
        await super().startup(sockets)
        self.listens.set()


def _server(app: Starlette) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",  # `serve` and `running` close the store, after the last response
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


class _Protocol(H11Protocol):
    """uvicorn's protocol, with a function in the ASGI scope that cuts the connection. Scripted faults call it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        inner = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await inner({**scope, ABORT: self.transport.abort}, receive, send)

        self.app = app


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host.strip("[]"), port), family=family)
    except (OSError, OverflowError) as error:
        raise port_error(port, host, error) from None
    # asyncio sets this only on sockets it made itself; without it each answer on a kept connection waits 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with closing(listener):
        yield listener


def port_error(port: int, host: str, error: Exception) -> ConfigurationError:
    """The error for a *port* on which a server cannot listen because of *error*."""
    if getattr(error, "errno", None) == errno.EADDRINUSE:
        return PortInUseError(port)
    return ConfigurationError(f"port {port} on {host} cannot be used ({getattr(error, 'strerror', None) or error})")


class PortInUseError(ConfigurationError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        self.port = port
        super().__init__(f"port {port} is in use: stop the other program, or choose another port")

    def advice(self, option: str) -> str:
        """The message for the command line, with the *option* that takes another port."""
        other = self.port + 1 if self.port < 65535 else MANAGER_PORT
        return f"Port {self.port} is in use. Stop the other program, or use {option} {other}."


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
