"""uWSGI: detect forks without Python's fork hooks and disabled threads, and block signals during delivery.

uWSGI puts its module `uwsgi` into `sys.modules` before it loads an application.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def forks_without_hooks() -> bool:
    """Whether this is a master process that forks its workers without running Python's fork hooks.

    Such a process must have neither a thread nor an open outbox: its workers would inherit both.
    """
    uwsgi = _uwsgi()
    return uwsgi is not None and uwsgi.masterpid() == os.getpid() and "py-call-uwsgi-fork-hooks" not in uwsgi.opt


def threads_enabled() -> bool:
    """Whether threads run between requests: uWSGI 2.0.26 needs `enable-threads` for that, 2.0.28 does not."""
    return bool(getattr(_uwsgi(), "has_threads", True))


@contextmanager
def signals_blocked() -> Iterator[None]:
    """Under uWSGI, block signals in this thread and in threads that are started inside the block.

    A worker ends inside its signal handler. A second signal ends it at once or makes it hang. A second signal comes
    where systemd or Ctrl-C signals the workers in addition to the master.
    """
    if _uwsgi() is None:
        yield
        return
    import signal

    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _uwsgi() -> Any:
    return sys.modules.get("uwsgi")
