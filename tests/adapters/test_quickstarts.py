"""The quickstarts for Flask and FastAPI, as typed by a newcomer. Only Stripe and the database are substitutes."""

import json
import os
import sys
import types
from decimal import Decimal
from types import SimpleNamespace as N

import pytest
from markers import EMAIL, PHONE
from visitor import AGENT, FETCH, NAVIGATION, SOURCE, Browser, calls

import tiktok_events as tt

FLASK = """
import os
from decimal import Decimal

from flask import Flask, abort, redirect, render_template, request, url_for

import tiktok_events as tt
from tiktok_events_flask import TikTokEvents


def consent(request):                       # True, False or None (not asked yet)
    return {"yes": True, "no": False}.get(request.cookies.get("cookie_consent"))


app = Flask(__name__)
app.config.from_prefixed_env()              # FLASK_SECRET_KEY, FLASK_TIKTOK_PIXEL_CODE, FLASK_TIKTOK_ACCESS_TOKEN, ...
tiktok = TikTokEvents(app, consent=consent)


def purchase(order) -> tt.Event:            # what a purchase is, said once
    return tt.Event(
        "Purchase",
        key=order.number,                   # same order, same event_id: here, in the webhook, on the page
        event_time=order.paid_at,
        user={"email": order.email, "phone": order.phone, "external_id": order.customer_id},
        properties={
            "value": order.total,           # the order's own Decimal, not Stripe's cents
            "currency": order.currency,
            "order_id": order.number,
            "contents": [{"content_id": i.sku, "price": i.price, "quantity": i.quantity} for i in order.items],
        },
    )


@app.get("/products/<sku>")
def product(sku):
    product = db.product(sku)
    tiktok.track("ViewContent", properties={"value": product.price, "currency": "EUR", "contents": [{"content_id": sku, "price": product.price}]})
    return render_template("product.html", product=product)


@app.post("/checkout")
def checkout():
    order = db.create_order(request.form, tiktok_snapshot=tiktok.snapshot())      # who clicked what, for the webhook
    tiktok.track("InitiateCheckout", properties={"value": order.total, "currency": order.currency})
    session = db.stripe_session(order, success_url=url_for("thanks", token=order.token, _external=True))
    return redirect(session.url, code=303)


@app.post("/webhooks/stripe")
def stripe_webhook():
    event = stripe.Webhook.construct_event(request.data, request.headers["Stripe-Signature"], os.environ["STRIPE_WEBHOOK_SECRET"])
    if event.type == "checkout.session.completed" and event.data.object.payment_status == "paid":
        order = db.mark_paid(event.data.object.client_reference_id)
        tiktok.resume(order.tiktok_snapshot).track(purchase(order))             # the shopper's context, not Stripe's
    return "", 204


@app.get("/thanks/<token>")
def thanks(token):
    order = db.order_by_token(token) or abort(404)
    if order.paid_at:
        tiktok.track(purchase(order), server=False)                           # browser half only; same id
    return render_template("thanks.html", order=order)


@app.post("/consent")
def give_consent():
    tiktok.grant_consent()                                                    # cookies may be written from this response on
    response = redirect(request.referrer or "/")
    response.set_cookie("cookie_consent", "yes")
    return response
"""
BASE = (
    "<!doctype html><html><head>{{ tiktok.pixel() }}<title>{% block title %}Shop{% endblock %}</title></head>"
    "<body>{% block body %}{% endblock %}</body></html>"
)
FASTAPI = """
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, Request
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates

import tiktok_events as tt
from tiktok_events_starlette import TikTokEventsMiddleware, context_processor
from tiktok_events_starlette.fastapi import TrackerDep

site = tt.Site.from_env(consent=lambda request: {"yes": True, "no": False}.get(request.cookies.get("cookie_consent")))
app = FastAPI()
app.add_middleware(TikTokEventsMiddleware, site=site)        # also flushes at shutdown; no lifespan code
templates = Jinja2Templates(Path(__file__).parent / "templates", context_processors=[context_processor])


@app.get("/products/{sku}")
def product(request: Request, sku: str, tiktok: TrackerDep):
    tiktok.track("ViewContent", properties={"value": Decimal("23.00"), "currency": "EUR", "contents": [{"content_id": sku}]})
    return templates.TemplateResponse(request, "product.html", {"sku": sku})


@app.post("/newsletter")                                     # form, POST-redirect-GET
def newsletter(email: Annotated[str, Form()], tiktok: TrackerDep):
    tiktok.track("Subscribe", user={"email": email})
    return RedirectResponse("/welcome", status_code=303)     # the browser half renders on /welcome


@app.get("/welcome")
def welcome(request: Request):
    return templates.TemplateResponse(request, "product.html", {"sku": "welcome"})


@app.post("/api/cart")                                       # JSON for a SPA
async def add_to_cart(item: dict, tiktok: TrackerDep):
    tracked = tiktok.track("AddToCart", properties={"value": 23.0, "currency": "EUR", "contents": [{"content_id": item["sku"], "quantity": 1}]})
    return {"count": 1, "tiktok": tracked.payload}           # {"event": ..., "event_id": ..., "params": {...}} or null


@app.post("/cart")                                           # htmx fragment: nothing to do
def cart_fragment(request: Request, tiktok: TrackerDep):
    tiktok.track("AddToCart", properties={"value": 23.0, "currency": "EUR", "contents": [{"content_id": "sku-1", "quantity": 1}]})
    return templates.TemplateResponse(request, "_cart.html")
"""
PRODUCT = (
    "<!doctype html><html><head>{{ tiktok.pixel(nonce=request.state.csp_nonce if request.state.csp_nonce is defined "
    'else none) }}</head><body><h1>{{ sku }}</h1><button hx-post="/cart" hx-target="#cart">Add</button>'
    '<div id="cart"></div></body></html>'
)


class Orders:
    """The shop's database with one order, and the payment provider's session."""

    def __init__(self):
        self.order = None

    def product(self, sku):
        return N(sku=sku, price=Decimal("23.00"))

    def create_order(self, form, tiktok_snapshot):
        items = [N(sku="sku-1", price=Decimal("23.00"), quantity=2)]
        known = {"email": form.get("email"), "phone": form.get("phone"), "customer_id": None}
        amounts = {"total": Decimal("46.00"), "currency": "EUR", "items": items, "paid_at": None}
        self.order = N(number="1001", token="t0k", tiktok_snapshot=tiktok_snapshot, **known, **amounts)
        return self.order

    def stripe_session(self, order, success_url):
        return N(url="https://pay.example/session")

    def mark_paid(self, number):
        assert number == self.order.number
        from datetime import UTC, datetime

        self.order.paid_at = self.order.paid_at or datetime.now(UTC)
        return self.order

    def order_by_token(self, token):
        return self.order if self.order and token == self.order.token else None


def construct_event(payload, signature, secret):
    """A paid session, as Stripe's library returns it."""
    assert secret == os.environ["STRIPE_WEBHOOK_SECRET"]
    return N(type="checkout.session.completed", data=N(object=N(payment_status="paid", client_reference_id="1001")))


def typed(monkeypatch, source, folder, templates, **names):
    """The module with *source*, imported from *folder* with its templates."""
    (folder / "templates").mkdir()
    for name, text in templates.items():
        (folder / "templates" / name).write_text(text)
    path = folder / "main.py"
    path.write_text(source)
    module = types.ModuleType("typed_shop")
    monkeypatch.setitem(sys.modules, "typed_shop", module)
    module.__file__ = str(path)
    vars(module).update(names)
    exec(compile(source, str(path), "exec"), vars(module))
    return module


@pytest.fixture
def flask_shop(monkeypatch, tmp_path, sink):
    """A browser at the Flask quickstart, with consent granted."""
    pytest.importorskip("flask")
    pytest.importorskip("tiktok_events_flask")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_test")
    for name, value in {
        "SECRET_KEY": "a secret of sixteen or more",
        "TIKTOK_PIXEL_CODE": "C0EXAMPLE0EXAMPLE000",
        "TIKTOK_ACCESS_TOKEN": "token",
        "TIKTOK_ID_NAMESPACE": SOURCE.id_namespace,
    }.items():
        monkeypatch.setenv(f"FLASK_{name}", value)
    stripe = N(Webhook=N(construct_event=construct_event))
    page = "{% extends 'base.html' %}{% block body %}thanks{% endblock %}"
    pages = {"base.html": BASE, "product.html": page, "thanks.html": page}
    module = typed(monkeypatch, FLASK, tmp_path, pages, db=Orders(), stripe=stripe)
    object.__setattr__(module.tiktok.site, "client", sink)
    browser = Browser(module.app, is_asgi=False)
    browser.cookies.set("cookie_consent", "yes", domain="shop.example")
    yield browser
    browser.close()


def test_a_paid_order_is_one_purchase(flask_shop, sink):
    """The webhook comes twice and the page is reloaded: one id, the visitor's context, and the order's total."""
    flask_shop.get("/products/sku-1?ttclid=E.C.P.zzpii-click")
    flask_shop.post("/checkout", {"email": EMAIL, "phone": PHONE})
    webhook = {"stripe-signature": "x", "user-agent": "Stripe/1.0"}
    with_cookies = dict(flask_shop.cookies)
    flask_shop.cookies.clear()
    statuses = [flask_shop.post("/webhooks/stripe", headers=webhook).status_code for _ in range(2)]
    for name, value in with_cookies.items():
        flask_shop.cookies.set(name, value, domain="shop.example")
    page, again = flask_shop.get("/thanks/t0k"), flask_shop.get("/thanks/t0k")

    purchases = [event for event in sink.wire() if event["event"] == "Purchase"]
    assert statuses == [204, 204]
    (event_id,) = {event["event_id"] for event in purchases}
    assert event_id == tt.event_id("Purchase", "1001", namespace=SOURCE.id_namespace)
    assert {call["event_id"] for call in calls(page) + calls(again) if call["event"] == "Purchase"} == {event_id}
    assert purchases[0]["properties"]["value"] == 46.0
    assert purchases[0]["user"]["ttclid"] == "E.C.P.zzpii-click"
    assert purchases[0]["user"]["user_agent"] == AGENT
    assert purchases[0]["page"]["url"].startswith("https://shop.example/checkout")


def test_nothing_leaves_the_flask_shop_without_consent(flask_shop, sink):
    """Neither from the view, the webhook nor the page."""
    flask_shop.cookies.set("cookie_consent", "no", domain="shop.example")
    flask_shop.post("/checkout", {"email": EMAIL})
    flask_shop.post("/webhooks/stripe", headers={"stripe-signature": "x"})

    assert calls(flask_shop.get("/thanks/t0k")) == []
    assert sink.events == []


def test_the_banner_of_the_flask_shop(flask_shop, sink):
    """The response writes the cookies of the current landing page."""
    flask_shop.cookies.clear()
    landing = "https://shop.example/products/sku-1?ttclid=E.C.P.zzpii-click"
    flask_shop.get(landing)
    response = flask_shop.post("/consent", headers={**NAVIGATION, "referer": landing})

    assert sink.events == []
    assert "E.C.P.zzpii-click" in flask_shop.cookies["ttclid"]
    assert response.headers["location"] == landing


def test_the_fastapi_funnel(monkeypatch, tmp_path, sink):
    """A page, a form with its redirect, a JSON API and an htmx fragment: each call has its server event's id."""
    pytest.importorskip("fastapi")
    pytest.importorskip("python_multipart")
    pytest.importorskip("tiktok_events_starlette")
    for name in ("PIXEL_CODE", "ACCESS_TOKEN", "SECRET_KEY"):
        monkeypatch.setenv(f"TIKTOK_{name}", "C0EXAMPLE0EXAMPLE000")
    module = typed(monkeypatch, FASTAPI, tmp_path, {"product.html": PRODUCT, "_cart.html": "<p>1</p>"})
    object.__setattr__(module.site, "client", sink)
    browser = Browser(module.app, is_asgi=True)
    browser.cookies.set("cookie_consent", "yes", domain="shop.example")
    seen = calls(browser.get("/products/sku-1"))
    moved = browser.post("/newsletter", {"email": EMAIL})
    seen += calls(browser.get(moved.headers["location"]))
    api = browser.request("POST", "/api/cart", json={"sku": "sku-1"}, headers=FETCH)
    fragment = browser.post("/cart", headers={**FETCH, "hx-request": "true"})
    seen += [api.json()["tiktok"], *json.loads(fragment.headers["tiktok-events"])]
    browser.close()

    assert [call["event"] for call in seen] == ["ViewContent", "Subscribe", "AddToCart", "AddToCart"]
    assert [call["event_id"] for call in seen] == [event.event_id for event in sink.events]
    assert sink.wire()[1]["user"]["email"] == tt.User(email=EMAIL).email
