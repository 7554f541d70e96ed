"""The order every candidate reports: raw values as a shop has them, and what is made of them by hand.

8 identifiers (email, phone, external_id, first and last name and postal code, hashed; ttclid, ttp), ip, user agent,
locale, page and 3 items.
"""

from __future__ import annotations

import itertools
import time
from hashlib import sha256
from typing import Any

EMAIL = " Ada.Example@Example.com"
PHONE = "+1 202 555 0143"
CUSTOMER = "customer-4711"
FIRST, LAST, ZIP = "Ada", "Example", "10115"
TTCLID = "E.C.P." + "CtIBAbCdEfGhIjKlMnOpQrStUvWxYz0123456789_-" * 4
TTP = "2AbCdEfGhIjKlMnOpQrStUvWxYz"
IP = "9.9.9.9"
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22B83"
LOCALE = "de-DE"
URL = "https://shop.example.com/checkout/thanks?order=2026-004711&utm_source=tiktok&utm_campaign=autumn"
REFERRER = "https://shop.example.com/checkout"
NUMBER = "2026-004711"
_numbers = itertools.count(4712)
VALUE, CURRENCY = 249.97, "EUR"
ITEMS = [
    ("SKU-1001", "Trail running shoe", "Shoes", "Fjell", 129.99, 1),
    ("SKU-2002", "Merino socks", "Socks", "Fjell", 19.99, 2),
    ("SKU-3003", "Rain jacket", "Jackets", "Regn", 80.00, 1),
]


PLAIN = {"ttclid": TTCLID, "ttp": TTP, "ip": IP, "user_agent": AGENT, "locale": LOCALE}
"""The user fields that are sent as they are."""


def new_number() -> str:
    """The number of the next order: an outbox stores the same one only once."""
    return f"2026-{next(_numbers):06d}"


def fields() -> dict[str, Any]:
    """The arguments of `Event`, as mappings: what a caller writes."""
    user = {
        "email": EMAIL,
        "phone": PHONE,
        "external_id": CUSTOMER,
        "first_name": FIRST,
        "last_name": LAST,
        "zip_code": ZIP,
    }
    return {"user": {**user, **PLAIN}, "page": _page(), "properties": _properties()}


def by_hand(event_id: str) -> dict[str, Any]:
    """The floor: a dict and hashlib, for values already known to be good. Nothing is checked."""
    return {
        "event": "Purchase",
        "event_time": int(time.time()),
        "event_id": event_id,
        "user": {
            "email": sha256(EMAIL.strip().lower().encode()).hexdigest(),
            "phone": sha256(PHONE.replace(" ", "").encode()).hexdigest(),
            "external_id": sha256(CUSTOMER.strip().encode()).hexdigest(),
            "first_name": sha256(FIRST.strip().lower().encode()).hexdigest(),
            "last_name": sha256(LAST.strip().lower().encode()).hexdigest(),
            "zip_code": sha256(ZIP.strip().lower().encode()).hexdigest(),
            **PLAIN,
        },
        "page": _page(),
        "properties": _properties(),
    }


def _page() -> dict[str, Any]:
    return {"url": URL, "referrer": REFERRER}


def _properties() -> dict[str, Any]:
    return {
        "value": VALUE,
        "currency": CURRENCY,
        "order_id": NUMBER,
        "content_type": "product",
        "contents": [
            {"content_id": sku, "content_name": name, "content_category": kind, "brand": brand, "price": price, "quantity": number}
            for sku, name, kind, brand, price, number in ITEMS
        ],
    }  # fmt: skip
