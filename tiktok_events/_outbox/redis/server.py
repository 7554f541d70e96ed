"""The connection of an outbox to a Redis server: commands, errors, and warnings about the server's settings.

The messages of redis-py may quote the address, and a failed command with its arguments, so none of them is passed on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from tiktok_events._api import network_guard, transport
from tiktok_events._runtime.fork import renew_after_fork
from tiktok_events.errors import ConfigurationError, OutboxUnavailable

_LOG = logging.getLogger("tiktok_events")
_SCHEMES = ("redis://", "rediss://", "unix://")
_OLDEST = (6, 2)
T = TypeVar("T")


class NoGroup(OutboxUnavailable):
    """There is no such stream, or no consumer group on it yet."""


class NoMemory(OutboxUnavailable):
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
        self.place = self._where()
        self._is_here = self.place.startswith("unix:") or transport.is_local(self.place)
        renew_after_fork(self)

    def __repr__(self) -> str:
        return f"RedisServer({self.place!r})"

    def _renew(self) -> None:
        # With its own pool a client closes nothing when it is garbage-collected, which may be in a child, under a lock.
        self._client = self._redis.Redis(connection_pool=_pool(self._redis, self._url, *self._timeouts))
        self._scripts: dict[str, Any] = {}

    def _where(self) -> str:
        """The address without user, password and options."""
        options, scheme = self._client.connection_pool.connection_kwargs, self._url.partition(":")[0].lower()
        if scheme == "unix":
            return f"unix://{options['path']}"
        return f"{scheme}://{options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"

    def ask(self, call: Callable[[Any], T]) -> T:
        """The result of *call* with the client.

        Raises:
            NoGroup: If a stream or its group is not there.
            NoMemory: If the server holds as much as it may.
            OutboxUnavailable: If it does not answer, or answers with another error; or if a test run may not ask it.
        """
        if network_guard.is_blocked and not self._is_here:
            raise OutboxUnavailable(str(network_guard.NetworkBlocked()))
        try:
            return call(self._client)
        except (self._redis.RedisError, OSError) as error:
            failure = self._failure(error)
        raise failure

    def piped(self, commands: Callable[[Any], object]) -> list[Any]:
        """The replies to the commands that *commands* adds to a pipeline, in one round trip; raises as `ask` does."""

        def asked(client: Any) -> list[Any]:
            with client.pipeline(transaction=False) as pipe:
                commands(pipe)
                answers: list[Any] = pipe.execute()
            return answers

        return self.ask(asked)

    def run(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        """The result of a Lua script of `scripts`; raises as `ask` does."""
        made = self._scripts.get(script)
        if made is None:
            made = self._scripts[script] = self._client.register_script(script)
        return self.ask(lambda client: made(keys=keys, args=arguments, client=client))

    def dangers(self) -> list[str]:
        """Sentences about settings of the server that can lose events; empty if there are none. Raises as `ask` does."""
        info = {str(key): str(value) for key, value in self.ask(lambda client: client.info()).items()}
        found = []
        version = tuple(int(part) for part in info.get("redis_version", "").split(".")[:2] if part.isdecimal())
        if version and version < _OLDEST:
            found.append(f"it is Redis {info['redis_version']}: 6.2 is needed to claim what a lost worker had")
        if info.get("aof_enabled") == "0":
            found.append("appendonly is off: a restart loses events that were put since its last snapshot")
        if info.get("maxmemory_policy", "").startswith("allkeys"):
            found.append(f"maxmemory-policy is {info['maxmemory_policy']}: it evicts events; noeviction keeps them")
        return found

    def warn(self) -> None:
        """Log what `dangers` finds. A server that does not allow INFO is not asked again."""
        with suppress(OutboxUnavailable):
            for danger in self.dangers():
                _LOG.warning("the Redis at %s may lose events: %s", self.place, danger)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._client.connection_pool.disconnect(inuse_connections=False)

    def _failure(self, error: BaseException) -> OutboxUnavailable:
        message = str(error).rpartition("caused error: ")[2]
        code = message.partition(" ")[0]
        if "NOGROUP" in message or "no such key" in message:
            return NoGroup(f"the Redis at {self.place} has no such stream")
        if code == "OOM" or type(error).__name__ == "OutOfMemoryError":
            return NoMemory(f"the Redis at {self.place} has no memory left")
        cause = error.__cause__ or error.__context__
        reason = cause.strerror if isinstance(cause, OSError) else None
        if not reason:
            reason = code if code.isalpha() and code.isupper() else type(error).__name__
        return OutboxUnavailable(f"the Redis at {self.place} cannot be used now: {reason}")


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
        raise ConfigurationError(f"the address of a Redis begins with {', '.join(_SCHEMES)}")
    timeouts, is_socket = {"socket_timeout": timeout}, url.lower().startswith("unix:")
    if not is_socket:
        timeouts["socket_connect_timeout"] = connect_timeout
    try:
        retry = redis.retry.Retry(redis.backoff.NoBackoff(), 0)
        pool = redis.ConnectionPool.from_url(url, retry=retry, **timeouts)
        pool.connection_kwargs["decode_responses"] = False
        pool.connection_class(**pool.connection_kwargs)  # an unknown option raises here, and not later in a thread
    except (TypeError, ValueError, AttributeError, redis.RedisError):
        pool = None
    if pool is None or (is_socket and not pool.connection_kwargs.get("path")):
        raise ConfigurationError(
            "the address of the Redis cannot be read; special characters in a password are written as %40 and the like"
        )
    return pool
