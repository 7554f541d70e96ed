"""A valid line for `send`, and JSONL from items."""

from __future__ import annotations

import json

LINE = {
    "event": "Contact",
    "event_time": 1_789_990_000,
    "user": {"email": "zzpii.ada@example.com"},
    "page": {"url": "https://shop.example/"},
}


def jsonl(*items):
    """Return *items* as lines of JSON; a string is used as it is."""
    return "".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in items)
