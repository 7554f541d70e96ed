"""Starlette and FastAPI only: request.state, context processor, dependency, lifespan."""

import asyncio
import contextlib
import gc
import weakref

import pytest
from marker_hook import raises
from visitor import Browser, calls

pytest.importorskip("starlette")
pytest.importorskip("jinja2")
pytest.importorskip("tiktok_events_starlette")

from jinja2 import DictLoader, Environment
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from tiktok_events_starlette import TikTokEventsMiddleware, context_processor, tracker_from

import tiktok_events as tt
from tiktok_events.web import Tracker


def app_of(site, endpoint, **options):
    """An app with one page."""
    return Starlette(
        routes=[Route("/", endpoint)], middleware=[Middleware(TikTokEventsMiddleware, site=site)], **options
    )


@pytest.fixture
def visit_app():
    """A function that opens a browser at an app; it is closed after the test."""
    with contextlib.ExitStack() as opened:

        def visit(app):
            browser = Browser(app, is_asgi=True)
            opened.callback(browser.close)
            return browser

        yield visit


def test_the_tracker_is_on_the_requests_state(make_site, visit_app):
    """Under the name of the template variable; `tracker_from` returns it."""
    seen = []

    async def endpoint(request: Request):
        seen.append((request.state.tiktok, tracker_from(request)))
        return PlainTextResponse("ok")

    visit_app(app_of(make_site(), endpoint)).get("/")

    ((state, found),) = seen
    assert state is found
    assert isinstance(found, Tracker)


def test_a_missing_middleware_is_named():
    """The error has the line to add."""
    request = Request({"type": "http", "headers": []})
    for ask in (tracker_from, context_processor):
        with raises(tt.ConfigurationError, match=r"app\.add_middleware\(TikTokEventsMiddleware, site=site\)"):
            ask(request)


@pytest.mark.parametrize(
    ("debug", "strict", "raised"), [(True, None, True), (False, None, False), (True, False, False), (False, True, True)]
)
def test_a_mistake_raises_in_debug_mode(make_site, visit_app, debug, strict, raised):
    """As the site's setting says, else as `app.debug`, which may change later."""
    seen = []

    async def endpoint(request: Request):
        try:
            seen.append(request.state.tiktok.track("Lead", valu=1).reason)
        except TypeError:
            seen.append("raised")
        return PlainTextResponse("ok")

    app = app_of(make_site(strict=strict), endpoint)
    app.debug = debug
    visit_app(app).get("/")

    assert seen == ["raised" if raised else "invalid"]


def test_a_fastapi_apps_debug_mode_counts_too(make_site, visit_app):
    """With the middleware inside or around the app."""
    fastapi = pytest.importorskip("fastapi")
    site = make_site()
    inside, around = fastapi.FastAPI(debug=True), fastapi.FastAPI(debug=True)
    inside.add_middleware(TikTokEventsMiddleware, site=site)
    for app in (inside, around):

        @app.get("/")
        async def view(request: Request):
            with raises(TypeError):
                request.state.tiktok.track("Lead", valu=1)

    for app in (inside, TikTokEventsMiddleware(around, site)):
        assert visit_app(app).get("/").status_code == 200


class SetsNonce:
    """A typical CSP middleware."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        scope.setdefault("state", {})["csp_nonce"] = "Zm9yIG9uZSBwYWdl"
        await self.app(scope, receive, send)


@pytest.mark.parametrize("order", [0, 1], ids=["outside", "inside"])
def test_the_nonce_is_found_on_the_requests_state(make_site, visit_app, order):
    """In either order of the middlewares; the page is private."""
    templates = Jinja2Templates(
        env=Environment(loader=DictLoader({"page.html": "{{ tiktok.pixel() }}"})),
        context_processors=[context_processor],
    )

    async def endpoint(request: Request):
        return templates.TemplateResponse(request, "page.html")

    stack = [Middleware(TikTokEventsMiddleware, site=make_site())]
    stack.insert(order, Middleware(SetsNonce))
    response = visit_app(Starlette(routes=[Route("/", endpoint)], middleware=stack)).get("/")

    assert response.text.startswith('<script nonce="Zm9yIG9uZSBwYWdl">')
    assert response.headers["cache-control"] == "private"


def test_a_macro_sees_the_variable_with_context(make_site, visit_app):
    """Jinja passes the context to an imported file only on request."""
    pages = {
        "head.html": "{% macro head() %}{{ tiktok.pixel() }}{% endmacro %}",
        "page.html": "{% from 'head.html' import head with context %}{{ head() }}",
    }
    templates = Jinja2Templates(env=Environment(loader=DictLoader(pages)), context_processors=[context_processor])

    async def endpoint(request: Request):
        request.state.tiktok.track("Lead")
        return templates.TemplateResponse(request, "page.html")

    (call,) = calls(visit_app(app_of(make_site(), endpoint)).get("/"))

    assert call["event"] == "Lead"


def test_consent_may_be_in_the_session(make_site, visit_app, sink):
    """The rule is called on first use, after an inner session middleware."""
    pytest.importorskip("itsdangerous")
    from starlette.middleware.sessions import SessionMiddleware

    async def endpoint(request: Request):
        request.session["agreed"] = True
        request.state.tiktok.track("Lead")
        return PlainTextResponse("ok")

    site = make_site(consent=lambda request: request.session.get("agreed"))
    inner = Middleware(SessionMiddleware, secret_key="x" * 16)
    outer = Middleware(TikTokEventsMiddleware, site=site)
    app = Starlette(routes=[Route("/", endpoint)], middleware=[outer, inner])
    visit_app(app).get("/")

    assert len(sink.events) == 1


def test_a_stream_is_not_buffered(make_site, visit_app):
    """The cookies are in its first message."""

    async def endpoint(request: Request):
        async def pieces():
            for piece in ("<p>", "a", "</p>"):
                yield piece

        return StreamingResponse(pieces(), media_type="text/html")

    response = visit_app(app_of(make_site(), endpoint)).get("/")

    assert response.text == "<p>a</p>"
    assert "_tte_id" in response.headers["set-cookie"]


def test_an_event_of_a_background_task_has_no_browser_half(make_site, visit_app, sink):
    """The headers have been sent by then; the server event is still queued."""
    from starlette.background import BackgroundTask

    async def endpoint(request: Request):
        return PlainTextResponse("ok", background=BackgroundTask(request.state.tiktok.track, "Lead"))

    visit_app(app_of(make_site(), endpoint)).get("/")

    assert [event.event for event in sink.events] == ["Lead"]


def test_a_request_leaves_no_reference_cycle(make_site, visit_app):
    """The tracker is freed with its request, without the garbage collector."""
    trackers = []

    async def endpoint(request: Request):
        trackers.append(weakref.ref(request.state.tiktok))
        return PlainTextResponse("ok")

    browser = visit_app(app_of(make_site(), endpoint))
    assert not gc.isenabled()
    browser.get("/")
    browser.get("/")

    assert trackers[0]() is None


def test_shutdown_delivers_queued_events(make_site):
    """The middleware sees the lifespan, so the app needs no code for it."""
    closed = []

    class Client:
        def track(self, *events): ...
        def flush(self, timeout): ...
        def close(self, timeout):
            closed.append(timeout)

    async def live():
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        sent = []

        async def receive():
            return next(messages)

        async def send(message):
            sent.append((message["type"], len(closed)))

        await app_of(make_site(client=Client()), PlainTextResponse("ok"))({"type": "lifespan"}, receive, send)
        return sent

    sent = asyncio.run(live())

    assert sent == [("lifespan.startup.complete", 0), ("lifespan.shutdown.complete", 1)]
    assert closed == [10.0]


def test_a_fastapi_dependency_is_the_tracker(make_site, visit_app, sink):
    """In plain and async endpoints; it is not a parameter in the API's schema."""
    fastapi = pytest.importorskip("fastapi")
    from tiktok_events_starlette.fastapi import TrackerDep

    app = fastapi.FastAPI()
    app.add_middleware(TikTokEventsMiddleware, site=make_site())

    @app.get("/plain")
    def plain(tiktok: TrackerDep):
        return tiktok.track("Lead").payload

    @app.get("/async")
    async def asynchronous(tiktok: TrackerDep):
        return tiktok.track("Lead").payload

    browser = visit_app(app)
    ids = [browser.get(path).json()["event_id"] for path in ("/plain", "/async")]

    assert ids == [event.event_id for event in sink.events]
    assert "parameters" not in app.openapi()["paths"]["/plain"]["get"]


def test_a_fastapi_app_without_the_middleware_raises(visit_app):
    """The error has the line to add."""
    fastapi = pytest.importorskip("fastapi")
    from tiktok_events_starlette.fastapi import TrackerDep

    app = fastapi.FastAPI()

    @app.get("/")
    def view(tiktok: TrackerDep): ...

    with raises(tt.ConfigurationError, match="add_middleware"):
        visit_app(app).get("/")
