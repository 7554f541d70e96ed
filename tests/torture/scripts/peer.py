"""The same deeds by several SDKs. argv: the SDK, the deed, the address. What is tracked is known by its number.

Deeds: "end" tracks 275 events and ends; "live" lives for 8 s more; "fork" tracks in parent and child; "stay" tracks and
waits to be killed; "again" is the next process, which tracks nothing.
"""

import logging
import os
import sys
import time

sdk, deed, url = sys.argv[1:4]
NUMBER = 275


def segment():
    """Its own defaults, but for the address."""
    from segment.analytics import Client

    client = Client("key", host=url)
    return lambda number: client.track("visitor", "Purchase", {"number": number})


def posthog():
    """Its own defaults, but for the address."""
    from posthog import Posthog

    client = Posthog("key", host=url)
    return lambda number: client.capture("Purchase", distinct_id="visitor", properties={"number": number})


def ours(outbox=None):
    """Its own defaults, but for the address."""
    import tiktok_events as tt

    background = tt.BackgroundClient(
        tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token"), base_url=url), outbox
    )
    if deed == "again" and outbox is not None:
        tt.Worker(outbox, background.client).drain_once(30)  # what failed often waits longer
    return lambda number: background.track(tt.Event("Purchase", event_id=str(number)))


def on_disk():
    """With events that outlive their process."""
    import tiktok_events as tt

    return ours(tt.SQLiteOutbox("outbox.db"))


logging.disable(logging.CRITICAL)
track = {"segment": segment, "posthog": posthog, "tiktok-events": ours, "tiktok-events, SQLite": on_disk}[sdk]()
first = 0
if deed == "fork":
    child = os.fork()
    first = 0 if child else 1_000
if deed != "again":
    for number in range(first, first + NUMBER):
        track(number)
if deed == "live":
    time.sleep(8)
if deed == "stay":
    print("tracked", flush=True)
    time.sleep(60)
if deed == "fork" and child:
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
