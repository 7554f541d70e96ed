"""A Flask shop that reports its whole funnel, both halves.

tiktok-events manager        # in another terminal, to watch
export TIKTOK_API_URL=http://127.0.0.1:8765/open_api/v1.3 TIKTOK_PIXEL_URL=http://127.0.0.1:8765/i18n/pixel/events.js
export TIKTOK_PIXEL_CODE=C0EXAMPLE0EXAMPLE000 TIKTOK_ACCESS_TOKEN=local
python examples/flask_shop/app.py
"""

import sys
from pathlib import Path

from flask import Flask, abort, redirect, render_template, request
from tiktok_events_flask import TikTokEvents

import tiktok_events as tt

sys.path.append(str(Path(__file__).parent.parent))
import shop

app = Flask(__name__, template_folder=shop.TEMPLATES, static_folder=shop.STATIC)
app.jinja_env.globals["manager"] = shop.manager()
app.secret_key = "example only: yours comes from a secret store"  # noqa: S105
app.config.from_prefixed_env()
tiktok = TikTokEvents(app, consent=tt.ConsentCookie("consent", granted={"yes"}, denied={"no"}))


@app.get("/")
def home():
    return render_template("home.html", products=shop.PRODUCTS)


@app.get("/products/<sku>")
def product(sku):
    found = shop.PRODUCTS.get(sku) or abort(404)
    tiktok.track("ViewContent", properties=shop.items(found))
    return render_template("product.html", product=found)


@app.post("/cart/<sku>")
def cart(sku):
    tiktok.track("AddToCart", properties=shop.items(shop.PRODUCTS.get(sku) or abort(404)))
    return redirect(f"/checkout/{sku}", 303)  # the browser's half renders there


@app.get("/checkout/<sku>")
def checkout(sku):
    found = shop.PRODUCTS.get(sku) or abort(404)
    tiktok.track("InitiateCheckout", properties=shop.items(found))
    return render_template("checkout.html", product=found)


@app.post("/checkout/<sku>")
def order(sku):
    made = shop.new_order(sku, request.form, snapshot=tiktok.snapshot())  # who it was, for the webhook
    return redirect(f"/pay/{made.number}", 303)


@app.get("/pay/<number>")
def pay(number):
    found = shop.ORDERS.get(number) or abort(404)
    return render_template("pay.html", order=found, signature=shop.signature(number))


@app.post("/webhook")
def webhook():
    paid = shop.paid_order(request.form) or abort(400)
    tiktok.resume(paid.snapshot).track(shop.purchase(paid))  # the shopper's context; a repeated webhook counts once
    return redirect(f"/thanks/{paid.number}", 303)


@app.get("/thanks/<number>")
def thanks(number):
    found = shop.ORDERS.get(number) or abort(404)
    if found.paid_at:
        tiktok.track(shop.purchase(found), server=False)  # the browser's half, with the webhook's id
    return render_template("thanks.html", order=found)


@app.get("/newsletter", defaults={"title": "Newsletter"})
@app.get("/contact", defaults={"title": "Contact"})
def form(title):
    return render_template("form.html", title=title)


@app.post("/newsletter", defaults={"event": "Subscribe"})
@app.post("/contact", defaults={"event": "Lead"})
def signed_up(event):
    tiktok.track(event, user={"email": request.form.get("email")})
    return redirect("/done", 303)


@app.get("/done")
def done():
    return render_template("done.html")


@app.post("/consent")
def consent():
    answer = "yes" if request.form.get("answer") == "yes" else "no"
    tiktok.grant_consent() if answer == "yes" else tiktok.revoke_consent()  # from this answer on
    response = redirect(request.referrer or "/", 303)
    response.set_cookie("consent", answer, max_age=180 * 86_400, samesite="Lax")
    return response


if __name__ == "__main__":
    app.run(port=8000)
