"""Queue one event for a port where nothing listens, and end. Prints the time of the end."""

import logging
import sys
import time

import tiktok_events as tt

url, client = sys.argv[1:]
logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
source = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")
background = tt.BackgroundClient(getattr(tt, client)(source, base_url=url))
background.track(tt.Event("Contact", user={"ttclid": "E.C.P.1"}, page={"url": "https://shop.example/"}))
print(time.time())
