"""`log_once`: log a message only the first time it occurs in a process."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager

_LOG = logging.getLogger("tiktok_events")
_MAX_MESSAGES = 1_000
_MAX_LENGTH = 500

_repeats: dict[str, int] = {}
"""The newest messages, and how often each was not logged again."""


def log_once(message: str, level: int) -> None:
    """Log *message* at *level* if it is not one of the newest 1,000 messages of this process.

    A message that is older than these is forgotten; how often it was repeated is logged then.
    """
    message = message if len(message) <= _MAX_LENGTH else f"{message[:_MAX_LENGTH]}..."
    repeats = _repeats.get(message)
    if repeats is not None:
        _repeats[message] = repeats + 1
        return
    _repeats[message] = 0
    if len(_repeats) > _MAX_MESSAGES:
        _forget_oldest(level)
    _LOG.log(level, "%s", message)


def were_logged(messages: Collection[str]) -> bool:
    """Whether `log_once` has logged all *messages*. For tests."""
    return set(messages) <= _repeats.keys()


@contextmanager
def reset_log_once() -> Iterator[None]:
    """Inside the block, log every message once again; afterwards restore the state. For tests that read the log."""
    before = _repeats.copy()
    _repeats.clear()
    try:
        yield
    finally:
        _repeats.clear()
        _repeats.update(before)


def _forget_oldest(level: int) -> None:
    try:
        oldest = next(iter(_repeats))
    except RuntimeError:  # another thread adds a message; the next call forgets one
        return
    repeats = _repeats.pop(oldest, 0)
    if repeats:
        _LOG.log(level, "%s (%d more times)", oldest, repeats)
