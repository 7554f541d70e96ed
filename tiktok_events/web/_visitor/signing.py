"""Signing: the redirect cookie and the snapshot. Each purpose has a key of its own, made from the secret."""

from __future__ import annotations

import base64
import hmac
import json
import zlib
from collections.abc import Sequence
from typing import Any

from tiktok_events.errors import ConfigurationError

_SIGNATURE = 16
_LARGEST = 64_000


class BadSignature(ValueError):
    """What was given was not signed by us, or is no longer whole or fresh."""


class Signer:
    """Signs small JSON values for one purpose. The first secret signs, every one verifies.

    Raises:
        ConfigurationError: If a secret is shorter than 16 characters.
    """

    def __init__(self, secrets: Sequence[str], purpose: str) -> None:
        if any(len(secret) < 16 for secret in secrets):
            raise ConfigurationError("secret_key needs at least 16 characters")
        self._keys = [hmac.digest(secret.encode(), f"tiktok-events:{purpose}".encode(), "sha256") for secret in secrets]

    def __bool__(self) -> bool:
        return bool(self._keys)

    def sign(self, value: Any, *, now: float) -> str:
        """*value* as URL-safe text that says when it was made."""
        packed = zlib.compress(json.dumps([int(now), value], separators=(",", ":")).encode(), 9)
        return base64.urlsafe_b64encode(self._signature(self._keys[0], packed) + packed).rstrip(b"=").decode()

    def unsign(self, text: str, *, now: float, max_age: float) -> Any:
        """The value in *text*.

        Raises:
            BadSignature: If it was changed, signed with another secret, or made more than *max_age* seconds ago.
        """
        if not isinstance(text, str) or len(text) > _LARGEST:
            raise BadSignature("not a signed value")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (ValueError, TypeError):
            raise BadSignature("not a signed value") from None
        signature, packed = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not any(hmac.compare_digest(signature, self._signature(key, packed)) for key in self._keys):
            raise BadSignature("changed, or signed with another secret")
        at, value = json.loads(zlib.decompress(packed))
        if not -300 <= now - at <= max_age:
            raise BadSignature("too old")
        return value

    @staticmethod
    def _signature(key: bytes, packed: bytes) -> bytes:
        return hmac.digest(key, packed, "sha256")[:_SIGNATURE]
