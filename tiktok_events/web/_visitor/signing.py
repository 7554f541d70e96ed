"""Sign small values (HMAC-SHA256): the redirect cookie and the snapshot, each with a key derived from the secret."""

from __future__ import annotations

import base64
import hmac
import json
import zlib
from collections.abc import Sequence
from typing import Any

from tiktok_events.errors import ConfigurationError

_SIGNATURE = 16
_MAX_LENGTH = 64_000


class BadSignature(ValueError):
    """The value was not signed with this key, was changed, or is too old."""


class Signer:
    """Sign small JSON values for one *purpose* with HMAC-SHA256. The first secret signs, all of them verify.

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
        """*value* and the time *now* as signed, URL-safe text."""
        compressed = zlib.compress(json.dumps([int(now), value], separators=(",", ":")).encode(), 9)
        return base64.urlsafe_b64encode(self._signature(self._keys[0], compressed) + compressed).rstrip(b"=").decode()

    def unsign(self, text: str, *, now: float, max_age: float) -> Any:
        """The value in *text*.

        Raises:
            BadSignature: If it was changed, signed with another secret, or made more than *max_age* seconds ago.
        """
        if not isinstance(text, str) or len(text) > _MAX_LENGTH:
            raise BadSignature("the value is not signed")
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (ValueError, TypeError):
            raise BadSignature("the value is not signed") from None
        signature, compressed = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not any(hmac.compare_digest(signature, self._signature(key, compressed)) for key in self._keys):
            raise BadSignature("the value was changed, or signed with another secret_key")
        signed_at, value = json.loads(zlib.decompress(compressed))
        if not -300 <= now - signed_at <= max_age:
            raise BadSignature("the value is too old")
        return value

    @staticmethod
    def _signature(key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, "sha256")[:_SIGNATURE]
