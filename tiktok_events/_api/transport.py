"""HTTP transport. Only this module imports httpx, when the first client is opened."""

from __future__ import annotations

import importlib
import ipaddress
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tiktok_events._api import network_guard
from tiktok_events._api.access_token import AccessToken
from tiktok_events._api.bounds.answer_body import AnswerBody
from tiktok_events._api.bounds.deadline import Deadline, UnknownConnection, bound, bound_async, watch, watch_async
from tiktok_events._api.encoding import PATH, decode
from tiktok_events._api.response import TrackResponse
from tiktok_events._runtime.version import __version__
from tiktok_events.errors import ConfigurationError, TransportError

if TYPE_CHECKING:
    import httpx

DEFAULT_BASE_URL = "https://business-api.tiktok.com/open_api/v1.3"
_GRACE = 0.1
"""Seconds after its deadline at which an async request is cancelled, if its connection did not end it."""
MANAGER_PORT = 8765
"""The port of the local Events Manager by default."""


class _Opening:
    """A lock for importing httpx and opening a client; a fork waits for it, so that no child inherits half of either."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._hold, after_in_parent=self._release, after_in_child=self._renew)

    def _hold(self) -> None:
        self.lock.acquire()

    def _release(self) -> None:
        self.lock.release()

    def _renew(self) -> None:
        self.lock = threading.RLock()

    @contextmanager
    def __call__(self) -> Iterator[ModuleType]:
        with self.lock:
            library = importlib.import_module("httpx")
            importlib.import_module("httpcore")
            "a".encode("idna")  # the first DNS lookup imports this codec
            yield library


opening = _Opening()


def import_transport() -> None:
    """Import what the first request needs. A client that is opened imports more than httpx itself."""
    with opening() as library:
        for trust_env in (True, False):  # each finds its certificates in a way of its own
            library.Client(trust_env=trust_env).close()


def endpoint(base_url: str | None) -> str:
    """The address of `event/track/` under *base_url*, `TIKTOK_API_URL` or TikTok's own, in this order.

    Raises:
        ConfigurationError: If it is not https, and not http on a loopback host either.
    """
    base = base_url or os.environ.get("TIKTOK_API_URL") or DEFAULT_BASE_URL
    name = "base_url" if base_url else "TIKTOK_API_URL"
    if not base.isascii() or not base.isprintable() or " " in base:
        raise ConfigurationError(f"{name} must be a plain https address")
    try:
        parts = urlsplit(base)
        _ = parts.port  # a wrong port raises only when it is read
    except ValueError:
        raise ConfigurationError(f"{name} cannot be read: check its host and port") from None
    if not parts.hostname or parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be scheme, host and path, without user name or query")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ConfigurationError(f"{name} must be https: every request contains the access token")
    return f"{base.rstrip('/').removesuffix(PATH.rstrip('/')).rstrip('/')}/{PATH}"


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine by name or address."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def request_headers() -> dict[str, str]:
    """The headers of every request but the access token, which `AccessToken` adds."""
    return {
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": f"tiktok-events/{__version__}",
    }


def open_sync(timeout: float, url: str) -> httpx.Client:
    """Open an httpx client with one connection pool; a proxy from the environment is not used on loopback."""
    with opening() as library:
        client: httpx.Client = library.Client(timeout=timeout, trust_env=not is_local(url))
        return client


def open_async(timeout: float, url: str) -> httpx.AsyncClient:
    """The same for async code."""
    with opening() as library:
        client: httpx.AsyncClient = library.AsyncClient(timeout=timeout, trust_env=not is_local(url))
        return client


def is_local(url: str) -> bool:
    """Whether *url* is on this machine."""
    return is_loopback(urlsplit(url).hostname or "")


def post(http: httpx.Client, url: str, body: bytes, token: AccessToken, timeout: float) -> TrackResponse:
    """POST *body* and decode the answer, within *timeout* seconds. Raises `ApiError` or `TransportError`."""
    options = _options(url, body, token, timeout, _refuse)
    options.setdefault("extensions", {"trace": watch})
    with _transport_errors(http, url, timeout), Deadline(timeout) as deadline:
        while True:
            try:
                return _exchange(http, url, options, deadline)
            except UnknownConnection:
                continue  # each turn closes one such connection of a client of the caller's


def _exchange(http: httpx.Client, url: str, options: dict[str, Any], deadline: Deadline) -> TrackResponse:
    with http.stream("POST", url, **options) as answer:
        bound(answer.extensions.get("network_stream"))
        received = AnswerBody(answer)
        for chunk in () if received.is_complete else answer.iter_raw():
            received.take(chunk)
            deadline.left()
    return decode(answer.status_code, received.content(), retry_after=_retry_after(answer))


async def post_async(
    http: httpx.AsyncClient, url: str, body: bytes, token: AccessToken, timeout: float
) -> TrackResponse:
    """The same for async code."""
    import anyio  # httpx and its async backend need it, too

    options = _options(url, body, token, timeout, _refuse_async)
    options.setdefault("extensions", {"trace": watch_async})
    # A cancelled request leaves a connection of HTTP/2 open; one that its deadline ends does not.
    with _transport_errors(http, url, timeout), Deadline(timeout), anyio.fail_after(timeout + _GRACE):
        async with http.stream("POST", url, **options) as answer:
            bound_async(answer.extensions.get("network_stream"))
            received = AnswerBody(answer)
            if not received.is_complete:
                async for chunk in answer.aiter_raw():
                    received.take(chunk)
    return decode(answer.status_code, received.content(), retry_after=_retry_after(answer))


def _options(url: str, body: bytes, token: AccessToken, timeout: float, refuse: object) -> dict[str, Any]:
    token.check()
    options: dict[str, Any] = {
        "content": body,
        "headers": request_headers(),
        "auth": token,
        "timeout": timeout,
        "follow_redirects": False,
    }
    if network_guard.is_blocked and not is_local(url):
        # A real connection calls it before it opens or writes; a transport in memory never does.
        options["extensions"] = {"trace": refuse}
    return options


def _refuse(step: str, details: object) -> None:
    raise network_guard.NetworkBlocked


async def _refuse_async(step: str, details: object) -> None:
    raise network_guard.NetworkBlocked


def _retry_after(answer: httpx.Response) -> float | None:
    # HTTP allows a date too; TikTok sends neither form, proxies send seconds.
    value = answer.headers.get("retry-after", "").strip()
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None


@contextmanager
def _transport_errors(http: Any, url: str, timeout: float) -> Iterator[None]:
    library = _library_of(http)
    try:
        yield
    except (library.TimeoutException, TimeoutError):
        raise TransportError(f"no answer from TikTok within {timeout:.3g} s") from None
    except (library.TransportError, library.DecodingError, OSError) as error:
        if is_local(url) and _is_refusal(error):
            raise _refused_locally(url) from None
        # The text of an httpx error may hold an address, so only its class is shown.
        raise TransportError(f"no answer from TikTok ({type(error).__name__})") from None


def _is_refusal(error: BaseException | None) -> bool:
    """Whether *error* comes from a refused connection. httpx and anyio chain the system's error, or a group of them."""
    while error is not None:
        if isinstance(error, BaseExceptionGroup):
            return all(map(_is_refusal, error.exceptions))
        if isinstance(error, ConnectionRefusedError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _refused_locally(url: str) -> TransportError:
    parts = urlsplit(url)
    port = f" --port {parts.port}" if parts.port not in (None, MANAGER_PORT) else ""
    error = TransportError(
        f"nothing listens at {parts.scheme}://{parts.netloc}: start the Events Manager with `tiktok-events manager{port}`"
    )
    error.is_refused_locally = True
    return error


def _library_of(http: object) -> Any:
    # httpx and httpx2 share an API but no classes: catch the errors of the library in use.
    for cls in type(http).__mro__:
        name = cls.__module__.partition(".")[0]
        if name in ("httpx", "httpx2"):
            return importlib.import_module(name)
    raise ConfigurationError("http must be an httpx.Client (or httpx.AsyncClient for AsyncClient)")
