"""Lines to send: a good one, and files of them."""

from __future__ import annotations

import json

LINE = {
    "event": "Contact",
    "event_time": 1_789_990_000,
    "user": {"email": "zzpii.ada@example.com"},
    "page": {"url": "https://shop.example/"},
}


def jsonl(*items):
    """Lines of JSON."""
    return "".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in items)
