"""The views of all shops under test. Each framework's app only translates its requests and responses.

A view gets an object with the tracker's methods, and the form. It returns the kind of response and its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tiktok_events as tt

PAGE = "<!doctype html><html><head>{{ tiktok.pixel() }}</head><body>shop</body></html>"
TWICE = "<html><head>{{ tiktok.pixel() }}</head><body>{{ tiktok.pixel() }}{{ tiktok.consent }}</body></html>"
TEMPLATES = {"page.html": PAGE, "twice.html": TWICE}
STATUS = {"page": 200, "fragment": 200, "json": 200, "redirect": 303, "error": 404}
ITEM = {"content_id": "sku-1", "price": 23.0, "quantity": 1}
VALUE = {"value": 23.0, "currency": "EUR", "contents": [ITEM]}

Reply = tuple[str, Any]


def purchase(form: Mapping[str, str]) -> tt.Event:
    """The purchase event; the view, the webhook and the page share it."""
    return tt.Event("Purchase", key=form.get("order", "1001"), properties={**VALUE, "order_id": "1001"})


def page(tiktok: Any, form: Mapping[str, str]) -> Reply:
    return "page", "page.html"


def product(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tiktok.track("ViewContent", properties=VALUE)
    return "page", "page.html"


def twice(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tiktok.track("ViewContent", properties=VALUE)
    return "page", "twice.html"


def buy(tiktok: Any, form: Mapping[str, str]) -> Reply:
    user = {name: form[name] for name in ("email", "phone", "first_name", "country") if name in form}
    money = {name: form[name] for name in ("value", "currency") if name in form}
    items = [{**ITEM, **{name: form[name] for name in ("price", "quantity") if name in form}}]
    properties = {**VALUE, **money, "contents": items}
    tiktok.track("Purchase", key=form.get("order", "1001"), user=user, properties=properties)
    return "redirect", "/page"


def thanks(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tiktok.track(purchase(form), server=False)
    return "page", "page.html"


def cart(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tiktok.track("AddToCart", properties=VALUE)
    return "fragment", "<p>1 item</p>"


def api(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tracked = tiktok.track("AddToCart", properties=VALUE)
    return "json", {"count": 1, "tiktok": tracked.payload}


def snapshot(tiktok: Any, form: Mapping[str, str]) -> Reply:
    return "json", {"snapshot": tiktok.snapshot()}


def webhook(tiktok: Any, form: Mapping[str, str]) -> Reply:
    site = tiktok.site
    site.resume(form.get("snapshot")).track(purchase(form))
    return "fragment", ""


def agree(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tiktok.grant_consent()
    return "fragment", ""


def refuse(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tiktok.revoke_consent()
    return "fragment", ""


def member(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tiktok.identify(email=form.get("email"))
    tiktok.track("Lead")
    return "page", "page.html"


def fails(tiktok: Any, form: Mapping[str, str]) -> Reply:
    tiktok.track("Lead")
    return "error", "sorry"


GET = {"page": page, "product": product, "twice": twice, "thanks": thanks, "snapshot": snapshot, "fails": fails}
POST = {
    "buy": buy,
    "cart": cart,
    "api": api,
    "webhook": webhook,
    "agree": agree,
    "refuse": refuse,
    "member": member,
}
