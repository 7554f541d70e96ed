"""Shops in frameworks without an adapter: `ASGIMiddleware` or `WSGIMiddleware`, and `TemplateVariable`."""

from typing import Any
from urllib.parse import parse_qsl

import views
from views import STATUS, TEMPLATES

from tiktok_events import web
from tiktok_events.web import TemplateVariable


def litestar(site: web.Site) -> Any:
    from jinja2 import DictLoader, Environment, select_autoescape
    from litestar import Litestar, MediaType, Request, Response, get, post
    from litestar.plugins.jinja import JinjaTemplateEngine
    from litestar.response import Redirect, Template
    from litestar.template import TemplateConfig

    def respond(tracker: web.Tracker, reply: views.Reply) -> Any:
        kind, content = reply
        if kind == "page":
            return Template(content, context={"tiktok": TemplateVariable(tracker)})
        if kind == "json":
            return Response(content, status_code=200, media_type=MediaType.JSON)
        if kind == "redirect":
            return Redirect(content, status_code=303)
        return Response(content, status_code=STATUS[kind])

    # Litestar reads annotations as objects, so this module has no `from __future__ import annotations`.
    @get("/{name:str}", media_type=MediaType.HTML)
    async def show(request: Request) -> Any:
        tracker = web.tracker_from(request.scope)
        return respond(tracker, views.GET[request.path_params["name"]](tracker, {}))

    @post("/{name:str}", media_type=MediaType.HTML)
    async def act(request: Request) -> Any:
        tracker = web.tracker_from(request.scope)
        form = dict(parse_qsl((await request.body()).decode()))
        return respond(tracker, views.POST[request.path_params["name"]](tracker, form))

    environment = Environment(loader=DictLoader(TEMPLATES), autoescape=select_autoescape())
    engine = JinjaTemplateEngine.from_environment(environment)
    app = Litestar([show, act], template_config=TemplateConfig(instance=engine), openapi_config=None)
    return web.ASGIMiddleware(app, site)


def quart(site: web.Site) -> Any:
    from jinja2 import DictLoader
    from quart import Quart, redirect, render_template, request

    app = Quart("shop")
    app.jinja_loader = DictLoader(TEMPLATES)
    app.asgi_app = web.ASGIMiddleware(app.asgi_app, site)

    async def respond(tracker: web.Tracker, reply: views.Reply) -> Any:
        kind, content = reply
        if kind == "page":
            return await render_template(content, tiktok=TemplateVariable(tracker))
        if kind == "json":
            return content
        return redirect(content, 303) if kind == "redirect" else (content, STATUS[kind])

    @app.get("/<name>")
    async def show(name):
        tracker = web.tracker_from(request.scope)
        return await respond(tracker, views.GET[name](tracker, {}))

    @app.post("/<name>")
    async def act(name):
        tracker = web.tracker_from(request.scope)
        return await respond(tracker, views.POST[name](tracker, dict(await request.form)))

    return app


def bottle(site: web.Site) -> Any:
    from bottle import Bottle, HTTPResponse, request, template

    app = Bottle()

    def respond(tracker: web.Tracker, reply: views.Reply) -> Any:
        kind, content = reply
        if kind == "page":
            # Bottle's templates do not use __html__: an exclamation mark turns escaping off.
            return template(
                TEMPLATES[content].replace("{{ tiktok.pixel", "{{! tiktok.pixel"), tiktok=TemplateVariable(tracker)
            )
        if kind == "json":
            return content
        if kind == "redirect":
            return HTTPResponse(status=303, location=content)
        return HTTPResponse(content, STATUS[kind])

    @app.get("/<name>")
    def show(name):
        tracker = web.tracker_from(request.environ)
        return respond(tracker, views.GET[name](tracker, {}))

    @app.post("/<name>")
    def act(name):
        tracker = web.tracker_from(request.environ)
        return respond(tracker, views.POST[name](tracker, request.forms.decode()))

    return web.WSGIMiddleware(app, site)
