"""Checkpoints of the write-ahead log (WAL) of `SQLiteOutbox`, before it grows long."""

from __future__ import annotations

import os
import sqlite3
import threading
import time

from tiktok_events._outbox.sqlite.file import FileConnection
from tiktok_events._outbox.sqlite.write_gate import WriteGate
from tiktok_events._runtime.clock import monotonic
from tiktok_events.errors import TikTokEventsError

_LONG = 16_000_000
_LOOK_AFTER = 256
_TRIES, _REST = 20, 0.001
_PASSES, _SHORT_PASS = 8, 0.02
"""While others write, pages are copied so often, or until that takes so few seconds: copying the rest blocks puts."""


class WriteAheadLog:
    """The write-ahead log of the file that *handle* has open.

    SQLite itself truncates the log only while no process writes, and lets a put wait for the disk. Here the process
    that delivers does it, or a thread where many put and none delivers.
    """

    def __init__(self, handle: FileConnection, wait: float, gate: WriteGate) -> None:
        self._handle, self._wait = handle, wait
        self._path = f"{handle.settings.path}-wal"
        self.renew(gate)

    def renew(self, gate: WriteGate) -> None:
        """Reset the state after a fork."""
        self._gate = gate
        self._puts = 0
        self._thread: threading.Thread | None = None

    def after_put(self) -> None:
        """Check the log after every few hundred puts, without blocking one."""
        self._puts += 1
        if self._puts < _LOOK_AFTER:
            return
        self._puts = 0
        if self._is_long() and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._shorten, name="tiktok-events outbox log", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is shutting down
                self._thread = None

    def after_work(self) -> None:
        """Check the log, in a thread that may wait for the disk."""
        if self._is_long():
            self._shorten()

    def close(self) -> None:
        """Wait for the thread, if it runs."""
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _is_long(self) -> bool:
        try:
            return os.stat(self._path).st_size > _LONG  # noqa: PTH116 - half the time of a Path's
        except OSError:
            return False

    def _shorten(self) -> None:
        """Checkpoint most of the log while others write, and the rest while writers are blocked for a moment."""
        try:
            for _ in range(_PASSES):
                began = monotonic()
                self._handle.read(_most, self._wait)
                if monotonic() - began < _SHORT_PASS:
                    break
            for _ in range(_TRIES):
                with self._gate.checkpointing():
                    if self._handle.write_one(_all, self._wait):
                        return
                time.sleep(_REST)
        except TikTokEventsError:  # try later; the next put or claim raises the error
            return


def _most(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def _all(connection: sqlite3.Connection) -> bool:
    """Whether the next write starts at the beginning of the log."""
    (was_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    return not was_busy
