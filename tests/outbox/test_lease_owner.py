"""Whether the process that holds a lease is gone: real processes."""

import os
import shutil
import subprocess
import sys

import pytest

from tiktok_events._outbox.lease_owner import has_ended, this_process

TELL = "from tiktok_events._outbox.lease_owner import this_process; print(this_process(), flush=True); input()"
JUDGE = "import sys; from tiktok_events._outbox.lease_owner import has_ended, this_process; print(this_process(), has_ended(sys.argv[1]))"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are judged where there is a /proc")


@pytest.fixture
def process():
    """Another process, living until its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", TELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as one:
        yield one
        one.kill()


def test_a_process_is_there_until_it_ends(process):
    """Killed it is gone, whether somebody has waited for it or not."""
    holder = process.stdout.readline().strip()
    assert holder not in ("", this_process())
    assert not has_ended(holder)
    assert not has_ended(this_process())

    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert has_ended(holder)
    process.wait()
    assert has_ended(holder)


def test_a_later_process_with_the_same_pid_is_another():
    """The start tells them apart."""
    place, _, start = this_process().rpartition("@")

    assert has_ended(f"{place}@{int(start) - 1}")


def test_a_forked_child_is_somebody_else():
    """It holds none of its parent's leases."""
    mine = this_process()
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, this_process().encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as told:
        its = told.read()
    os.waitpid(child, 0)

    assert its.rpartition("/")[0] == mine.rpartition("/")[0]
    assert its != mine == this_process()
    assert has_ended(its)


@pytest.mark.parametrize(
    "holder",
    [
        "",
        "abc",
        "elsewhere/1@2",
        "9999@1",
        this_process().replace("pid:[", "pid:[9") + "9",
        this_process().rpartition("/")[0] + "/x@1",
        this_process().rpartition("/")[0] + "/99999999999999999999999@1",
        this_process().rpartition("/")[0] + "/1",
    ],
    ids=["empty", "word", "elsewhere", "no scope", "another namespace", "no pid", "pid too large", "no start time"],
)
def test_what_cannot_be_judged_is_not_gone(holder):
    """Another boot, another namespace, or no holder at all: the lease runs out instead."""
    assert not has_ended(holder)


@pytest.mark.parametrize("options", [("--mount-proc",), ()], ids=["its own /proc", "the host's /proc"])
def test_another_pid_namespace_judges_nobody_here(options):
    """There the same pid is another process."""
    inside = ["unshare", "--pid", "--fork", *options, sys.executable, "-c", JUDGE]
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    gone = this_process().rpartition("@")[0] + "@1"
    assert has_ended(gone)
    done = subprocess.run([*inside, gone], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("a pid namespace may not be made here")
    holder, judged = done.stdout.split()

    assert judged == "False"
    assert not has_ended(holder)
