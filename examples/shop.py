"""The shop of the examples: its products, orders and events. It uses no web framework.

Orders are kept in memory. A page of the shop plays the payment provider: it calls the webhook with a signature.
"""

from __future__ import annotations

import hmac
import os
import secrets
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import tiktok_events as tt

TEMPLATES, STATIC = (Path(__file__).parent / name for name in ("templates", "static"))
WEBHOOK_SECRET = secrets.token_hex(16)
PRODUCTS = {
    "cup": SimpleNamespace(sku="cup", name="Cup", price=Decimal("12.00"), text="Holds coffee, then pens."),
    "lamp": SimpleNamespace(sku="lamp", name="Lamp", price=Decimal("49.00"), text="Bends towards what you read."),
    "plant": SimpleNamespace(sku="plant", name="Plant", price=Decimal("23.50"), text="Forgives a week without water."),
}
SHOPPER = ("email", "phone", "first_name", "last_name", "country")
ORDERS: dict[str, SimpleNamespace] = {}


def new_order(sku: str, form: Any, snapshot: str) -> SimpleNamespace:
    """Keep an order, with the visitor's snapshot in its row."""
    number = secrets.token_hex(4)
    typed = {name: form.get(name) for name in (*SHOPPER, "tip")}
    text = {name: value if isinstance(value, str) else "" for name, value in typed.items()}  # a file is no text
    ORDERS[number] = SimpleNamespace(
        number=number,
        product=PRODUCTS.get(sku, PRODUCTS["cup"]),
        shopper={name: text[name] for name in SHOPPER},
        tip=amount(text["tip"]),
        snapshot=snapshot,
        paid_at=None,
    )
    return ORDERS[number]


def amount(typed: str) -> Decimal:
    """What somebody typed as an amount of money; nothing, when it is none."""
    try:
        return max(Decimal(0), Decimal(typed.replace(",", "."))).quantize(Decimal("0.01"))
    except InvalidOperation:
        return Decimal(0)


def signature(number: str) -> str:
    """What the payment provider signs its webhook with."""
    return hmac.new(WEBHOOK_SECRET.encode(), number.encode(), "sha256").hexdigest()


def paid_order(form: Any) -> SimpleNamespace | None:
    """The order that a webhook says is paid; None if it is not the provider who says so."""
    number = str(form.get("order", ""))
    if number not in ORDERS or not hmac.compare_digest(signature(number), str(form.get("signature", ""))):
        return None
    ORDERS[number].paid_at = ORDERS[number].paid_at or datetime.now(UTC)  # a webhook may be repeated
    return ORDERS[number]


def items(product: SimpleNamespace, tip: Decimal = Decimal(0)) -> dict[str, Any]:
    """What TikTok calls the properties of an event about *product*."""
    item = {"content_id": product.sku, "content_name": product.name, "price": product.price, "quantity": 1}
    return {"value": product.price + tip, "currency": "EUR", "content_type": "product", "contents": [item]}


def purchase(order: SimpleNamespace) -> tt.Event:
    """The event of a paid *order*: the same for the webhook and for the thank-you page.

    With the time of the payment, a thank-you page that is opened a day later, on any device, renders no pixel call.
    """
    return tt.Event(
        "Purchase",
        key=order.number,
        event_time=order.paid_at,
        user=order.shopper,
        properties=items(order.product, order.tip),
    )


def manager() -> str | None:
    """The local Events Manager's page, if the pixel's script comes from there: the shop then links to it."""
    parts = urlsplit(os.environ.get("TIKTOK_PIXEL_URL", ""))
    return f"{parts.scheme}://{parts.netloc}/" if parts.hostname in {"127.0.0.1", "localhost"} else None
