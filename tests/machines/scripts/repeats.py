"""A web host whose payment provider repeats every webhook: track the same orders by key, in an order of its own.

argv: how many orders, a name for this process, a file for that name once it has begun, a file with the seconds that
the wall clock is ahead.
"""

import os
import random
import sys
import time
from pathlib import Path

number, name, begun, offset = int(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
really = time.time
time.time = lambda: really() + float(offset.read_text("ascii"))

import tiktok_events as tt  # noqa: E402

orders = list(range(number))
random.Random(name).shuffle(orders)
background = tt.BackgroundClient(
    tt.Client(tt.EventSource.from_env()),
    tt.RedisOutbox(os.environ["TIKTOK_OUTBOX_URL"], clock=time.time),
    deliver=False,
)
for order in orders:
    background.track(tt.Event("Purchase", key=order, properties={"value": 9.5, "currency": "EUR"}))
    time.sleep(random.uniform(0, 0.016))
    if order == orders[10]:
        with Path(begun).open("a", encoding="ascii") as out:
            print(name, file=out)
sys.exit(background.close(30))
