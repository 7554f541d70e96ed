"""Calls of `track` that come while the same thread is inside another call: signal handlers, `__del__`, logging handlers.

Such a call must not wait for a lock, which its own thread may hold. Its events are put aside, and queued by the outer
call or by a delivery thread.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import get_ident
from typing import Any

_LOG = logging.getLogger("tiktok_events")

inside: set[int] = set()
"""The threads that are inside a call. Sets and deques need no lock for single operations."""

aside: deque[tuple[Callable[[Sequence[Any]], object], Sequence[Any]]] = deque()
"""The events that were put aside, and what queues them."""

queuing: set[int] = set()
"""The threads that are inside `queue_aside`."""


def waiting() -> int:
    """The number of calls that are put aside, plus the other threads that queue some just now."""
    return len(aside) + len(queuing - {get_ident()})


def queue_aside() -> None:
    """Queue what was put aside. What comes meanwhile is left for the next call: it may come without end."""
    thread = get_ident()
    is_nested = thread in queuing
    try:
        queuing.add(thread)  # before the first is taken, so that `waiting` is never 0 meanwhile
        for _ in range(len(aside)):
            _queue_first()
    finally:
        if not is_nested:
            queuing.discard(thread)


def _queue_first() -> None:
    try:
        queue, events = aside.popleft()
    except IndexError:  # another thread took it
        return
    try:
        queue(events)
    except Exception as error:  # noqa: BLE001 - the caller of these events has returned
        _LOG.error("%d events dropped: %s", len(events), error)


@contextmanager
def calling() -> Iterator[None]:
    """Mark the thread as inside a call for the block, and queue at its end what was put aside."""
    thread = get_ident()
    is_nested = thread in inside
    try:
        inside.add(thread)
        yield
    finally:
        if not is_nested:
            if aside:
                queue_aside()
            inside.discard(thread)


def _renew() -> None:
    inside.clear()
    queuing.clear()
    aside.clear()  # these events belong to the parent process


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
