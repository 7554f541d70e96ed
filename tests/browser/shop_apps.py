"""A small shop in Flask and in Starlette. Both share the views; each app follows its framework's documentation."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from serving import asgi_served, wsgi_served

import tiktok_events as tt
from tiktok_events import web
from tiktok_events.web import TemplateVariable

EMAIL = "zzpii.ada@example.com"
PAGE = """<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>shop</title>
{{ tiktok.pixel() }}</head><body><h1>{{ title }}</h1>
{% for path in ("checkout", "newsletter", "contact", "yes", "no") %}
<form id="{{ path }}" method="post" action="/{{ path }}"><input name="email"><button>{{ path }}</button></form>
{% endfor %}<div id="answer"></div></body></html>"""
MONEY = {"value": 23.5, "currency": "EUR", "contents": [{"content_id": "sku-1", "price": 23.5, "quantity": 1}]}
Reply = tuple[str, Any]


class Orders:
    """The views of the shop, without a framework: each returns a reply for the request's tracker."""

    def __init__(self, site: web.Site) -> None:
        self.site = site
        self.snapshots: dict[str, str] = {}
        self.paid_at: dict[str, datetime] = {}

    def get(self, tiktok: Any, path: str) -> Reply:
        """Reply to a GET: a page or a redirect."""
        name, _, number = path.strip("/").partition("/")
        if name == "go":
            return "redirect", "/product"
        if name == "product":
            tiktok.track("ViewContent", properties=MONEY)
        if name == "thanks":
            tiktok.track(self.purchase(number), server=False)
        return "page", name

    def post(self, tiktok: Any, path: str, form: dict[str, str]) -> Reply:
        """Reply to a form or to the payment provider."""
        name, _, number = path.strip("/").partition("/")
        user = {"email": form.get("email")}
        if name == "cart":
            return "json", tiktok.track("AddToCart", properties=MONEY).payload
        if name == "checkout":
            tiktok.track("InitiateCheckout", user=user, properties=MONEY)
            self.snapshots["1001"] = tiktok.snapshot()
            return "redirect", "/pay"
        if name == "fragment":
            tiktok.track("AddToCart", properties=MONEY)  # the payload is not read, so the call goes into the header
            return "fragment", "<p>in the cart</p>"
        if name == "newsletter":
            tiktok.track("Subscribe", user=user)
            return "redirect", "/welcome"
        if name == "contact":
            tiktok.track("Lead", user=user)
            return "page", "contact"
        if name == "webhook":
            self.paid_at.setdefault(number, datetime.fromtimestamp(self.site.clock(), UTC))
            self.site.resume(self.snapshots[number]).track(self.purchase(number))
            return "json", None
        (tiktok.grant_consent if name == "yes" else tiktok.revoke_consent)()
        return "consent", name

    def purchase(self, number: str) -> tt.Event:
        """The purchase event of an order; the view, the webhook and the page share it."""
        properties = {**MONEY, "order_id": number}
        paid_at = self.paid_at.get(number) or int(self.site.clock())
        return tt.Event("Purchase", key=number, event_time=paid_at, user={"email": EMAIL}, properties=properties)


def policy(variable: TemplateVariable, nonce: str, kind: str) -> str:
    """A strict Content-Security-Policy for the pixel. Only *kind* "hosts" names hosts for scripts."""
    directives = {
        "default-src": ["'none'"],
        "base-uri": ["'none'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
    }
    directives |= {"script-src": [f"'nonce-{nonce}'"], "img-src": ["data:"]}
    for directive, hosts in variable.csp_sources().items():
        directives.setdefault(directive, []).extend(hosts)
    if kind != "hosts":
        directives["script-src"] = [f"'nonce-{nonce}'", *(["'strict-dynamic'"] if kind == "strict-dynamic" else [])]
    return "; ".join(" ".join([directive, *hosts]) for directive, hosts in directives.items())


@contextmanager
def flask_shop(site: web.Site, *, csp: str) -> Iterator[str]:
    """Serve the shop in Flask with werkzeug; yields its URL."""
    from flask import Flask, g, jsonify, make_response, redirect, render_template_string, request
    from tiktok_events_flask import TikTokEvents

    app = Flask("shop")
    tiktok = TikTokEvents(app, site)
    orders = Orders(site)

    @app.before_request
    def nonce() -> None:
        g.nonce = secrets.token_urlsafe(16)

    @app.route("/", defaults={"path": "home"}, methods=["GET"])
    @app.route("/<path:path>", methods=["GET", "POST"])
    def answer(path: str) -> Any:
        is_post = request.method == "POST"
        kind, content = orders.post(tiktok, path, request.form) if is_post else orders.get(tiktok, path)
        if kind == "json":
            return jsonify(content)
        if kind == "fragment":
            return make_response(content)
        if kind == "redirect":
            return redirect(content, 303)
        if kind == "consent":
            response = redirect(request.referrer or "/", 303)
            response.set_cookie("shop_consent", content, samesite="Lax")
            return response
        response = make_response(render_template_string(PAGE, title=content))
        if csp:
            response.headers["Content-Security-Policy"] = policy(TemplateVariable(tiktok.tracker), g.nonce, csp)
        return response

    with wsgi_served(app) as url:
        yield url


def flask_nonce(_request: Any) -> str:
    """The nonce of the current request."""
    from flask import g

    return str(g.nonce)


@contextmanager
def starlette_shop(site: web.Site, *, csp: str) -> Iterator[str]:
    """Serve the shop in Starlette with uvicorn; yields its URL."""
    from jinja2 import DictLoader, Environment, select_autoescape
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
    from starlette.routing import Route
    from starlette.templating import Jinja2Templates
    from tiktok_events_starlette import TikTokEventsMiddleware, context_processor, tracker_from

    environment = Environment(loader=DictLoader({"page.html": PAGE}), autoescape=select_autoescape())
    templates = Jinja2Templates(env=environment, context_processors=[context_processor])
    orders = Orders(site)

    async def answer(request: Request) -> Response:
        tiktok, path = tracker_from(request), request.path_params["path"] or "home"
        request.state.nonce = secrets.token_urlsafe(16)
        form = dict(parse_qsl((await request.body()).decode()))
        kind, content = orders.post(tiktok, path, form) if request.method == "POST" else orders.get(tiktok, path)
        if kind == "json":
            return JSONResponse(content)
        if kind == "fragment":
            return HTMLResponse(content)
        if kind == "redirect":
            return RedirectResponse(content, 303)
        if kind == "consent":
            response: Response = RedirectResponse(request.headers.get("referer", "/"), 303)
            response.set_cookie("shop_consent", content, samesite="lax")
            return response
        response = templates.TemplateResponse(request, "page.html", {"title": content})
        if csp:
            response.headers["Content-Security-Policy"] = policy(TemplateVariable(tiktok), request.state.nonce, csp)
        return response

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    app.add_middleware(TikTokEventsMiddleware, site=site)
    with asgi_served(app) as url:
        yield url


def starlette_nonce(request: Any) -> str:
    """The nonce of *request*."""
    return str(request.state.nonce)


SHOPS: dict[str, tuple[Callable[..., Any], Callable[[Any], str]]] = {
    "flask": (flask_shop, flask_nonce),
    "starlette": (starlette_shop, starlette_nonce),
}
