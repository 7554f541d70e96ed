"""Claim two events from a Redis, give one of them back for 20 s, and wait to be killed. argv: address."""

import sys
import time

import tiktok_events as tt

outbox = tt.RedisOutbox(sys.argv[1])
claims = outbox.claim(2, lease=30, routes={("web", "C0EXAMPLE0EXAMPLE000", None)})
outbox.nack(claims[1:], delay=20, reason="x")
print(len(claims), flush=True)
time.sleep(60)
