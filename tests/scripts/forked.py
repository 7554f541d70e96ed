"""Fork before or after the first event; parent and child both track and end.

argv: address, "before" or "after", and "exit" or "_exit" for how the child ends.
"""

import os
import sys

import tiktok_events as tt

background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token"), base_url=sys.argv[1]))
if sys.argv[2] == "after":
    background.track(*(tt.Event("Purchase", event_id=f"early-{number}") for number in range(30)))
child = os.fork()
who = "parent" if child else "child"
background.track(*(tt.Event("Purchase", event_id=f"{who}-{number}") for number in range(60)))
if child:
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status))
if sys.argv[3] == "_exit":
    os._exit(background.flush())
