"""What a child starts with after a fork: new locks, and nothing that its parent is already doing."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Protocol


class Renewable(Protocol):
    """An object whose locks and threads do not survive a fork."""

    def _renew(self) -> None:
        """Start afresh."""


class Pausable(Protocol):
    """An object that must be at rest while its process forks."""

    def _before_fork(self) -> None:
        """Finish what is under way, and begin nothing."""

    def _after_fork(self) -> None:
        """Go on, in the parent."""


_living: weakref.WeakSet[Renewable] = weakref.WeakSet()
_resting: weakref.WeakSet[Pausable] = weakref.WeakSet()
_paused: list[Pausable] = []
_one_at_a_time = threading.Lock()


def renew_after_fork(living: Renewable) -> None:
    """Have *living* renewed in every child of this process, for as long as it lives."""
    _living.add(living)


def pause_while_forking(living: Pausable) -> None:
    """Have *living* at rest while this process forks, for as long as it lives."""
    _resting.add(living)


def run_in_ending_children(work: Callable[[], object]) -> None:
    """Have *work* run when a child ends that skips atexit: of multiprocessing, billiard, or a Celery worker."""
    for name in ("multiprocessing.util", "billiard.util"):
        util = sys.modules.get(name)
        if util is not None:
            util.Finalize(None, work, exitpriority=10)
    celery = sys.modules.get("celery.signals")
    if celery is not None:  # its children are billiard's, but run no finalizers either
        celery.worker_process_shutdown.connect(lambda **sender: work(), weak=False, dispatch_uid=work)


def _renew_all() -> None:
    global _one_at_a_time  # noqa: PLW0603 - the parent's is held, here for ever
    _one_at_a_time = threading.Lock()
    _paused.clear()
    for living in list(_living):
        living._renew()


def _pause_all() -> None:
    _one_at_a_time.acquire()
    _paused.extend(_resting)
    for living in _paused:
        living._before_fork()


def _go_on() -> None:
    # Only who was paused: another thread may have made one meanwhile.
    while _paused:
        _paused.pop()._after_fork()
    _one_at_a_time.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_pause_all, after_in_parent=_go_on, after_in_child=_renew_all)
