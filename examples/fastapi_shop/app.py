"""A FastAPI shop that reports its whole funnel, both halves.

tiktok-events manager        # in another terminal, to watch
export TIKTOK_API_URL=http://127.0.0.1:8765/open_api/v1.3 TIKTOK_PIXEL_URL=http://127.0.0.1:8765/i18n/pixel/events.js
export TIKTOK_PIXEL_CODE=C0EXAMPLE0EXAMPLE000 TIKTOK_ACCESS_TOKEN=local
python examples/fastapi_shop/app.py
"""

import sys
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from tiktok_events_starlette import TikTokEventsMiddleware
from tiktok_events_starlette.fastapi import TrackerDep

sys.path.append(str(Path(__file__).parent.parent))
import shop
from starlette_site import found, make_site, make_templates

site, templates = make_site(), make_templates()

app = FastAPI()
app.add_middleware(TikTokEventsMiddleware, site=site)
app.mount("/static", StaticFiles(directory=shop.STATIC))
Text = Annotated[str, Form()]


@app.get("/")
def home(request: Request):
    return templates.TemplateResponse(request, "home.html", {"products": shop.PRODUCTS})


@app.get("/products/{sku}")
def product(request: Request, sku: str, tiktok: TrackerDep):
    one = found(shop.PRODUCTS, sku)
    tiktok.track("ViewContent", properties=shop.items(one))
    return templates.TemplateResponse(request, "product.html", {"product": one})


@app.post("/cart/{sku}")
def cart(sku: str, tiktok: TrackerDep):
    tiktok.track("AddToCart", properties=shop.items(found(shop.PRODUCTS, sku)))
    return RedirectResponse(f"/checkout/{sku}", 303)  # the browser's half renders there


@app.get("/checkout/{sku}")
def checkout(request: Request, sku: str, tiktok: TrackerDep):
    one = found(shop.PRODUCTS, sku)
    tiktok.track("InitiateCheckout", properties=shop.items(one))
    return templates.TemplateResponse(request, "checkout.html", {"product": one})


@app.post("/checkout/{sku}")
async def order(request: Request, sku: str, tiktok: TrackerDep):
    async with request.form() as form:
        made = shop.new_order(sku, form, tiktok.snapshot())  # who it was, for the webhook
    return RedirectResponse(f"/pay/{made.number}", 303)


@app.get("/pay/{number}")
def pay(request: Request, number: str):
    one = found(shop.ORDERS, number)
    return templates.TemplateResponse(request, "pay.html", {"order": one, "signature": shop.signature(number)})


@app.post("/webhook")
def webhook(order: Text, signature: Text):
    paid = shop.paid_order({"order": order, "signature": signature})
    if paid is None:
        raise HTTPException(400)
    site.resume(paid.snapshot).track(shop.purchase(paid))  # the shopper's context; a repeated webhook counts once
    return RedirectResponse(f"/thanks/{paid.number}", 303)


@app.get("/thanks/{number}")
def thanks(request: Request, number: str, tiktok: TrackerDep):
    one = found(shop.ORDERS, number)
    if one.paid_at:
        tiktok.track(shop.purchase(one), server=False)  # the browser's half, with the webhook's id
    return templates.TemplateResponse(request, "thanks.html", {"order": one})


@app.get("/newsletter")
@app.get("/contact")
def form(request: Request):
    return templates.TemplateResponse(request, "form.html", {"title": request.url.path.strip("/").title()})


@app.post("/newsletter")
def subscribe(tiktok: TrackerDep, email: Text = ""):
    tiktok.track("Subscribe", user={"email": email})
    return RedirectResponse("/done", 303)


@app.post("/contact")
def contact(tiktok: TrackerDep, email: Text = ""):
    tiktok.track("Lead", user={"email": email})
    return RedirectResponse("/done", 303)


@app.get("/done")
def done(request: Request):
    return templates.TemplateResponse(request, "done.html")


@app.post("/consent")
def consent(request: Request, tiktok: TrackerDep, answer: Text = "no"):
    tiktok.grant_consent() if answer == "yes" else tiktok.revoke_consent()  # from this answer on
    response = RedirectResponse(request.headers.get("referer", "/"), 303)
    response.set_cookie("consent", "yes" if answer == "yes" else "no", max_age=180 * 86_400)
    return response


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=8000)
