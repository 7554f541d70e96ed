"""`log_once`: log a message only the first time it occurs in a process."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager

_LOG = logging.getLogger("tiktok_events")

_logged: set[str] = set()


def log_once(message: str, level: int) -> None:
    """Log *message* at *level* if this process has not logged it yet."""
    if message not in _logged:
        _logged.add(message)
        _LOG.log(level, "%s", message)


def were_logged(messages: Collection[str]) -> bool:
    """Whether `log_once` has logged all *messages*. For tests."""
    return set(messages) <= _logged


@contextmanager
def reset_log_once() -> Iterator[None]:
    """Inside the block, log every message once again; afterwards restore the state. For tests that read the log."""
    before = _logged.copy()
    _logged.clear()
    try:
        yield
    finally:
        _logged.clear()
        _logged.update(before)
