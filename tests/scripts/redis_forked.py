"""Fork while other threads use an outbox in Redis; parent and child both go on with it. argv: address."""

import os
import sys
import threading

import tiktok_events as tt

ROUTE = ("web", "C0EXAMPLE0EXAMPLE000", None)
outbox = tt.RedisOutbox(sys.argv[1])
stop = threading.Event()


def put(who):
    """20 times one event."""
    for number in range(20):
        outbox.put([tt.Record(*ROUTE, f"{who}-{number}", b"{}")])


def ask_on():
    """Have a connection in use, and a lock taken, most of the time."""
    while not stop.is_set():
        outbox.depth()


threads = [threading.Thread(target=ask_on) for _ in range(3)]
for thread in threads:
    thread.start()
put("before")
children = []
for number in range(5):
    child = os.fork()
    if not child:
        put(f"child{number}")
        os._exit(0)
    children.append(child)
put("parent")
codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
stop.set()
for thread in threads:
    thread.join()
outbox.close()
sys.exit(any(codes))
