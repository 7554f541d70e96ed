"""Three web hosts, two worker hosts, a Redis and a TikTok, each on its own."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from clocks import until
from network import Host, Network, Program, network

import tiktok_events as tt

HERE = Path(__file__).parent
SHOPS, WORKERS = ("web1", "web2", "web3"), ("worker1", "worker2")
NAMES = (*SHOPS, *WORKERS, "redis", "tiktok")
PIXEL, TOKEN = "C0EXAMPLE0EXAMPLE000", "example-token"
LEASE, LONGEST_WAIT = 2.0, 2.0
"""Seconds, of workers: short, so that what a lost one had comes back soon."""


class Stage:
    """The hosts, and what runs on them."""

    def __init__(self, hosts: Network, folder: Path) -> None:
        self.network, self.folder = hosts, folder
        redis, tiktok = hosts["redis"], hosts["tiktok"]
        certificate, authority = _certificate(tiktok, folder)
        self._certificate = str(certificate)
        self._environment = {
            "TIKTOK_API_URL": f"https://{tiktok.address}/open_api/v1.3",
            "SSL_CERT_FILE": str(authority),
            "TIKTOK_OUTBOX_URL": f"redis://{redis.address}:6379/0",
            "TIKTOK_PIXEL_CODE": PIXEL,
            "TIKTOK_ACCESS_TOKEN": TOKEN,
        }
        self.programs: dict[str, Program] = {}
        # A file is everybody's, whatever the network does: through it the test looks at Redis.
        self.outbox = tt.RedisOutbox(f"unix://{folder / 'redis.sock'}")

    def redis(self) -> None:
        """Start the Redis."""
        where = f"--bind {self.network['redis'].address} --port 6379 --protected-mode no --unixsocket redis.sock"
        kept = ["--appendonly", "yes", "--save", "", "--dir", str(self.folder)]
        self._start("redis", "redis-server", *kept, *where.split())
        until((self.folder / "redis.sock").exists)

    def tiktok(self, what: str, kept: Path) -> None:
        """Start what answers as TikTok does, as `scripts/endpoint.py` says."""
        host = self.network["tiktok"]
        self._script("tiktok", "endpoint", host.address, self._certificate, kept, what)
        until(lambda: _listens(host, 443))

    def shop(self, name: str, rate: float) -> None:
        """Start a web process on the host *name*, with *rate* requests a second."""
        # Ahead of the others: where seven hosts share two processors, a turn of each is what a request would wait for.
        self._script(name, "shop", name, rate, self.folder / "tracked", self.folder / f"{name}.db", turn=2)

    def repeats(self, host: str, *arguments: object) -> None:
        """Start `scripts/repeats.py` on *host*."""
        self._script(host, "repeats", *arguments)

    def worker(self, name: str, *options: str) -> None:
        """Start `tiktok-events worker` on the host *name*; *options* overrule what is short here."""
        short = ["--lease", str(LEASE), "--max-wait", str(LONGEST_WAIT), "--report", "0", "--drain", "1"]
        self._start(name, sys.executable, "-m", "tiktok_events.cli", "worker", *short, *options)

    def tell_to_end(self, name: str) -> None:
        """SIGTERM."""
        self.programs[name].send(signal.SIGTERM)

    def end(self, name: str, seconds: float = 40.0) -> dict[str, Any]:
        """Wait until it has ended: in time, with 0. What it said last, if that was JSON."""
        program = self.programs[name]
        code = program.wait(seconds)
        assert code == 0, f"{name}: {code}, {program.told()[-2000:]}"
        last = program.told().splitlines()[-1:]
        return json.loads(last[0]) if last and last[0].startswith("{") else {}

    def stop(self, name: str) -> dict[str, Any]:
        """Both."""
        self.tell_to_end(name)
        return self.end(name)

    def tracked(self) -> str:
        """The ids of what was tracked, one on a line."""
        path = self.folder / "tracked"
        return path.read_text("ascii") if path.exists() else ""

    def told(self) -> dict[str, str]:
        """What everything has said so far, by file."""
        return {log.stem: log.read_text("utf-8", errors="replace") for log in sorted(self.folder.glob("*.log"))}

    def _script(self, host: str, name: str, *arguments: object, turn: int = 1) -> None:
        self._start(host, sys.executable, str(HERE / "scripts" / f"{name}.py"), *map(str, arguments), turn=turn)

    def _start(self, name: str, *words: str, turn: int = 1) -> None:
        log = self.folder / f"{name}.log"
        self.programs[name] = self.network[name].start(log, *_first_served(turn), *words, **self._environment)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """The hosts, with a Redis that runs; everything ends with the block."""
    with network(NAMES) as hosts:
        made = Stage(hosts, folder)
        made.redis()
        try:
            yield made
        finally:
            made.outbox.close()


@cache
def _first_served(turn: int) -> Sequence[str]:
    """What comes before a command so that it runs as if nobody else used this machine, where that is allowed.

    Seven hosts that share two processors with a busy neighbour tell of the neighbour. What they do takes little.
    """
    before = ("chrt", "--rr", str(turn))
    if shutil.which("chrt") is None or subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
        return ()
    return before


def _listens(host: Host, port: int) -> bool:
    """Whether a TCP port of *host* is listened on, by its own table of sockets."""
    lines = Path(f"/proc/{host.pid}/net/tcp").read_text("ascii").splitlines()[1:]
    return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in lines)


def _certificate(host: Host, folder: Path) -> tuple[Path, Path]:
    """A certificate for the address of *host*, with its key, and that of the authority that made it."""
    import trustme

    authority = trustme.CA()
    own, made_by = folder / "tiktok.pem", folder / "authority.pem"
    authority.issue_cert(host.address).private_key_and_cert_chain_pem.write_to_path(str(own))
    authority.cert_pem.write_to_path(str(made_by))
    return own, made_by
