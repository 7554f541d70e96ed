"""Lease owners: the name of this process, and whether the process of another name has ended."""

from __future__ import annotations

import os
import uuid
from functools import lru_cache
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """The unique name of this process: its host and namespaces, its pid, and its start time."""
    return _named(os.getpid())


def has_ended(holder: str) -> bool:
    """Whether the process named *holder* has certainly ended; False if that cannot be known here.

    Only a process of the same boot and pid namespace can be judged, because a pid of another container is another
    process here. Without /proc the result is always False, so a lease is waited out.
    """
    where, _, process = holder.rpartition("/")
    if not where or where != this_process().rpartition("/")[0]:
        return False
    pid, _, start = process.partition("@")
    if not pid.isdecimal() or not start:
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (OverflowError, ValueError):  # not a pid of a name made here
        return False
    except PermissionError:
        pass  # it runs under another user
    return _start(int(pid)) not in (start, None)


def boot_id() -> str:
    """The id of this boot of the machine, in which its monotonic clock counts; empty if it is unknown."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@lru_cache(maxsize=1)
def _named(pid: int) -> str:
    where, start = _where(pid), _start(pid)
    # The pid is an argument so that a forked child gets its own name. A random name is never judged.
    return f"{where}/{pid}@{start}" if where and start else uuid.uuid4().hex


def _where(pid: int) -> str:
    """The scope in which pids and start times are unique: the boot (so also the machine) and the namespaces."""
    try:
        if str((_PROC / "self").readlink()) != str(pid):  # /proc is that of another pid namespace
            return ""
        namespaces = [_PROC / "self/ns/pid"]
        if (_PROC / "self/ns/time").exists():  # since Linux 5.6; start times count in it
            namespaces.append(_PROC / "self/ns/time")
        places = [boot_id(), *(str(one.readlink()) for one in namespaces)]
    except OSError:
        return ""
    return "/".join(places) if all(places) else ""


def _start(pid: int) -> str | None:
    """The start of *pid* in ticks since the boot; "dead" for a zombie process; None if unknown."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", errors="replace")
    except OSError:  # /proc may hide processes of other users
        return None
    # The program's name stands in parentheses and may hold any character, parentheses included.
    state, *fields = stat.rpartition(")")[2].split()
    threads, start = fields[16], fields[18]
    # A first thread that has ended looks dead too while other threads run.
    return "dead" if state in ("Z", "X") and int(threads) <= 1 else start
