"""Track the same orders by key, in an order of its own, and deliver. argv: how many, and a name for this process."""

import os
import random
import sys
import time

import tracked  # first: it sets the clock

import tiktok_events as tt
from tiktok_events._outbox.url import outbox_at

number, name = int(sys.argv[1]), sys.argv[2]
url = os.environ["TIKTOK_OUTBOX_URL"]
# A Redis counts days by its own clock, unless it is given one.
outbox = tt.RedisOutbox(url, clock=time.time) if url.startswith("redis") else outbox_at(url)
client = tracked.client()
namespace = client.source.id_namespace
orders = list(range(number))
random.Random(name).shuffle(orders)
with tt.BackgroundClient(client, tracked.StoredIdentifiers(outbox)) as background:
    for order in orders:
        event_id = tt.event_id("Purchase", order, namespace=namespace)
        tracked.write("tried", [event_id])
        background.track(tt.Event("Purchase", key=order, event_time=tracked.EVENT_TIME))
        tracked.write("tracked", [event_id])
        tracked.write("begun", [name])
        time.sleep(random.uniform(0, 0.004))
