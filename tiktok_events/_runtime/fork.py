"""Fork hooks: new locks in a child process, and objects that must be idle while their process forks."""

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
        """Reset the state in a child process."""


class Pausable(Protocol):
    """An object that must be idle while its process forks."""

    def _before_fork(self) -> None:
        """Finish the current operation, and start no other."""

    def _after_fork(self) -> None:
        """Continue, in the parent process."""


_living: weakref.WeakSet[Renewable] = weakref.WeakSet()
_resting: weakref.WeakSet[Pausable] = weakref.WeakSet()
_paused: list[Pausable] = []
_one_at_a_time = threading.Lock()


def renew_after_fork(living: Renewable) -> None:
    """Call `_renew` of *living* in every child process, as long as the object exists."""
    _living.add(living)


def pause_while_forking(living: Pausable) -> None:
    """Call `_before_fork` and `_after_fork` of *living* around every fork, as long as the object exists."""
    _resting.add(living)


def run_in_ending_children(work: Callable[[], object]) -> None:
    """Call *work* at the end of child processes that skip atexit: those of multiprocessing, billiard and Celery."""
    for name in ("multiprocessing.util", "billiard.util"):
        util = sys.modules.get(name)
        if util is not None:
            util.Finalize(None, work, exitpriority=10)
    celery = sys.modules.get("celery.signals")
    if celery is not None:  # Celery's children come from billiard, but run no finalizers
        celery.worker_process_shutdown.connect(lambda **sender: work(), weak=False, dispatch_uid=work)


def _renew_all() -> None:
    global _one_at_a_time  # noqa: PLW0603 - the inherited lock is held and is never released here
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
    # Only the paused objects: another thread may have made a new one meanwhile.
    while _paused:
        _paused.pop()._after_fork()
    _one_at_a_time.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_pause_all, after_in_parent=_go_on, after_in_child=_renew_all)
