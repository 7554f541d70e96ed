"""The made-up shop of the examples: what it sells, its orders, its pages. No web framework, and nothing of TikTok.

Orders live in memory. The payment provider is a page of the shop's own that calls the webhook with a signature, as
Stripe and its like do.
"""

from __future__ import annotations

import hmac
import secrets
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

WEBHOOK_SECRET = secrets.token_hex(16)
PRODUCTS = {
    "cup": SimpleNamespace(sku="cup", name="Cup", price=Decimal("12.00"), picture="☕"),
    "lamp": SimpleNamespace(sku="lamp", name="Lamp", price=Decimal("49.00"), picture="💡"),
    "plant": SimpleNamespace(sku="plant", name="Plant", price=Decimal("23.50"), picture="🪴"),
}
ORDERS: dict[str, SimpleNamespace] = {}


def new_order(sku: str, form: Any, snapshot: str) -> SimpleNamespace:
    """Keep an order, with the visitor's snapshot in its row."""
    number = secrets.token_hex(4)
    ORDERS[number] = SimpleNamespace(
        number=number,
        product=PRODUCTS.get(sku, PRODUCTS["cup"]),
        email=form.get("email"),
        phone=form.get("phone"),
        snapshot=snapshot,
        paid=False,
    )
    return ORDERS[number]


def signature(number: str) -> str:
    """What the payment provider signs its webhook with."""
    return hmac.new(WEBHOOK_SECRET.encode(), number.encode(), "sha256").hexdigest()


def paid_order(form: Any) -> SimpleNamespace | None:
    """The order that a webhook says is paid; None if it is not the provider who says so."""
    number = str(form.get("order", ""))
    if number not in ORDERS or not hmac.compare_digest(signature(number), str(form.get("signature", ""))):
        return None
    ORDERS[number].paid = True
    return ORDERS[number]


def items(product: SimpleNamespace) -> dict[str, Any]:
    """What TikTok calls the properties of an event about *product*."""
    item = {"content_id": product.sku, "content_name": product.name, "price": product.price, "quantity": 1}
    return {"value": product.price, "currency": "EUR", "content_type": "product", "contents": [item]}


PAGES = {
    "base.html": """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
{{ tiktok.pixel() }}
<style>
body { font: 1rem/1.5 system-ui; max-width: 40rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
nav a { margin-right: 1rem } input { font: inherit; padding: .4rem; margin: .2rem 0; width: 100%; box-sizing: border-box }
button { font: inherit; padding: .5rem 1rem; border: 0; border-radius: .4rem; background: #111; color: #fff }
#banner { position: fixed; inset: auto 0 0 0; padding: 1rem; background: #eee; text-align: center } form { margin: 1rem 0 }
</style></head><body><nav><a href="/">Shop</a><a href="/newsletter">Newsletter</a><a href="/contact">Contact</a></nav>
{% block body %}{% endblock %}
{% if tiktok.consent == "unknown" %}<form id="banner" method="post" action="/consent">May TikTok measure your visit?
<button name="answer" value="yes">Yes</button> <button name="answer" value="no">No</button></form>{% endif %}
</body></html>""",
    "home.html": """{% extends "base.html" %}{% block body %}<h1>Shop</h1>{% for one in products.values() %}
<p><a href="/products/{{ one.sku }}">{{ one.picture }} {{ one.name }}</a>, {{ one.price }} EUR</p>{% endfor %}{% endblock %}""",
    "product.html": """{% extends "base.html" %}{% block body %}<h1>{{ product.picture }} {{ product.name }}</h1>
<p>{{ product.price }} EUR</p><form method="post" action="/cart/{{ product.sku }}"><button>Add to cart</button></form>
{% endblock %}""",
    "checkout.html": """{% extends "base.html" %}{% block body %}<h1>Checkout</h1><p>{{ product.name }}, {{ product.price }} EUR</p>
<form method="post"><input name="email" placeholder="E-mail"><input name="phone" placeholder="Phone, with +">
<button>Order</button></form>{% endblock %}""",
    "pay.html": """{% extends "base.html" %}{% block body %}<h1>Payment provider</h1><form method="post" action="/webhook">
<input type="hidden" name="order" value="{{ order.number }}"><input type="hidden" name="signature" value="{{ signature }}">
<button>Pay {{ order.product.price }} EUR</button></form>{% endblock %}""",
    "thanks.html": """{% extends "base.html" %}{% block body %}<h1>Thank you</h1><p>Order {{ order.number }}</p>{% endblock %}""",
    "form.html": """{% extends "base.html" %}{% block body %}<h1>{{ title }}</h1><form method="post">
<input name="email" placeholder="E-mail"><button>Send</button></form>{% endblock %}""",
    "done.html": """{% extends "base.html" %}{% block body %}<h1>Done</h1>{% endblock %}""",
}
