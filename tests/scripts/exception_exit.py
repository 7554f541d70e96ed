"""Track events and fail."""

import sys

import tiktok_events as tt

background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token"), base_url=sys.argv[1]))
background.track(*(tt.Event("Purchase", event_id=f"e{number}") for number in range(5)))
raise SystemExit(3)
