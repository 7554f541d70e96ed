"""Scripts that call `track` from strange places, in processes of their own: they may hang.

argv: the case, the kind of outbox. Prints the number of calls, and whether one raised. TIKTOK_API_URL is the server.
"""

import faulthandler
import gc
import logging
import signal
import sys
import threading
import time
import weakref

import tiktok_events as tt

faulthandler.dump_traceback_later(25, exit=True)
case, kind = sys.argv[1:3]
outbox = {
    "memory": tt.MemoryOutbox,
    "sqlite": lambda: tt.SQLiteOutbox("outbox.db"),
    "group": lambda: tt.SQLiteOutbox("outbox.db", commit="group"),
    "redis": lambda: tt.RedisOutbox(sys.argv[3]),
}[kind]()
background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")), outbox)
calls, errors = [], []


def track(prefix):
    """Track the next event; an error is kept."""
    name = f"{prefix}{len(calls)}"
    calls.append(name)
    try:
        background.track(tt.Event("Lead", event_id=name))
    except BaseException as error:  # noqa: BLE001 - it is counted
        errors.append(repr(error))


class Dies:
    """Tracks when it is collected, at whatever point that is."""

    def __init__(self):
        self.me = self

    def __del__(self):
        track("d")


class Tracks(logging.Handler):
    """Tracks for each record, also for those of the package."""

    def emit(self, record):
        track("l")


def from_a_signal():
    """Every millisecond."""
    signal.signal(signal.SIGALRM, lambda *_: track("s"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        track("m")
        if len(calls) % 50 == 0:
            background.stats()
        if len(calls) % 400 == 0:
            background.flush(0.05)
    signal.setitimer(signal.ITIMER_REAL, 0)


def from_del():
    """The garbage collector runs inside calls, and in the delivery thread."""
    gc.set_threshold(5, 2, 2)
    for _ in range(300):
        Dies()
        track("m")
        background.stats()
    gc.collect()


def from_a_weakref():
    """A callback of a weak reference, in the middle of a call."""
    gc.set_threshold(5, 2, 2)
    kept = []
    for _ in range(300):
        cycle = type("Cycle", (), {})()
        cycle.me = cycle
        kept.append(weakref.ref(cycle, lambda _: track("w")))
        del cycle
        track("m")
    gc.collect()


def from_a_logging_handler():
    """The package logs inside `track`, and the handler tracks."""
    logger = logging.getLogger("tiktok_events")
    logger.setLevel(logging.INFO)
    logger.addHandler(handler := Tracks())
    for _ in range(5):
        track("m")
        time.sleep(0.01)
    logger.removeHandler(handler)


def from_threads():
    """All at once."""
    threads = [threading.Thread(target=lambda: [track("t") for _ in range(100)]) for _ in range(4)]
    signal.signal(signal.SIGALRM, lambda *_: track("s"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    signal.setitimer(signal.ITIMER_REAL, 0)


globals()[case]()
left = background.close(10)
print(len(set(calls)), len(errors), left, *errors[:3])
