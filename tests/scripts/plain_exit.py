"""Track 275 events and end, without a word of goodbye."""

import sys

import tiktok_events as tt

background = tt.BackgroundClient(tt.Client(tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token"), base_url=sys.argv[1]))
for number in range(275):
    background.track(tt.Event("Purchase", event_id=f"e{number}"))
