"""The Events Manager on a real socket: for good (`serve`), or while a test runs (`running`)."""

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

from tiktok_events._api.transport import is_loopback
from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager.app import create_app
from tiktok_events.events_manager.intake.track import ABORT
from tiktok_events.events_manager.manager import Manager

DEFAULT_PORT = 8765
_PATIENCE = 10.0


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    on_start: Callable[[str], object] | None = None,
    allowed_hosts: Sequence[str] = (),
    **options: Any,
) -> None:
    """Serve the Events Manager until interrupted. *options* are `create_app`'s; *on_start* is called with its address.

    Raises:
        ConfigurationError: If the port is taken, or *host* is reachable from elsewhere and no *allowed_hosts* say
            under which names.
    """
    if not is_loopback(host) and not allowed_hosts:
        raise ConfigurationError("on a host others can reach, name it in allowed_hosts: anybody could read the events")
    app = create_app(allowed_hosts=allowed_hosts, **options)
    with closing(app.state.manager.store), _listening(host, port) as listener:
        if on_start is not None:
            on_start(_address(listener))
        with suppress(KeyboardInterrupt):  # uvicorn raises it again once everything is closed
            _server(app).run(sockets=[listener])


@attrs.frozen
class RunningManager:
    """A manager that runs: `url` is its page, `api_url` what `TIKTOK_API_URL` or `base_url` takes."""

    url: str
    _manager: Manager = attrs.field(repr=False)

    @property
    def api_url(self) -> str:
        """The base URL for clients."""
        return f"{self.url}/open_api/v1.3"

    def summary(self) -> dict[str, Any]:
        """Return what `GET /api/summary` answers."""
        return self._manager.store.summary()

    def events(self) -> list[dict[str, Any]]:
        """Everything received, in the order it came, each as in `GET /api/events`."""
        return self._manager.store.events().events


@contextmanager
def running(*, port: int = 0, **options: Any) -> Iterator[RunningManager]:
    """Run the Events Manager in a thread, on loopback, while the block lasts. Port 0 is any that is free.

    *options* are `create_app`'s. What it received can still be read after the block's last request, inside it.
    """
    app = create_app(**options)
    with closing(app.state.manager.store), _listening("127.0.0.1", port) as listener:
        server = _server(app)
        thread = threading.Thread(target=server.run, args=([listener],), name="events-manager", daemon=True)
        thread.start()
        try:
            if not server.listens.wait(_PATIENCE):
                raise ConfigurationError("the Events Manager did not start")
            yield RunningManager(_address(listener), app.state.manager)
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)


class _Server(uvicorn.Server):
    """uvicorn's own, and whoever waits is told when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn calls it."""
        await super().startup(sockets)
        self.listens.set()


def _server(app: Starlette) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="off",  # the store is closed here, after the last answer
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=1,
        )
    )


class _Protocol(H11Protocol):
    """uvicorn's own, and the scope says how to cut the connection: only a fault asks for that."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        answer = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await answer({**scope, ABORT: self.transport.abort}, receive, send)

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
        other = self.port + 1 if self.port < 65535 else 8765
        return f"Port {self.port} is in use. Stop the other program, or use {option} {other}."


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
