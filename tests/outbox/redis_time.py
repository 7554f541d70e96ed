"""Let time pass for what is claimed: a server's clock cannot be passed in, but how long an entry was idle can be set."""

from __future__ import annotations

from typing import Any

GROUP = "workers"


def let_pass(client: Any, seconds: float) -> None:
    """Make every pending entry of every stream idle for *seconds* more."""
    for key in client.scan_iter("*}", _type="stream"):
        if not client.xinfo_groups(key):
            continue
        for entry in client.xpending_range(key, GROUP, "-", "+", count=100_000):
            idle = entry["time_since_delivered"] + round(seconds * 1000)
            client.xclaim(key, GROUP, entry["consumer"], 0, [entry["message_id"]], idle=idle, justid=True)
