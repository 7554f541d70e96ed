"""Track events that nobody takes, and end."""

import logging
import sys

import tiktok_events as tt

logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
logging.getLogger("httpx").setLevel(logging.ERROR)
background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token"), base_url=sys.argv[1]))
background.track(*(tt.Event("Purchase", event_id=f"e{number}") for number in range(5)))
