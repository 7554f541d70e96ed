"""Fork hooks: reset objects in a child process, and pause objects while their process forks."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Protocol


class Renewable(Protocol):
    """An object with locks or threads, which are invalid in a child process."""

    def _renew(self) -> None:
        """Replace locks and threads in a child process."""


class Pausable(Protocol):
    """An object that must be idle while its process forks."""

    def _before_fork(self) -> None:
        """Finish the current operation and start no other one."""

    def _after_fork(self) -> None:
        """Continue in the parent process."""


_renewables: weakref.WeakSet[Renewable] = weakref.WeakSet()
_pausables: weakref.WeakSet[Pausable] = weakref.WeakSet()
_paused: list[Pausable] = []
_fork_lock = threading.Lock()


def renew_after_fork(obj: Renewable) -> None:
    """Call `_renew` of *obj* in every child process, as long as the object exists."""
    _renewables.add(obj)


def pause_while_forking(obj: Pausable) -> None:
    """Call `_before_fork` and `_after_fork` of *obj* around every fork, as long as the object exists."""
    _pausables.add(obj)


def run_at_child_exit(callback: Callable[[], object]) -> None:
    """Call *callback* at the end of child processes that skip atexit: those of multiprocessing, billiard and Celery."""
    for name in ("multiprocessing.util", "billiard.util"):
        util = sys.modules.get(name)
        if util is not None:
            util.Finalize(None, callback, exitpriority=10)
    celery = sys.modules.get("celery.signals")
    if celery is not None:  # Celery forks with billiard, but its child processes run no finalizers
        celery.worker_process_shutdown.connect(lambda **sender: callback(), weak=False, dispatch_uid=callback)


def _renew_all() -> None:
    global _fork_lock  # noqa: PLW0603 - the inherited lock is held and is never released here
    _fork_lock = threading.Lock()
    _paused.clear()
    for obj in list(_renewables):
        obj._renew()


def _pause_all() -> None:
    _fork_lock.acquire()
    _paused.extend(_pausables)
    for obj in _paused:
        obj._before_fork()


def _resume_all() -> None:
    # Resume only the paused objects: another thread may have registered a new one meanwhile.
    while _paused:
        _paused.pop()._after_fork()
    _fork_lock.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_pause_all, after_in_parent=_resume_all, after_in_child=_renew_all)
