"""Who holds a lease: which process this is, and whether another one is gone. Knows no outbox."""

from __future__ import annotations

import os
import uuid
from functools import lru_cache
from pathlib import Path

_PROC = Path("/proc")


def this_process() -> str:
    """Name this process: where it can be judged, its pid and its start. No later process has the same name."""
    return _named(os.getpid())


def is_gone(holder: str) -> bool:
    """Whether the process named *holder* surely is no more; False where nobody here can tell.

    Only a process of the same boot and the same pid namespace can be judged: another container's pid is somebody
    else's here. Where there is no /proc every answer is False, so a lease just runs out.
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
    except (OverflowError, ValueError):  # no pid that we wrote
        return False
    except PermissionError:
        pass  # it lives, under another user
    return _start(int(pid)) not in (start, None)


def boot() -> str:
    """Name the time since this machine started, in which its monotonic clock counts; empty where that is unknown."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


@lru_cache(maxsize=1)
def _named(pid: int) -> str:
    where, start = _where(pid), _start(pid)
    # The pid is an argument so that a forked child is somebody else. A name without a place is never judged.
    return f"{where}/{pid}@{start}" if where and start else uuid.uuid4().hex


def _where(pid: int) -> str:
    """Where pids and times mean the same: the boot (so the machine, too) and the namespaces."""
    try:
        if str((_PROC / "self").readlink()) != str(pid):  # /proc is that of another pid namespace
            return ""
        namespaces = [_PROC / "self/ns/pid"]
        if (_PROC / "self/ns/time").exists():  # since Linux 5.6; a start is counted in it
            namespaces.append(_PROC / "self/ns/time")
        places = [boot(), *(str(one.readlink()) for one in namespaces)]
    except OSError:
        return ""
    return "/".join(places) if all(places) else ""


def _start(pid: int) -> str | None:
    """When *pid* started, in ticks since the boot; "dead" for one nobody has waited for yet; None if unknown."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text("utf-8", errors="replace")
    except OSError:  # /proc may hide the processes of others
        return None
    # The name of the program stands in parentheses and may hold any character, these included.
    state, *fields = stat.rpartition(")")[2].split()
    threads, start = fields[16], fields[18]
    # A first thread that has ended looks dead as well while others go on.
    return "dead" if state in ("Z", "X") and int(threads) <= 1 else start
