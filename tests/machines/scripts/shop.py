"""A web host: tracks a few events for every "request" until SIGTERM, then says what it could not hand on.

argv: its name, requests a second, a file for the ids of what was tracked, a file for what Redis cannot take now.
"""

import json
import os
import signal
import sys
import threading
import time

import tiktok_events as tt

name, rate, tracked, spill = sys.argv[1], float(sys.argv[2]), sys.argv[3], sys.argv[4]
told_to_end = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: told_to_end.set())
background = tt.BackgroundClient(
    tt.Client(tt.EventSource.from_env()),
    tt.RedisOutbox(os.environ["TIKTOK_OUTBOX_URL"]),
    deliver=False,
    spill=tt.SQLiteOutbox(spill),
)
out = os.open(tracked, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
request, slowest = 0, 0.0
while not told_to_end.wait(1 / rate):
    for part in range(1 + request % 3):
        event_id = f"{name}-{os.getpid()}-{request}-{part}"
        event = tt.Event("Purchase", event_id=event_id, properties={"value": 9.5, "currency": "EUR"})
        begun = time.perf_counter()
        accepted = background.track(event)
        slowest = max(slowest, time.perf_counter() - begun)
        if accepted:
            os.write(out, f"{event_id}\n".encode())
    request += 1
left = background.close()
print(json.dumps({"left": left, "slowest": slowest, "spilled": background.stats().spilled}))
