"""Log a message the first time it comes up in a process."""

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
    """Whether all *messages* were logged; for tests."""
    return set(messages) <= _logged


@contextmanager
def nothing_logged_yet() -> Iterator[None]:
    """Forget what was logged for a test that reads the log, and restore it afterwards."""
    before = _logged.copy()
    _logged.clear()
    try:
        yield
    finally:
        _logged.clear()
        _logged.update(before)
