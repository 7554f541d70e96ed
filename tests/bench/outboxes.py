"""Durable put: `SQLiteOutbox` beside the insert one would write by hand, and persist-queue.

Each table is interleaved. One process: a put at a time, many in one put, and `commit="group"`. Eight processes that
put into one file at once, beside one: how many events they get in together, and the longest that one put took.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import interleave as il
import order
import persistqueue

import tiktok_events as tt

ROUTE = ("web", "C4A1B2C3D4E5F6G7H8I9", None)
EVENT_ID = "0123456789abcdef" * 2
SAFETY = ("NORMAL", "FULL")
ONE_BY_ONE, TOGETHER = {"NORMAL": 100, "FULL": 10}, 1_000
PROCESSES, SECONDS, ROUNDS = 8, 0.3, 3

Put = Callable[[int], object]
"""Puts so many events."""


def event() -> tt.Record:
    """The record of a Purchase, as an outbox gets it."""
    return tt.Record(*ROUTE, EVENT_ID, json.dumps(order.by_hand(EVENT_ID), separators=(",", ":")).encode())


def by_hand(path: Path, safety: str) -> tuple[Put, Put]:
    """One by one and together: an insert of the same row, and nothing else."""
    record = event()
    connection = sqlite3.connect(path, isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={safety}")
    connection.execute("CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY, route, event_id, data, put)")
    insert = "INSERT INTO event (route, event_id, data, put) VALUES (?, ?, ?, ?)"

    def one_by_one(number: int) -> None:
        for _ in range(number):
            connection.execute(insert, (1, record.event_id, record.data, time.time()))

    def together(number: int) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(insert, [(1, record.event_id, record.data, time.time()) for _ in range(number)])
        connection.execute("COMMIT")

    return one_by_one, together


def ours(path: Path, safety: str) -> tuple[Put, Put]:
    """The same for `SQLiteOutbox`."""
    record, outbox = event(), tt.SQLiteOutbox(path, synchronous=safety, busy_wait=30)  # type: ignore[arg-type]

    def one_by_one(number: int) -> None:
        for _ in range(number):
            outbox.put([record])

    return one_by_one, lambda number: outbox.put([record] * number)


def grouped(path: Path, safety: str) -> Put:
    """One by one with `commit="group"`, until all is in the file."""
    record = event()
    outbox = tt.SQLiteOutbox(path, commit="group", synchronous=safety, busy_wait=30)  # type: ignore[arg-type]

    def put(number: int) -> None:
        for _ in range(number):
            outbox.put([record])
        outbox.depth()

    return put


def persist_queue(path: Path) -> Put:
    """One by one; it stores pickled objects, with SQLite's defaults and a WAL."""
    record, queue = event(), persistqueue.SQLiteQueue(str(path), multithreading=True, auto_commit=True, timeout=30)

    def put(number: int) -> None:
        for _ in range(number):
            queue.put(record.data)

    return put


def in_one_process(folder: Path) -> None:
    """Print what an event costs."""
    candidates: dict[str, tuple[il.Candidate, int]] = {}

    def add(name: str, put: Put, number: int) -> None:
        candidates[name] = il.Candidate(name, lambda: put(number)), number

    for safety in SAFETY:
        hand_one, hand_many = by_hand(folder / f"hand-{safety}.db", safety)
        our_one, our_many = ours(folder / f"ours-{safety}.db", safety)
        add(f"insert by hand, {safety}", hand_one, ONE_BY_ONE[safety])
        add(f"SQLiteOutbox.put, {safety}", our_one, ONE_BY_ONE[safety])
        add(f"insert by hand, {safety}, {TOGETHER} together", hand_many, TOGETHER)
        add(f"SQLiteOutbox.put, {safety}, {TOGETHER} in one", our_many, TOGETHER)
        add(f'SQLiteOutbox, {safety}, commit="group"', grouped(folder / f"group-{safety}.db", safety), 5 * TOGETHER)
    add("persist-queue SQLiteQueue", persist_queue(folder / "persist"), ONE_BY_ONE["FULL"])
    il.interleave([one for one, _ in candidates.values()], rounds=9, loops=1)
    for one, number in candidates.values():
        one.times = [seconds / number for seconds in one.times]
    il.show("Durable put, one process", [_row(name, candidates) for name in candidates])


def _row(name: str, candidates: dict[str, tuple[il.Candidate, int]]) -> il.Row:
    one, rate = candidates[name][0], 1 / candidates[name][0].median
    if name.startswith("SQLiteOutbox.put") and "in one" not in name:
        ratio = one.ratio(candidates[name.replace("SQLiteOutbox.put", "insert by hand")][0])
        return il.Row(name, one.median * 1e6, f"{ratio:.2f} x by hand", "<= 1.5 x", il.verdict(ratio, 1.5))
    if name.startswith("SQLiteOutbox"):
        safety = next(word for word in SAFETY if word in name)
        ratio = one.ratio(candidates[f"insert by hand, {safety}, {TOGETHER} together"][0])
        told = il.verdict(80_000 / rate, 1, 0.8)
        return il.Row(name, one.median * 1e6, f"{rate:,.0f}/s, {ratio:.2f} x", ">= 80,000/s (100,000)", told)
    return il.Row(name, one.median * 1e6, f"{rate:,.0f}/s")


def at_once(put_of: Callable[[], Put], processes: int) -> tuple[float, float]:
    """Events per second that *processes* get into one file together, and the longest put in seconds."""
    start, children = time.monotonic() + 0.2, []
    for _ in range(processes):
        reader, writer = os.pipe()
        if not os.fork():
            os.write(writer, json.dumps(_timed(put_of(), start)).encode())
            os._exit(0)
        os.close(writer)
        children.append(reader)
    told = []
    for reader in children:
        with os.fdopen(reader) as pipe:
            told.append(json.load(pipe))
        os.wait()
    return sum(rate for rate, _ in told), max(longest for _, longest in told)


def _timed(put: Put, start: float) -> tuple[float, float]:
    """Puts per second, and the longest of them in seconds."""
    put(1)
    while (begun := time.monotonic()) < start:
        time.sleep(0.001)
    number, longest, before = 0, 0.0, begun
    while before < begun + SECONDS:
        put(1)
        now = time.monotonic()
        number, longest, before = number + 1, max(longest, now - before), now
    return number / (before - begun), longest


def in_many_processes(folder: Path) -> None:
    """Print what one and eight processes get into one file."""
    print(f"\n{'Durable put, processes on one file':<42} {'one/s':>10} {'eight/s':>10} {'longest ms':>11}  of one")
    print("-" * 86)
    for safety in SAFETY:
        hand, mine = folder / f"hands-{safety}.db", folder / f"all-{safety}.db"
        makers: dict[str, Callable[[], Put]] = {
            f"insert by hand, {safety}": lambda path=hand, safety=safety: by_hand(path, safety)[0],
            f"SQLiteOutbox.put, {safety}": lambda path=mine, safety=safety: ours(path, safety)[0],
        }
        if safety == "NORMAL":
            makers["persist-queue SQLiteQueue"] = lambda: persist_queue(folder / "all-persist")
        one: dict[str, list[float]] = {name: [] for name in makers}
        many: dict[str, list[float]] = {name: [] for name in makers}
        longest = dict.fromkeys(makers, 0.0)
        for _ in range(ROUNDS):
            for name, maker in makers.items():
                one[name].append(at_once(maker, 1)[0])
                rate, slowest = at_once(maker, PROCESSES)
                many[name].append(rate)
                longest[name] = max(longest[name], slowest)
        for name in makers:
            ratio = statistics.median(all_ / alone for all_, alone in zip(many[name], one[name], strict=True))
            told = f"{ratio:.2f} x"
            if name.startswith("SQLiteOutbox"):
                told += f" (budget >= 0.5): {il.verdict(0.5 / ratio, 1)}"
            figures = f"{statistics.median(one[name]):>10,.0f} {statistics.median(many[name]):>10,.0f}"
            print(f"{name:<42} {figures} {longest[name] * 1e3:>11,.1f}  {told}")


def run() -> None:
    """Print both tables."""
    folder = Path(tempfile.mkdtemp(prefix="outboxes-", dir=Path.cwd()))  # a real disk, where /tmp may be memory
    try:
        in_many_processes(folder)
        in_one_process(folder)
    finally:
        shutil.rmtree(folder)
