"""Leases in a file: the process that had one is gone, the machine was restarted, the clock jumps."""

import os
import shutil
import subprocess
import sys
import time

import pytest
from clocks import Clock
from records import LINUX, WEB, changed, claim, record, records

CLAIM = """
import sys, tiktok_events as tt
outbox = tt.SQLiteOutbox(sys.argv[1], busy_wait=5)
outbox.put([tt.Record("web", "C0EXAMPLE0EXAMPLE000", None, "theirs", b"{}")])
claims = outbox.claim(1, lease=1e6, routes=[("web", "C0EXAMPLE0EXAMPLE000", None)])
outbox.close()
print(len(claims), flush=True)
if sys.argv[2:] != ["end"]:
    input()
"""


@LINUX
def test_what_a_killed_process_claimed_is_claimed_at_once(path, make):
    """Not while it lives; and that it is gone is counted."""
    outbox = make()
    with subprocess.Popen(
        [sys.executable, "-c", CLAIM, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "1\n"
        assert claim(outbox) == []
        assert outbox.due_in([WEB]) > 900_000
        process.kill()
        process.wait()

    assert outbox.due_in([WEB]) == 0
    (one,) = claim(outbox)
    assert (one.record.event_id, one.attempts, one.crashed_deliveries) == ("theirs", 0, 1)


@LINUX
def test_a_process_of_another_pid_namespace_is_not_judged(path, make):
    """Its lease just runs out: there the same pid is somebody else."""
    if not shutil.which("unshare"):
        pytest.skip("unshare is not installed")
    inside = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", CLAIM, str(path), "end"]
    done = subprocess.run(inside, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("a pid namespace may not be made here")
    assert done.stdout == "1\n"

    assert claim(make()) == []
    (one,) = claim(make(clock=lambda: time.monotonic() + 1e6))
    assert one.crashed_deliveries == 1


@LINUX
def test_after_a_restart_of_the_machine_everything_is_due(path, make):
    """Its clock began anew, and whoever held a lease is gone."""
    clock = Clock(500_000.0)
    outbox = make(clock=clock)
    outbox.put(records(3))
    first, second, _ = claim(outbox)
    outbox.nack([second], delay=29, reason="x")
    outbox.ack([first])
    outbox.close()
    changed(path, "UPDATE state SET boot = 'an earlier one'")
    clock.now = 7.0

    outbox.put([record(3)])
    assert outbox.due_in([WEB]) == 0
    assert [(one.record.event_id, one.attempts, one.crashed_deliveries) for one in claim(outbox)] == [
        ("e1", 1, 0),
        ("e2", 0, 1),
        ("e3", 0, 0),
    ]
    outbox.close()
    assert claim(outbox) == []


@LINUX
def test_without_a_name_of_the_boot_the_clock_tells(path, make):
    """Where there is no /proc, a lease or delay that ends hours from now is one of an earlier boot."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root can take /proc away")
    code = (
        "import sys, tiktok_events as tt\n"
        "outbox = tt.SQLiteOutbox(sys.argv[1], busy_wait=5, clock=lambda: float(sys.argv[2]))\n"
        "route = ('web', 'C0EXAMPLE0EXAMPLE000', None)\n"
        "if sys.argv[3] == 'put': outbox.put([tt.Record(*route, f'e{n}', b'{}') for n in range(2)])\n"
        "claims = outbox.claim(9, lease=300, routes=[route])\n"
        "outbox.nack(claims[:1], delay=300, reason='x')\n"
        "print([(one.record.event_id, one.attempts, one.crashed_deliveries) for one in claims], outbox.due_in([route]))\n"
        "outbox.close()\n"
    )

    def run(now, *what):
        inside = f'umount -l /proc && "{sys.executable}" -W error -c "$CODE" {path} {now} {" ".join(what)}'
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", inside],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={**os.environ, "CODE": code},
        )

    done = run(500_000, "put")
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("/proc may not be taken away here")

    assert (done.stdout, done.stderr) == ("[('e0', 0, 0), ('e1', 0, 0)] 300.0\n", "")
    assert run(500_010, "look").stdout == "[] 290.0\n"
    assert run(7, "look").stdout == "[('e0', 1, 0), ('e1', 0, 1)] 300.0\n"


def test_the_wall_clock_may_jump(path, make):
    """Leases and delays do not notice; the age is never negative."""
    wall, clock = Clock(1_800_000_000.0), Clock()
    outbox = make(clock=clock, wall_clock=wall)
    outbox.put(records(2))
    outbox.nack(claim(outbox, 1), delay=20, reason="x")
    claim(outbox)
    wall.now -= 86_400
    assert outbox.age() == 0
    assert outbox.due_in([WEB]) == 20

    wall.now += 2 * 86_400
    assert outbox.age() == 86_400
    assert outbox.due_in([WEB]) == 20
    assert claim(outbox) == []
