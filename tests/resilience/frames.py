"""Walk the frames of an exception as an error tracker does: the repr of every local variable, and what it contains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from types import TracebackType
from typing import Any

import tiktok_events

PACKAGE = str(Path(tiktok_events.__file__).parent)
_DEPTH = 4
_DIGEST = re.compile(r"[0-9a-f]{64}")


def exceptions_of(error: BaseException | None) -> Iterator[BaseException]:
    """*error*, what it was raised from and while, and the errors of groups."""
    waiting, known = [error], set()
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in known:
            continue
        known.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def own_locals(traceback: TracebackType | None) -> Iterator[tuple[str, str]]:
    """Where it is, and the text of each local variable of a frame of the package."""
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename.startswith(PACKAGE):
            for name, value in frame.f_locals.items():
                where = f"{frame.f_code.co_filename.removeprefix(PACKAGE)}:{traceback.tb_lineno} {name}"
                for text in texts_of(value):
                    yield where, text
        traceback = traceback.tb_next


def texts_of(value: Any, depth: int = _DEPTH) -> Iterator[str]:
    """The repr of *value*, and of what a tracker looks into: mappings, sequences and sets."""
    try:
        yield repr(value)
    except Exception as error:  # noqa: BLE001 - a tracker goes on
        yield type(error).__name__
    if depth and isinstance(value, Mapping):
        for key, one in list(value.items()):
            yield from texts_of(key, 0)
            yield from texts_of(one, depth - 1)
    elif depth and isinstance(value, (Sequence, AbstractSet)) and not isinstance(value, (str, bytes)):
        for one in list(value)[:20]:
            yield from texts_of(one, depth - 1)


def leaks(error: BaseException, secrets: Sequence[str]) -> list[str]:
    """Where one of *secrets*, or a digest, stands in the error or in a frame of the package."""
    found = []
    for one in exceptions_of(error):
        for where, text in [("message", str(one)), ("repr", repr(one)), *own_locals(one.__traceback__)]:
            if any(secret in text for secret in secrets):
                found.append(f"{where}: a secret")
            elif _DIGEST.search(text):
                found.append(f"{where}: a digest")
    return sorted(set(found))
