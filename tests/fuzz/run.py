"""Fuzz every target for a time, with hypothesis and with atheris: `python tests/fuzz/run.py --seconds 600`.

Prints executions, crashes and the slowest call of each target, and exits with 1 for a crash or a call of more than 50 ms
of CPU time. Each engine gets half of the time; atheris runs each target in a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

NAMES = (
    *("answer", "cookies", "headers", "query", "url", "email", "phone", "person", "snapshot", "redirect cookie"),
    *("JSON properties", "CSV", "JSON lines", "manager, server", "manager, pixel"),
)
LIMIT = 0.05
"""Seconds of CPU time of one call."""
MAX_BYTES = 4_096


class Watch:
    """Calls a target, and keeps its number of calls, the slowest one and its crashes."""

    def __init__(self, name: str) -> None:
        self.name, self.calls, self.slowest, self.crashes, self.slow = name, 0, 0.0, {}, b""
        from targets import SEEDS, TARGETS

        self._target, self.seeds = TARGETS[name], SEEDS[name]
        for seed in self.seeds:
            self._target(seed)  # what is imported on first use is not timed
        gc.disable()  # a collection is not the call's time

    def __call__(self, data: bytes) -> None:
        """One call. A slow one is tried again: the machine may have been busy."""
        self.calls += 1
        if self.calls % 500 == 0:
            gc.collect()
        took = self._time(data)
        if took > LIMIT:
            took = min(took, self._time(data), self._time(data))
        if took > self.slowest:
            self.slowest, self.slow = took, data

    def _time(self, data: bytes) -> float:
        begun = time.thread_time()
        try:
            self._target(data)
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            where = traceback.extract_tb(error.__traceback__)[-1]
            self.crashes.setdefault(f"{type(error).__name__} {Path(where.filename).name}:{where.lineno}", data)
        return time.thread_time() - begun

    def report(self, engine: str) -> bool:
        """Print the line of the table. Returns whether all went well."""
        print(
            f"{self.name:<20}{engine:<12}{self.calls:>12,}{len(self.crashes):>9}{self.slowest * 1000:>12.1f} ms",
            flush=True,
        )
        for where, data in self.crashes.items():
            print(f"  {where}: {data[:200]!r}")
        if self.slowest > LIMIT:
            print(f"  slow: {len(self.slow):,} bytes, {self.slow[:200]!r}")
        return not self.crashes and self.slowest <= LIMIT


def with_hypothesis(name: str, seconds: float) -> bool:
    """Inputs that hypothesis makes, and mixtures with the seeds."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    watch, until = Watch(name), time.monotonic() + seconds
    seeds = st.sampled_from(watch.seeds)
    mixed = st.tuples(seeds, st.binary(max_size=40), st.integers(0, 200), seeds, st.integers(1, 300)).map(
        lambda parts: (parts[0][: parts[2]] + parts[1] + parts[3]) * parts[4]
    )
    texts = st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))

    @settings(
        max_examples=500, deadline=None, database=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
    )
    @given(st.one_of(st.binary(max_size=MAX_BYTES), texts, mixed.map(lambda data: data[:MAX_BYTES]), seeds))
    def batch(data: bytes) -> None:
        watch(data)

    while time.monotonic() < until:
        batch()
    return watch.report("hypothesis")


def with_atheris(name: str, seconds: float) -> bool:
    """A process in which atheris mutates inputs by coverage."""
    command = [sys.executable, __file__, "--atheris", name, "--seconds", str(int(seconds))]
    # libFuzzer reports on stderr.
    return subprocess.run(command, stderr=subprocess.DEVNULL, timeout=seconds + 300, check=False).returncode == 0


def run_atheris(name: str, seconds: int) -> None:
    """Fuzz *name* in this process, which ends with it."""
    import atheris

    with atheris.instrument_imports(include=["tiktok_events"]):
        watch = Watch(name)
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    for number, seed in enumerate(watch.seeds):
        (folder / str(number)).write_bytes(seed)
    until = time.monotonic() + seconds

    def call(data: bytes) -> None:
        watch(data)
        if time.monotonic() > until:  # libFuzzer would end the process without a word
            os._exit(0 if watch.report("atheris") else 1)

    options = [f"-max_len={MAX_BYTES}", "-verbosity=0", "-rss_limit_mb=4096", "-timeout=60"]
    atheris.Setup([sys.argv[0], *options, str(folder)], call)
    atheris.Fuzz()


def main() -> None:
    """Run every target with both engines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=600, help="of the whole run")
    parser.add_argument("--only", metavar="TARGET", action="append", choices=NAMES, help="one target; repeatable")
    parser.add_argument("--atheris", metavar="TARGET", choices=NAMES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.atheris:
        run_atheris(options.atheris, options.seconds)
        return
    engines = [with_hypothesis, *([with_atheris] if importlib.util.find_spec("atheris") else [])]
    names = options.only or NAMES
    each = options.seconds / len(engines) / len(names)
    print(f"{len(names)} targets, {each:.0f} s each with {' and '.join(one.__name__[5:] for one in engines)}\n")
    print(f"{'target':<20}{'engine':<12}{'executions':>12}{'crashes':>9}{'slowest':>15}")
    results = [engine(name, each) for name in names for engine in engines]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()
