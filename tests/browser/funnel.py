"""A small shop in Flask and in Starlette on a real socket, and a shopper who walks through it in a real browser."""

from __future__ import annotations

import importlib.util
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx

import tiktok_events as tt
from tiktok_events import web

PIXEL, TOKEN, SECRET = "C0EXAMPLE0EXAMPLE000", "local", "a secret of sixteen or more"
EMAIL, CLICK = "zzpii.ada@example.com", "E.C.P.zzpii-click"
FUNNEL = ("ViewContent", "AddToCart", "InitiateCheckout", "Purchase", "Lead", "Subscribe")
# Headless Chromium says so in its name, and is taken for the program it is.
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
BARRIER = "Search"
PATIENCE = 5.0
PAGE = """<!doctype html><html><head><meta charset="utf-8"><link rel="icon" href="data:,"><title>shop</title>
{{ tiktok.pixel() }}</head><body><h1>{{ title }}</h1>
{% for path in ("cart", "checkout", "newsletter", "contact", "yes", "no") %}
<form id="{{ path }}" method="post" action="/{{ path }}"><input name="email" value=""></form>
{% endfor %}</body></html>"""
MONEY = {"value": 23.5, "currency": "EUR", "contents": [{"content_id": "sku-1", "price": 23.5, "quantity": 1}]}
Reply = tuple[str, Any]


class Delivery:
    """What a site sends to: the client every shop has, and the test sees what it was given.

    With *held* nothing leaves before `deliver`, as when a worker is down.
    """

    def __init__(self, *, held: bool = False) -> None:
        self.events: list[tt.Event] = []
        self.client = tt.Client(tt.EventSource.web(PIXEL, TOKEN))
        self.outbox = tt.MemoryOutbox()
        self.held = held
        self.background = tt.BackgroundClient(self.client, self.outbox, deliver=not held)

    def track(self, *events: tt.Event) -> int:
        """Keep and pass on."""
        self.events += events
        return self.background.track(*events)

    def deliver(self) -> None:
        """See that all of it has arrived."""
        if self.held:
            tt.Worker(self.outbox, self.client).drain_once()
            assert self.outbox.depth() == 0
        else:
            assert self.background.flush(PATIENCE) == 0

    def close(self) -> None:
        """For good."""
        self.background.close(PATIENCE)
        self.client.close()


class Orders:
    """The shop itself, of no framework: what a view answers, given the request's tracker."""

    def __init__(self, site: web.Site) -> None:
        self.site = site
        self.snapshots: dict[str, str] = {}

    def get(self, tiktok: Any, path: str) -> Reply:
        """A page, or where it moved to."""
        name, _, number = path.strip("/").partition("/")
        if name == "go":
            return "redirect", "/product"
        if name == "product":
            tiktok.track("ViewContent", properties=MONEY)
        if name == "thanks":
            tiktok.track(self.purchase(number), server=False)
        return "page", name

    def post(self, tiktok: Any, path: str, form: dict[str, str]) -> Reply:
        """What a form or a payment provider sends."""
        name, _, number = path.strip("/").partition("/")
        user = {"email": form.get("email")}
        if name == "cart":
            return "json", tiktok.track("AddToCart", properties=MONEY).payload
        if name == "checkout":
            tiktok.track("InitiateCheckout", user=user, properties=MONEY)
            self.snapshots["1001"] = tiktok.snapshot()
            return "redirect", "/pay"
        if name == "newsletter":
            tiktok.track("Subscribe", user=user)
            return "redirect", "/welcome"
        if name == "contact":
            tiktok.track("Lead", user=user)
            return "page", "contact"
        if name == "webhook":
            self.site.resume(self.snapshots[number]).track(self.purchase(number))
            return "json", None
        (tiktok.grant_consent if name == "yes" else tiktok.revoke_consent)()
        return "consent", name

    def purchase(self, number: str) -> tt.Event:
        """What a purchase is, said once."""
        return tt.Event("Purchase", key=number, user={"email": EMAIL}, properties={**MONEY, "order_id": number})


def policy(face: Any, nonce: str) -> str:
    """A strict Content-Security-Policy with what the pixel needs."""
    told = {"default-src": ["'none'"], "base-uri": ["'none'"], "connect-src": ["'self'"], "form-action": ["'self'"]}
    told |= {"script-src": [f"'nonce-{nonce}'"], "img-src": ["data:"]}
    for directive, hosts in face.csp_sources().items():
        told.setdefault(directive, []).extend(hosts)
    return "; ".join(" ".join([directive, *hosts]) for directive, hosts in told.items())


@contextmanager
def wsgi_served(app: Any) -> Iterator[str]:
    """*app* behind werkzeug on a free port; its address."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *args: Any, **kwargs: Any) -> None:
            """Say nothing: addresses hold click ids."""

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def asgi_served(app: Any) -> Iterator[str]:
    """*app* behind uvicorn on a free port; its address."""
    import uvicorn

    settings: dict[str, Any] = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", ws="none", loop="asyncio", http="h11", **settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


@contextmanager
def example(name: str) -> Iterator[tuple[str, web.Site]]:
    """A shop of `examples/` as it stands, served; its address and its site."""
    before = list(sys.path)
    path = Path(__file__).parents[2] / "examples" / f"{name}_shop" / "app.py"
    spec = importlib.util.spec_from_file_location(f"funnel_{name}_shop", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        site = module.site if name == "starlette" else module.tiktok.site
        with (asgi_served if name == "starlette" else wsgi_served)(module.app) as url:
            yield url, site
            site.close()
    finally:
        sys.path[:] = before


@contextmanager
def flask_shop(site: web.Site, *, csp: bool) -> Iterator[str]:
    """The shop in Flask, served by werkzeug; its address."""
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
        if kind == "redirect":
            return redirect(content, 303)
        if kind == "consent":
            response = redirect(request.referrer or "/", 303)
            response.set_cookie("shop_consent", content, samesite="Lax")
            return response
        response = make_response(render_template_string(PAGE, title=content))
        if csp:
            response.headers["Content-Security-Policy"] = policy(tiktok.tracker.face, g.nonce)
        return response

    with wsgi_served(app) as url:
        yield url


def flask_nonce(_request: Any) -> str:
    """The nonce of the current request."""
    from flask import g

    return str(g.nonce)


@contextmanager
def starlette_shop(site: web.Site, *, csp: bool) -> Iterator[str]:
    """The shop in Starlette, served by uvicorn; its address."""
    from jinja2 import DictLoader, Environment, select_autoescape
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, RedirectResponse, Response
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
        if kind == "redirect":
            return RedirectResponse(content, 303)
        if kind == "consent":
            response: Response = RedirectResponse(request.headers.get("referer", "/"), 303)
            response.set_cookie("shop_consent", content, samesite="lax")
            return response
        response = templates.TemplateResponse(request, "page.html", {"title": content})
        if csp:
            response.headers["Content-Security-Policy"] = policy(tiktok.face, request.state.nonce)
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


class Shopper:
    """One visitor's browser at the shop, and what the manager has heard of it."""

    def __init__(self, context: Any, url: str, manager: Any, delivery: Any) -> None:
        self.context, self.url, self.manager, self.delivery = context, url, manager, delivery
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.has_pixel = True
        context.on("request", lambda request: self.asked.append(request.url))
        context.on("weberror", lambda error: self.wrong.append(str(error.error)))
        context.on("console", self._hears)
        self.page = context.new_page()

    def _hears(self, said: Any) -> None:
        if said.type == "error" and not said.location["url"].endswith("/favicon.ico"):  # the examples have none
            self.wrong.append(f"{said.text} {said.location['url'].partition('?')[0]}")

    def blocks_the_pixel(self) -> None:
        """As an ad blocker does."""
        self.has_pixel = False
        self.context.route("**/events.js*", lambda route: route.abort())

    def new_tab(self) -> None:
        """The same browser, another tab: the cookies are there, the tab's own storage is not."""
        self.page = self.context.new_page()

    def goes(self, path: str) -> None:
        """Open a page and wait for its events."""
        self.page.goto(self.url + path)
        self.settles()

    def submits(self, form: str, email: str = "") -> None:
        """Send a form, as a person does, and wait for the events of the page it leads to."""
        fill = "([id, email]) => { const form = document.getElementById(id); form.email.value = email; form.submit(); }"
        with self.page.expect_navigation():
            self.page.evaluate(fill, [form, email])
        self.settles()

    def clicks(self, selector: str, email: str = "") -> None:
        """Press a button, with the form's address filled in, and wait for the events of the page it leads to."""
        if email:
            self.page.fill("input[name=email]", email)
        with self.page.expect_navigation():
            self.page.click(selector)
        self.settles()

    def adds_to_cart(self) -> None:
        """By fetch: the answer says what the page reports."""
        self.page.evaluate(
            """async () => { const answer = await fetch("/cart", {method: "POST"});
            const told = await answer.json(); if (told && window.tiktokEvents) tiktokEvents.fire(told); }"""
        )
        self.settles()

    def is_paid(self, times: int = 1) -> None:
        """The payment provider tells the shop, with no cookie of the visitor's."""
        for _ in range(times):
            answer = httpx.post(f"{self.url}/webhook/1001", headers={"user-agent": "Stripe/1.0"}, trust_env=False)
            assert answer.status_code == 200

    def buys(self) -> None:
        """Check out, pay, be thanked."""
        self.submits("checkout", EMAIL)
        self.is_paid()
        self.goes("/thanks/1001")

    def walks(self, landing: str = "/product") -> None:
        """The whole funnel: each of its events happens once."""
        self.goes(landing)
        self.adds_to_cart()
        self.buys()
        self.submits("contact", EMAIL)
        self.submits("newsletter", EMAIL)

    def settles(self) -> None:
        """Wait until the manager has what the page reports. The pixel reports in order, so one more event tells."""
        if not self.has_pixel:
            return
        self.page.wait_for_function("() => window.ttq && window.ttq._standIn", timeout=PATIENCE * 1000)
        before = self.heard(BARRIER)
        self.page.evaluate(f"ttq.track('{BARRIER}')")
        self.wait(lambda: self.heard(BARRIER) > before)

    def wait(self, is_so: Callable[[], bool]) -> None:
        """Until *is_so*, but not for ever."""
        end = time.monotonic() + PATIENCE
        while not is_so():
            assert time.monotonic() < end, "it did not come"
            self.page.wait_for_timeout(5)

    def heard(self, name: str, figure: str = "conversions") -> int:
        """One figure of an event in the manager's summary."""
        return next((one[figure] for one in self.manager.summary()["events"] if one["event"] == name), 0)

    def counted(self, figure: str = "conversions") -> dict[str, int]:
        """That figure of all the funnel's events that have it."""
        return {name: many for name in FUNNEL if (many := self.heard(name, figure))}

    def cookies(self) -> set[str]:
        """The names of what the browser holds."""
        return {cookie["name"] for cookie in self.context.cookies()}

    def turns_clock(self, seconds: float) -> None:
        """Let *seconds* pass for the manager."""
        url = self.manager.url
        headers = {"origin": url}
        answer = httpx.post(f"{url}/api/clock", json={"advance": seconds}, headers=headers, trust_env=False)
        assert answer.status_code == 200

    def server_copy(self, name: str) -> dict[str, Any]:
        """The one server event of that name, as the manager shows it."""
        (found,) = [one for one in self.manager.events() if (one["event"], one["channel"]) == (name, "server")]
        return dict(found)
