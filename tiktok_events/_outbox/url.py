"""Make an outbox from a URL. No error shows a part of the URL, because it may hold a password."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tiktok_events._outbox.memory import MemoryOutbox
from tiktok_events._outbox.protocol import Outbox
from tiktok_events.errors import ConfigurationError

_KNOWN = "memory:, sqlite:///file.db or redis://host"


def outbox_at(url: str) -> Outbox:
    """The outbox at *url*; it opens no file and no connection yet.

    `memory:`; `sqlite:///orders.db` beside the working directory, `sqlite:////var/lib/shop/orders.db` anywhere, with
    `?commit=group`, `?synchronous=FULL` and `?max_events=100000` as `SQLiteOutbox` takes them; `redis://`,
    `rediss://` and `unix://` as redis-py reads them, with `RedisOutbox`'s `prefix`, `streams` and `max_events`; all take
    `?remember_keys=28` (days).

    Raises:
        ConfigurationError: If it names none, or the extra `redis` is missing.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(f"the outbox's URL cannot be read: use {_KNOWN}") from None
    if parts.scheme == "memory":
        return MemoryOutbox(**_options(parts.query, {"max_events": int, "remember_keys": float}))
    if parts.scheme == "sqlite":
        return _sqlite(parts.netloc, unquote(parts.path), parts.query)
    if parts.scheme in ("redis", "rediss", "unix"):
        return _redis(url)
    raise ConfigurationError(f"the outbox's URL must be {_KNOWN}")


def file_of(url: str) -> Path | None:
    """The file of the SQLite outbox at *url*; None if it is of another kind."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)[1:]) if parts.scheme == "sqlite" else None


def _sqlite(host: str, path: str, query: str) -> Outbox:
    from tiktok_events._outbox.sqlite.outbox import SQLiteOutbox

    if host or len(path) < 2:
        raise ConfigurationError(
            "the URL of an SQLite outbox is sqlite:///file.db, or sqlite:////folder/file.db for an absolute path"
        )
    return SQLiteOutbox(
        path[1:], **_options(query, {"commit": str, "synchronous": str, "max_events": int, "remember_keys": float})
    )


def _redis(url: str) -> Outbox:
    from tiktok_events._outbox.redis.outbox import RedisOutbox

    base, _, query = url.partition("?")
    own: dict[str, Callable[[str], Any]] = {"prefix": str, "streams": int, "max_events": int, "remember_keys": float}
    pairs = parse_qsl(query, keep_blank_values=True)
    options = _typed({name: value for name, value in pairs if name in own}, own)
    rest = "&".join(pair for pair in query.split("&") if pair and pair.partition("=")[0] not in own)
    return RedisOutbox(f"{base}?{rest}" if rest else base, **options)


def _options(query: str, known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    given = dict(parse_qsl(query, keep_blank_values=True))
    if not given.keys() <= known.keys():
        raise ConfigurationError(f"the outbox's URL takes only these options: {', '.join(known)}")
    return _typed(given, known)


def _typed(given: Mapping[str, str], known: Mapping[str, Callable[[str], Any]]) -> dict[str, Any]:
    try:
        return {name: known[name](value) for name, value in given.items()}
    except ValueError:
        numbers = [name for name, kind in known.items() if kind in (int, float) and name in given]
        raise ConfigurationError(f"{' and '.join(numbers)} in the outbox's URL must be a number") from None
