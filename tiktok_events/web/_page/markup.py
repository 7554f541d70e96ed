"""`Markup`, text that a template does not escape, and JSON that is safe inside a script element."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tiktok_events.errors import ConfigurationError

_NONCE = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
# "<" is enough for </script, <!-- and <script. Django and Jinja2 escape the others as well.
_ESCAPES = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", ord("'"): "\\u0027"}


class Markup(str):
    """Text that is safe in HTML: Jinja2 and Django do not escape it. Adding plain text to it gives plain text.

    It is a str, because Django calls `str()` on any other object before it looks for `__html__`.
    """

    __slots__ = ()

    def __html__(self) -> str:
        return self

    def __repr__(self) -> str:
        # The text may hold digests, which no repr shows.
        return f"<{type(self).__name__} of {len(self)} characters>"


def _plain(value: object) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be converted to JSON for a script")


# ASCII only: U+2028 ends a line for old parsers, and a lone surrogate is not valid UTF-8.
_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"), default=_plain).encode


def script_json(value: object) -> str:
    """*value* as JSON that is valid JavaScript and cannot end a script element. A Decimal becomes a number.

    Raises:
        TypeError: If it holds a value that has no JSON form.
        ValueError: If it holds NaN or infinity.
    """
    return _encode(value).translate(_ESCAPES)


def nonce_attribute(nonce: object) -> str:
    """The attribute ` nonce="..."` for a script element; empty if *nonce* is None.

    Raises:
        ConfigurationError: If it is not base64 or base64url. Such text needs no escaping.
    """
    if nonce is None:
        return ""
    # Some frameworks give a lazy object that becomes the nonce when it is converted to str.
    if not _NONCE.fullmatch(text := str(nonce)):
        raise ConfigurationError("nonce must be base64 or base64url text")
    return f' nonce="{text}"'
