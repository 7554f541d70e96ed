"""Encode and decode JSON: with orjson if it is installed (extra `fast`), else with the standard library."""

from __future__ import annotations

import json
from typing import Any

try:  # the only optional import of the core; both libraries write the same bytes
    from orjson import dumps as _orjson
except ImportError:
    _orjson = None  # type: ignore[assignment]

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False).encode


def dumps_stdlib(value: Any) -> bytes:
    """*value* as compact JSON in UTF-8. Raises ValueError for NaN and infinity."""
    return _encode(value).encode()


def dumps_orjson(value: Any) -> bytes:
    """*value* as compact JSON in UTF-8, by orjson. Callers must refuse NaN, which orjson writes as null."""
    # orjson's result keeps a buffer that is larger than the text, so return an exact copy: queues store it.
    return bytes(memoryview(_orjson(value)))  # pyright: ignore[reportOptionalCall]


dumps = dumps_stdlib if _orjson is None else dumps_orjson


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def loads(text: bytes | str) -> Any:
    """Decode the JSON *text*.

    Raises:
        ValueError: If it is not JSON in UTF-8, or nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None
