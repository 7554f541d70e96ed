"""The redis-server that tests share, emptied for each, and outboxes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis_process

import tiktok_events as tt


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[redis_process.RedisProcess]:
    """A redis-server that keeps nothing on disk."""
    why = redis_process.missing()
    if why:
        pytest.skip(why)
    with redis_process.RedisProcess(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(redis_server: redis_process.RedisProcess) -> Iterator[redis_process.RedisProcess]:
    """It, empty."""
    yield redis_server
    with redis_server.client() as client:
        client.flushall()


@pytest.fixture
def connect_outbox(redis: redis_process.RedisProcess) -> Iterator[Callable[..., tt.RedisOutbox]]:
    """Make outboxes in it, each as another host would; they are closed afterwards."""
    made: list[tt.RedisOutbox] = []

    def connected(url: str = redis.url, **options: Any) -> tt.RedisOutbox:
        made.append(tt.RedisOutbox(url, **options))
        return made[-1]

    yield connected
    for outbox in made:
        outbox.close()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Callable[..., redis_process.RedisProcess]]:
    """Start a redis-server for one test alone, with settings of its own."""
    started: list[redis_process.RedisProcess] = []

    def start(*settings: str) -> redis_process.RedisProcess:
        why = redis_process.missing()
        if why:
            pytest.skip(why)
        started.append(redis_process.RedisProcess(tmp_path, *settings))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.kill()
