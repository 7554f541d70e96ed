"""A Starlette shop that reports its whole funnel, both halves.

tiktok-events manager        # in another terminal, to watch
export TIKTOK_API_URL=http://127.0.0.1:8765/open_api/v1.3 TIKTOK_PIXEL_URL=http://127.0.0.1:8765/i18n/pixel/events.js
export TIKTOK_PIXEL_CODE=C0EXAMPLE0EXAMPLE000 TIKTOK_ACCESS_TOKEN=local
python examples/starlette_shop/app.py
"""

import sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from tiktok_events_starlette import TikTokEventsMiddleware

sys.path.append(str(Path(__file__).parent.parent))
import shop
from starlette_site import found, make_site, make_templates

site, templates = make_site(), make_templates()


async def home(request):
    return templates.TemplateResponse(request, "home.html", {"products": shop.PRODUCTS})


async def product(request):
    one = found(shop.PRODUCTS, request.path_params["sku"])
    request.state.tiktok.track("ViewContent", properties=shop.items(one))
    return templates.TemplateResponse(request, "product.html", {"product": one})


async def cart(request):
    one = found(shop.PRODUCTS, request.path_params["sku"])
    request.state.tiktok.track("AddToCart", properties=shop.items(one))
    return RedirectResponse(f"/checkout/{one.sku}", 303)  # the browser's half renders there


async def checkout(request):
    one = found(shop.PRODUCTS, request.path_params["sku"])
    request.state.tiktok.track("InitiateCheckout", properties=shop.items(one))
    return templates.TemplateResponse(request, "checkout.html", {"product": one})


async def order(request):
    snapshot = request.state.tiktok.snapshot()  # who it was, for the webhook
    async with request.form() as form:
        made = shop.new_order(request.path_params["sku"], form, snapshot)
    return RedirectResponse(f"/pay/{made.number}", 303)


async def pay(request):
    one = found(shop.ORDERS, request.path_params["number"])
    return templates.TemplateResponse(request, "pay.html", {"order": one, "signature": shop.signature(one.number)})


async def webhook(request):
    paid = shop.paid_order(await request.form())
    if paid is None:
        raise HTTPException(400)
    site.resume(paid.snapshot).track(shop.purchase(paid))  # the shopper's context; a repeated webhook counts once
    return RedirectResponse(f"/thanks/{paid.number}", 303)


async def thanks(request):
    one = found(shop.ORDERS, request.path_params["number"])
    if one.paid_at:
        request.state.tiktok.track(shop.purchase(one), server=False)  # the browser's half, with the webhook's id
    return templates.TemplateResponse(request, "thanks.html", {"order": one})


async def form(request):
    return templates.TemplateResponse(request, "form.html", {"title": request.url.path.strip("/").title()})


async def signed_up(request):
    event = {"/newsletter": "Subscribe", "/contact": "Lead"}[request.url.path]
    request.state.tiktok.track(event, user={"email": (await request.form()).get("email")})
    return RedirectResponse("/done", 303)


async def done(request):
    return templates.TemplateResponse(request, "done.html")


async def consent(request):
    answer = "yes" if (await request.form()).get("answer") == "yes" else "no"
    tiktok = request.state.tiktok
    tiktok.grant_consent() if answer == "yes" else tiktok.revoke_consent()  # from this answer on
    response = RedirectResponse(request.headers.get("referer", "/"), 303)
    response.set_cookie("consent", answer, max_age=180 * 86_400)
    return response


app = Starlette(
    routes=[
        Route("/", home),
        Route("/products/{sku}", product),
        Route("/cart/{sku}", cart, methods=["POST"]),
        Route("/checkout/{sku}", checkout, methods=["GET"]),
        Route("/checkout/{sku}", order, methods=["POST"]),
        Route("/pay/{number}", pay),
        Route("/webhook", webhook, methods=["POST"]),
        Route("/thanks/{number}", thanks),
        *(Route(path, form, methods=["GET"]) for path in ("/newsletter", "/contact")),
        *(Route(path, signed_up, methods=["POST"]) for path in ("/newsletter", "/contact")),
        Route("/done", done),
        Route("/consent", consent, methods=["POST"]),
        Mount("/static", StaticFiles(directory=shop.STATIC)),
    ],
    middleware=[Middleware(TikTokEventsMiddleware, site=site)],
)

if __name__ == "__main__":
    import uvicorn

    uvicorn.run(app, port=8000)
