"""Hosts of one network, as the kernel sees them, and what can happen to their cables.

A host is a network, a mount and a process namespace, held by its first process; that one ends by itself when whoever
made it does, however that happens, and with it go all others, the addresses and the cable. So nothing is left of a run
that was killed. The network has no way out: it is a bridge in a namespace of its own. Its addresses are documentation's
(198.51.100.0/24).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import attrs

LIFE = 600
"""Seconds after which a host is gone in any case."""

CUTS = {
    "down": "its own interface is down: every try fails at once",
    "unplugged": "its cable is not in the switch: what it sends and what it is sent is gone, and nobody is told",
    "deaf": "it is heard, and hears nothing: what it asks for happens, and no answer comes",
}
"""The kinds of trouble a cable has."""


def missing() -> str | None:
    """Why no hosts can be made here; None if they can."""
    for program in ("bridge", "ip", "nsenter", "setpriv", "unshare"):
        if shutil.which(program) is None:
            return f"there is no program {program} (iproute2 and util-linux bring it)"
    tried = subprocess.run([*_NAMESPACES, "true"], capture_output=True, text=True, check=False)
    return f"no namespaces can be made here: {tried.stderr.strip()}" if tried.returncode else None


_NAMESPACES = [
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc"),
]


class Program:
    """A program on a host; what it says goes to a file."""

    def __init__(self, popen: subprocess.Popen[bytes], log: Path) -> None:
        self._popen, self.log = popen, log

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def send(self, number: int) -> None:
        """Send it a signal."""
        if self.runs:
            os.kill(_child_of(self._popen), number)
            if number == signal.SIGCONT:  # nsenter stops when its child does
                self._popen.send_signal(number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send(signal.SIGKILL)
        self._popen.wait(10)

    def wait(self, seconds: float) -> int:
        """Its exit code, when it has ended within *seconds*."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end: {self.told()[-2000:]}") from None

    def is_over(self) -> None:
        """Its host is off."""
        self._popen.send_signal(signal.SIGCONT)
        self._popen.wait(10)

    def told(self) -> str:
        """What it has said so far."""
        return self.log.read_text("utf-8", errors="replace")


class Host:
    """A machine with an address, and a cable to the switch."""

    def __init__(self, name: str, address: str, first: subprocess.Popen[bytes]) -> None:
        self.name, self.address = name, address
        self._first, self._programs = first, list[Program]()
        self.pid = _child_of(first)

    @property
    def mac(self) -> str:
        """The Ethernet address of its cable's end; it goes by its IP address."""
        return ":".join(["02:00", *(f"{int(part):02x}" for part in self.address.split("."))])

    def run(self, *words: str) -> None:
        """Have something done to its network."""
        subprocess.run(["nsenter", "--net", "--target", str(self.pid), *words], check=True, timeout=30)

    def start(self, log: Path, *words: str, **environment: str) -> Program:
        """Start a program on it, that knows nothing of our own environment's TikTok."""
        inside = ["nsenter", "--net", "--pid", "--mount", "--target", str(self.pid)]
        ours = {name: value for name, value in os.environ.items() if not name.startswith("TIKTOK_")}
        with _appending(log) as out:
            popen = subprocess.Popen(
                [*inside, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env={**ours, **environment}
            )
        self._programs.append(Program(popen, log))
        return self._programs[-1]

    def end(self) -> None:
        """Switch it off, with everything that runs on it."""
        self._first.kill()
        self._first.wait(10)
        for program in self._programs:
            program.is_over()


class Network:
    """A switch and the hosts around it."""

    def __init__(self, switch: Host, hosts: dict[str, Host]) -> None:
        self._switch, self.hosts = switch, hosts

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def cut(self, host: Host, kind: str) -> None:
        """Begin the trouble that *kind* names."""
        if kind == "down":
            host.run("ip", "link", "set", "dev", "eth0", "down")
        elif kind == "unplugged":
            self._switch.run("ip", "link", "set", "dev", host.name, "nomaster")
        else:
            self._switch.run("bridge", "fdb", "replace", host.mac, "dev", "nowhere", "master", "static", "sticky")

    def mend(self, host: Host, kind: str) -> None:
        """End it."""
        if kind == "down":
            host.run("ip", "link", "set", "dev", "eth0", "up")
        elif kind == "unplugged":
            self.plug(host)
        else:
            self._switch.run("bridge", "fdb", "del", host.mac, "dev", "nowhere", "master")

    def plug(self, host: Host) -> None:
        """Put its cable into the switch."""
        self._switch.run("ip", "link", "set", "dev", host.name, "master", "bridge")


@contextmanager
def network(names: Sequence[str]) -> Iterator[Network]:
    """Hosts of these names, all connected, for as long as the block lasts."""
    with ExitStack() as undo:
        switch = _host(undo, "switch", "")
        switch.run("ip", "link", "add", "bridge", "type", "bridge")
        switch.run("ip", "link", "set", "dev", "bridge", "up")
        # A port with an open end: where the switch believes those to be who shall hear nothing.
        switch.run("ip", "link", "add", "nowhere", "type", "veth", "peer", "name", "open-end")
        switch.run("ip", "link", "set", "dev", "nowhere", "master", "bridge", "up")
        switch.run("ip", "link", "set", "dev", "open-end", "up")
        made = Network(switch, {name: _host(undo, name, f"198.51.100.{n}") for n, name in enumerate(names, start=10)})
        for host in made.hosts.values():
            host.run("ip", "link", "set", "dev", "lo", "up")
            host.run(*f"ip link add eth0 address {host.mac} type veth peer name {host.name} netns {switch.pid}".split())
            host.run("ip", "addr", "add", f"{host.address}/24", "dev", "eth0")
            host.run("ip", "link", "set", "dev", "eth0", "up")
            made.plug(host)
            switch.run("ip", "link", "set", "dev", host.name, "up")
        yield made


def _host(undo: ExitStack, name: str, address: str) -> Host:
    first = subprocess.Popen([*_NAMESPACES, "sleep", str(LIFE)])
    undo.callback(first.kill)
    made = Host(name, address, first)
    undo.callback(made.end)
    return made


def _child_of(process: subprocess.Popen[bytes]) -> int:
    """The one process that *process* has started: unshare and nsenter both stay behind and wait for it."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    deadline = time.monotonic() + 10
    while True:
        found = children.read_text("ascii").split()
        if found:
            return int(found[0])
        assert process.poll() is None, f"{process.args} ended"
        assert time.monotonic() < deadline, f"{process.args} did not start"
        time.sleep(0.002)


@contextmanager
def _appending(log: Path) -> Iterator[IO[bytes]]:
    with log.open("ab") as out:
        yield out


@attrs.frozen(order=True)
class Cut:
    """A cable has trouble, between two times in seconds from the beginning."""

    begins: float
    ends: float
    host: str
    kind: str


def cuts_at_random(dice, names: Sequence[str], seconds: float, *, longest: float) -> list[Cut]:
    """Every cable in trouble again and again, for up to *longest* seconds each, all over by *seconds*."""
    made = []
    for name in names:
        begins = dice.uniform(0.5, 5)
        while begins < seconds - 0.5:
            ends = min(seconds, begins + dice.uniform(0.3, longest))
            made.append(Cut(begins, ends, name, dice.choice(list(CUTS))))
            begins = ends + dice.uniform(1, 6)
    return sorted(made)
