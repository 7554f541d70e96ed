"""What every tracked process shares: its client, and the files that say how far each event got."""

import os
import time
from pathlib import Path

FOLDER = Path(os.environ["TORTURE_FOLDER"])
if "TORTURE_OFFSET" in os.environ:
    # A wall clock that can be set, before anything keeps the real one. What passes goes by another clock.
    really, offset = time.time, Path(os.environ["TORTURE_OFFSET"])
    time.time = lambda: really() + float(offset.read_text("ascii") or 0)

import tiktok_events as tt  # noqa: E402
from tiktok_events._outbox.url import outbox_at  # noqa: E402

EVENT_TIME = int(os.environ["TORTURE_EVENT_TIME"])


def write(name, ids):
    """Add *ids* to a file, in one write, so that processes share it."""
    out = os.open(FOLDER / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(out, "".join(f"{one}\n" for one in ids).encode())
    finally:
        os.close(out)


class StoredIdentifiers:
    """An outbox, and a file of what its `put` has kept."""

    def __init__(self, outbox):
        self._outbox = outbox

    def put(self, records):
        record_ids = self._outbox.put(records)
        write("kept", [record.event_id for record in records])
        return record_ids

    def __getattr__(self, name):
        return getattr(self._outbox, name)


def client():
    """TikTok, as the environment describes it."""
    return tt.Client(tt.EventSource.from_env(), timeout=float(os.environ.get("TORTURE_TIMEOUT", "10")))


def background(**options):
    """The background client that the environment describes."""
    return tt.BackgroundClient(client(), StoredIdentifiers(outbox_at(os.environ["TIKTOK_OUTBOX_URL"])), **options)


def event(name):
    """An event that is known by its id."""
    return tt.Event("Purchase", event_id=name, event_time=EVENT_TIME)


def track(to, names):
    """Track the events of *names* in one call; those that it refuses are not accepted, and say so."""
    names = list(names)
    write("tried", names)
    if to.track(*(event(name) for name in names)) == len(names):
        write("tracked", names)
    else:
        write("refused", names)
