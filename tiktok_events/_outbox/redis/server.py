"""The connection of an outbox to a Redis server: commands, errors, and warnings about the server's settings.

Messages of redis-py may quote the address, or a failed command with its arguments, so they are not passed on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from tiktok_events._api import network_guard, transport
from tiktok_events._api.bounds.deadline import Deadline, bound_socket
from tiktok_events._runtime.fork import renew_after_fork
from tiktok_events.errors import ConfigurationError, OutboxUnavailable

_LOG = logging.getLogger("tiktok_events")
_SCHEMES = ("redis://", "rediss://", "unix://")
_OLDEST = (6, 2)
_LONGEST_CALL = 10
"""How many times the timeout of one read a call may last, however many reads its replies take."""
T = TypeVar("T")


class NoGroupError(OutboxUnavailable):
    """The stream or its consumer group does not exist yet."""


class NoMemoryError(OutboxUnavailable):
    """The server has reached its memory limit."""


class RedisServer:
    """A Redis server at *url*. Thread-safe; a forked child opens its own connections.

    No command is retried here: the caller decides when to try again.
    """

    def __init__(self, url: str, *, timeout: float, connect_timeout: float) -> None:
        self._redis = _redis_py()
        "a".encode("idna")  # the first DNS lookup imports this codec, and a fork during the import would hang
        self._url, self._timeouts = url, (timeout, connect_timeout)
        self._renew()
        self.address = self._public_address()
        self._is_here = self.address.startswith("unix:") or transport.is_local(self.address)
        renew_after_fork(self)

    def __repr__(self) -> str:
        return f"RedisServer({self.address!r})"

    def _renew(self) -> None:
        # A client closes no pool that it was given. Garbage collection in a child could otherwise close it under a lock.
        self._client = self._redis.Redis(connection_pool=_pool(self._redis, self._url, *self._timeouts))
        self._scripts: dict[str, Any] = {}

    def _public_address(self) -> str:
        """The address without user, password and options."""
        options, scheme = self._client.connection_pool.connection_kwargs, self._url.partition(":")[0].lower()
        if scheme == "unix":
            return f"unix://{options['path']}"
        return f"{scheme}://{options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"

    def execute(self, call: Callable[[Any], T]) -> T:
        """Call *call* with the client and return its result.

        Raises:
            NoGroupError: If a stream or its group does not exist.
            NoMemoryError: If the server has reached `maxmemory`.
            OutboxUnavailable: If it does not answer, answers with another error, or is blocked by a test run.
        """
        if network_guard.is_blocked and not self._is_here:
            raise OutboxUnavailable(str(network_guard.NetworkBlocked()))
        try:
            with Deadline(self._timeouts[0] * _LONGEST_CALL):
                return call(self._client)
        except (self._redis.RedisError, OSError) as error:
            failure = self._failure(error)
        raise failure

    def pipeline(self, commands: Callable[[Any], object]) -> list[Any]:
        """The replies to the commands that *commands* adds to a pipeline, in one round trip; raises as `execute` does."""

        def run_pipeline(client: Any) -> list[Any]:
            with client.pipeline(transaction=False) as pipe:
                commands(pipe)
                replies: list[Any] = pipe.execute()
            return replies

        return self.execute(run_pipeline)

    def run_script(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        """Run a Lua script of `scripts` and return its result; raises as `execute` does."""
        registered = self._registered(script)
        return self.execute(lambda client: registered(keys=keys, args=arguments, client=client))

    def _registered(self, script: str) -> Any:
        registered = self._scripts.get(script)
        if registered is None:
            registered = self._scripts[script] = self._client.register_script(script)
        return registered

    def run_scripts(self, script: str, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
        """Run *script* once for each of *calls* (keys and arguments), all in one transaction; raises as `execute` does."""
        if len(calls) == 1:
            keys, arguments = calls[0]
            return [self.run_script(script, keys, *arguments)]
        registered = self._registered(script)

        def run_all(client: Any) -> list[Any]:
            with client.pipeline(transaction=True) as pipe:
                for keys, arguments in calls:
                    registered(keys=keys, args=arguments, client=pipe)
                replies: list[Any] = pipe.execute()
            return replies

        return self.execute(run_all)

    def time(self) -> float:
        """The server's Unix time; raises as `execute` does."""
        seconds, microseconds = self.execute(lambda client: client.time())
        return float(seconds + microseconds / 1e6)

    def config_warnings(self) -> list[str]:
        """Warnings about server settings that can lose events; empty if there are none. Raises as `execute` does."""
        info = {str(key): str(value) for key, value in self.execute(lambda client: client.info()).items()}
        warnings = []
        version = tuple(int(part) for part in info.get("redis_version", "").split(".")[:2] if part.isdecimal())
        if version and version < _OLDEST:
            warnings.append(
                f"its version is {info['redis_version']}: taking over the events of a crashed worker needs 6.2"
            )
        if info.get("aof_enabled") == "0":
            warnings.append("appendonly is off: a restart loses the events since the last snapshot of Redis")
        if info.get("maxmemory_policy", "").startswith("allkeys"):
            warnings.append(f"maxmemory-policy is {info['maxmemory_policy']}, which deletes events: set noeviction")
        return warnings

    def warn(self) -> None:
        """Log the warnings of `config_warnings`; none if the server does not allow INFO."""
        with suppress(OutboxUnavailable):
            for warning in self.config_warnings():
                _LOG.warning("the Redis at %s may lose events: %s", self.address, warning)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._client.connection_pool.disconnect(inuse_connections=False)

    def _failure(self, error: BaseException) -> OutboxUnavailable:
        message = str(error).rpartition("caused error: ")[2]
        code = message.partition(" ")[0]
        if "NOGROUP" in message or "no such key" in message:
            return NoGroupError(f"the Redis at {self.address} has no such stream")
        if code == "OOM" or type(error).__name__ == "OutOfMemoryError":
            return NoMemoryError(f"the Redis at {self.address} has no memory left")
        cause = error.__cause__ or error.__context__
        reason = cause.strerror if isinstance(cause, OSError) else None
        if not reason:
            reason = code if code.isalpha() and code.isupper() else type(error).__name__
        return OutboxUnavailable(f"the Redis at {self.address} cannot be used now: {reason}")


def _redis_py() -> Any:
    try:
        import redis
    except ImportError:
        pass
    else:
        return redis
    raise ConfigurationError('an outbox in Redis needs redis-py: pip install "tiktok-events[redis]"')


def _pool(redis: Any, url: str, timeout: float, connect_timeout: float) -> Any:
    if not url.lower().startswith(_SCHEMES):
        raise ConfigurationError(f"the Redis URL must start with {', '.join(_SCHEMES)}")
    timeouts, is_socket = {"socket_timeout": timeout}, url.lower().startswith("unix:")
    if not is_socket:
        timeouts["socket_connect_timeout"] = connect_timeout
    try:
        retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
        pool = redis.ConnectionPool.from_url(url, retry=retry, **timeouts)
        pool.connection_kwargs["decode_responses"] = False
        pool.connection_class = _bounded(pool.connection_class)
        pool.connection_class(**pool.connection_kwargs)  # an unknown option raises here, and not later in a thread
    except (TypeError, ValueError, AttributeError, redis.RedisError):
        pool = None
    if pool is None or (is_socket and not pool.connection_kwargs.get("path")):
        raise ConfigurationError(
            "the Redis URL cannot be read: percent-encode special characters in a password (%40 for @)"
        )
    return pool


def _bounded(kind: Any) -> Any:
    class BoundedConnection(kind):  # type: ignore[misc]
        """A connection whose replies, all together, come within the deadline of the call."""

        def _connect(self) -> Any:
            sock = super()._connect()
            bound_socket(sock)
            return sock

    return BoundedConnection
