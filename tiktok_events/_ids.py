"""Event ids: random, or made from a key so that every process makes the same one."""

from __future__ import annotations

import os
from enum import Enum
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final, Literal
from uuid import UUID

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCK = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


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
    """The id that makes a browser event and a server event one: 32 hex digits.

    Without *key* it is random. With one it is the same on every machine, in every process and request that share
    *namespace* (`EventSource.id_namespace`): an HMAC-SHA256 of name and key under it, plain SHA-256 when it is
    empty. A string and an int key that read the same are the same key.

    Raises:
        TypeError: If *key* is None or of another type. An order's id that is None was not saved yet, and a random
            id in its place would count the order twice.
        ValueError: If *key* is empty, or given without a name.
    """
    if key is UNSET:
        return random_id()
    if not name:
        raise ValueError("a key needs the event's name: event_id(name, key)")
    message = f"{len(name)}:{name}:{key_text(key)}".encode("utf-8", "surrogatepass")
    if not namespace:
        return sha256(message).hexdigest()[:32]
    begun_inner, begun_outer = _begun(namespace)
    inner, outer = begun_inner.copy(), begun_outer.copy()
    inner.update(message)
    outer.update(inner.digest())
    return outer.hexdigest()[:32]


@lru_cache(maxsize=16)
def _begun(namespace: str) -> tuple[_Hash, _Hash]:
    """The two hashes of an HMAC-SHA256 (RFC 2104) under *namespace*, its key already in them: it is half the work."""
    key = namespace.encode("utf-8", "surrogatepass")
    key = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return sha256(key.translate(_INNER)), sha256(key.translate(_OUTER))


def key_text(key: object) -> str:
    """*key* as text; see `event_id` for what is refused."""
    if isinstance(key, str):
        if not key:
            raise ValueError("key is empty")
        return key
    if isinstance(key, UUID) or (isinstance(key, int) and not isinstance(key, bool)):
        return str(key)
    if key is None:
        raise TypeError("key is None: save the order first, so that it has its number")
    raise TypeError(f"key must be str, int or UUID, not {type(key).__name__}")
