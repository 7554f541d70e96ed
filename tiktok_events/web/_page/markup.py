"""Text that a template prints as it stands, and JSON that is safe inside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tiktok_events.errors import ConfigurationError

_NONCE = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
# "<" alone covers </script, <!-- and <script; the others are what Django and Jinja2 escape too.
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", ord("'"): "\\u0027"}


class Markup(str):
    """Text that is safe in HTML: Jinja2 and Django print it unescaped. Plain text added to it makes plain text.

    A str, because Django calls `str()` on anything else before it looks for `__html__`.
    """

    __slots__ = ()

    def __html__(self) -> str:
        return self

    def __repr__(self) -> str:
        # It may hold digests, and those show in no repr.
        return f"<{type(self).__name__} of {len(self)} characters>"


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot stand in a script")


# ASCII alone: U+2028 ends a line for old parsers, and half a surrogate pair is no UTF-8.
_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain).encode


def script_json(value: object) -> str:
    """*value* as JSON that is JavaScript too and can end no script element. A Decimal becomes a number.

    Raises:
        TypeError: If it holds something that is no JSON.
        ValueError: If it holds NaN or infinity.
    """
    return _encode(value).translate(_ESCAPES)


def nonce_attribute(nonce: object) -> str:
    """` nonce="..."` for a script element, or nothing without a *nonce*.

    Raises:
        ConfigurationError: If it is not base64 or base64url. A nonce that needs escaping is no nonce.
    """
    if nonce is None:
        return ""
    # Frameworks hand out lazy objects that become their nonce when printed.
    if not _NONCE.fullmatch(text := str(nonce)):
        raise ConfigurationError("nonce must be base64 or base64url text")
    return f' nonce="{text}"'
