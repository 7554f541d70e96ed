"""The same shop in every framework. Each function makes an app for a `Site`, as the framework's documentation does."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import plain_class_apps
import views
from views import STATUS, TEMPLATES

from tiktok_events import web
from tiktok_events.web import TemplateVariable


def rendered(tracker: web.Tracker, name: str) -> str:
    """A page without a template engine."""
    html = TEMPLATES[name].replace("{{ tiktok.consent }}", TemplateVariable(tracker).consent)
    while "{{ tiktok.pixel() }}" in html:
        html = html.replace("{{ tiktok.pixel() }}", str(TemplateVariable(tracker).pixel()), 1)
    return html


def plain_answer(tracker: web.Tracker, method: str, path: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
    """The response of a plain app: status, headers, body."""
    form = dict(parse_qsl(body.decode()))
    kind, content = (views.GET if method == "GET" else views.POST)[path.strip("/")](tracker, form)
    if kind == "redirect":
        return 303, [("location", content)], b""
    if kind == "json":
        return 200, [("content-type", "application/json")], json.dumps(content).encode()
    html = rendered(tracker, content) if kind == "page" else content
    return STATUS[kind], [("content-type", "text/html; charset=utf-8")], html.encode()


def asgi(site: web.Site) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        status, headers, content = plain_answer(web.tracker_from(scope), scope["method"], scope["path"], body)
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": content})

    return web.ASGIMiddleware(app, site)


def wsgi(site: web.Site) -> Any:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        body = environ["wsgi.input"].read() if environ["REQUEST_METHOD"] == "POST" else b""
        tracker = web.tracker_from(environ)
        status, headers, content = plain_answer(tracker, environ["REQUEST_METHOD"], environ["PATH_INFO"], body)
        start_response(f"{status} .", headers)
        return [content]

    return web.WSGIMiddleware(app, site)


def starlette(site: web.Site) -> Any:
    from jinja2 import DictLoader, Environment, select_autoescape
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
    from starlette.routing import Route
    from starlette.templating import Jinja2Templates
    from tiktok_events_starlette import TikTokEventsMiddleware, context_processor

    environment = Environment(loader=DictLoader(TEMPLATES), autoescape=select_autoescape())
    templates = Jinja2Templates(env=environment, context_processors=[context_processor])

    def endpoint(view: Callable[..., views.Reply]) -> Any:
        async def answer(request: Request) -> Response:
            form = dict(parse_qsl((await request.body()).decode()))
            kind, content = view(request.state.tiktok, form)
            if kind == "page":
                return templates.TemplateResponse(request, content)
            if kind == "json":
                return JSONResponse(content)
            return RedirectResponse(content, 303) if kind == "redirect" else HTMLResponse(content, STATUS[kind])

        return answer

    routes = [Route(f"/{name}", endpoint(view), methods=["GET"]) for name, view in views.GET.items()]
    routes += [Route(f"/{name}", endpoint(view), methods=["POST"]) for name, view in views.POST.items()]
    app = Starlette(routes=routes)
    app.add_middleware(TikTokEventsMiddleware, site=site)
    return app


def fastapi(site: web.Site) -> Any:
    from fastapi import FastAPI, Request
    from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
    from fastapi.templating import Jinja2Templates
    from jinja2 import DictLoader, Environment, select_autoescape
    from tiktok_events_starlette import TikTokEventsMiddleware, context_processor
    from tiktok_events_starlette.fastapi import TrackerDep

    environment = Environment(loader=DictLoader(TEMPLATES), autoescape=select_autoescape())
    templates = Jinja2Templates(env=environment, context_processors=[context_processor])
    app = FastAPI()
    app.add_middleware(TikTokEventsMiddleware, site=site)

    def respond(request: Request, reply: views.Reply) -> Response:
        kind, content = reply
        if kind == "page":
            return templates.TemplateResponse(request, content)
        if kind == "json":
            return JSONResponse(content)
        return RedirectResponse(content, 303) if kind == "redirect" else HTMLResponse(content, STATUS[kind])

    @app.get("/{name}")
    def get(request: Request, name: str, tiktok: TrackerDep):
        return respond(request, views.GET[name](tiktok, {}))

    @app.post("/{name}")
    async def post(request: Request, name: str, tiktok: TrackerDep):
        form = dict(parse_qsl((await request.body()).decode()))
        return respond(request, views.POST[name](tiktok, form))

    return app


def flask(site: web.Site) -> Any:
    from flask import Flask, make_response, redirect, render_template, request
    from jinja2 import DictLoader
    from tiktok_events_flask import TikTokEvents

    app = Flask("shop")
    app.jinja_loader = DictLoader(TEMPLATES)  # type: ignore[assignment]
    tiktok = TikTokEvents(app, site)

    def respond(reply: views.Reply) -> Any:
        kind, content = reply
        if kind == "page":
            return render_template(content)
        if kind == "json":
            return content
        return redirect(content, 303) if kind == "redirect" else make_response(content, STATUS[kind])

    @app.get("/<name>")
    def get(name):
        return respond(views.GET[name](tiktok, {}))

    @app.post("/<name>")
    def post(name):
        return respond(views.POST[name](tiktok, request.form))

    return app


class Shop(NamedTuple):
    """A framework's shop: how to make it, the modules it needs, and how it differs.

    `native` is the package of the request that callables get; with `has_error_page` the framework handles exceptions.
    """

    make: Callable[[web.Site], Any]
    needs: tuple[str, ...] = ()
    native: str = "tiktok_events"
    is_asgi: bool = True
    has_error_page: bool = False

    @property
    def missing(self) -> list[str]:
        """The needed modules that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]


SHOPS = {
    "asgi": Shop(asgi),
    "wsgi": Shop(wsgi, is_asgi=False),
    "starlette": Shop(starlette, ("starlette", "jinja2", "tiktok_events_starlette"), native="starlette"),
    "fastapi": Shop(fastapi, ("fastapi", "jinja2", "tiktok_events_starlette"), native="starlette"),
    "flask": Shop(flask, ("flask", "tiktok_events_flask"), native="flask", is_asgi=False, has_error_page=True),
    "litestar": Shop(plain_class_apps.litestar, ("litestar", "jinja2"), has_error_page=True),
    "quart": Shop(plain_class_apps.quart, ("quart",), has_error_page=True),
    "bottle": Shop(plain_class_apps.bottle, ("bottle",), is_asgi=False),
}
"""The frameworks of the contract. Another needs a line here and one in noxfile.py."""
