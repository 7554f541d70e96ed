"""What uWSGI does unlike other servers. Its module is there before any application is."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def forks_us_untold() -> bool:
    """Whether this is a master that forks its workers with no word to Python: no thread and no open file may be there."""
    uwsgi = _uwsgi()
    return uwsgi is not None and uwsgi.masterpid() == os.getpid() and "py-call-uwsgi-fork-hooks" not in uwsgi.opt


def runs_threads() -> bool:
    """Whether threads go on while no request is served. Of 2.0.26 they do not unless it is told to, of 2.0.28 they do."""
    return bool(getattr(_uwsgi(), "has_threads", True))


@contextmanager
def undisturbed() -> Iterator[None]:
    """Have no signal end this thread's work, nor that of threads which are started meanwhile.

    A worker ends inside of its signal handler, and a second signal ends it there at once or never. One comes where
    systemd or Ctrl-C signal the workers too, beside the master.
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
