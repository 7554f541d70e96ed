"""Event ids: random, or derived from an idempotency key, so that every process derives the same id."""

from __future__ import annotations

import hashlib
import hmac
import os
from enum import Enum
from typing import Final, Literal
from uuid import UUID

from tiktok_events._events.normalize.foreign_values import plain


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
UnsetType = Literal[Unset.UNSET]

Key = str | int | UUID


def random_id() -> str:
    """32 random hex digits."""
    return os.urandom(16).hex()


def event_id(name: str | None = None, key: Key | UnsetType = UNSET, *, namespace: str = "") -> str:
    """An event id (32 hex digits), by which TikTok deduplicates the browser's and the server's copy of an event.

    Without *key* it is random. With a key it is the same in every process on every machine with the same *namespace*
    (`EventSource.id_namespace`): an HMAC-SHA256 of name and key with the namespace as its key, or plain SHA-256
    without one. A string and an int that read the same are the same key.

    Raises:
        TypeError: If *key* is None or of another type. An order whose id is None is not saved yet; with a random id
            instead, the order would be counted twice.
        ValueError: If *key* is empty or blank, or given without a name.
    """
    if key is UNSET:
        return random_id()
    if not name:
        raise ValueError("a key needs the event's name: event_id(name, key)")
    message = f"{len(name)}:{name}:{key_text(key)}".encode("utf-8", "surrogatepass")
    if namespace:
        return hmac.digest(namespace.encode("utf-8", "surrogatepass"), message, "sha256").hex()[:32]
    return hashlib.sha256(message).hexdigest()[:32]


def key_text(key: object) -> str:
    """*key* as text. Raises as `event_id` does."""
    key = plain(key)
    if isinstance(key, str):
        key = key.strip()
        if not key:
            raise ValueError("key is empty")
        return key
    if isinstance(key, UUID) or (isinstance(key, int) and not isinstance(key, bool)):
        return str(key)
    if key is None:
        raise TypeError("key is None: save the order first, so that it has its number")
    raise TypeError(f"key must be str, int or UUID, not {type(key).__name__}")
