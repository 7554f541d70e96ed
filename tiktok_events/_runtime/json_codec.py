"""JSON, by orjson where the extra `fast` brought it, else by the standard library. One spelling for both."""

from __future__ import annotations

import json
from typing import Any

try:  # The one optional import of the core: same bytes either way, only faster.
    from orjson import dumps as _orjson
except ImportError:
    _orjson = None  # type: ignore[assignment]

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False).encode


def dumps_stdlib(value: Any) -> bytes:
    """Compact JSON in UTF-8. Refuses NaN and infinity with ValueError."""
    return _encode(value).encode()


def dumps_orjson(value: Any) -> bytes:
    """The same by orjson. The caller has refused NaN before: orjson would write null."""
    # orjson's own buffer is larger than its text and would stay so in a queue: keep an exact copy.
    return bytes(memoryview(_orjson(value)))  # pyright: ignore[reportOptionalCall]


dumps = dumps_stdlib if _orjson is None else dumps_orjson


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def loads(text: bytes | str) -> Any:
    """What *text* says.

    Raises:
        ValueError: If it is not JSON in UTF-8, or nested too deeply to be an answer or an event.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
