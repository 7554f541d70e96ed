"""The ASGI app of the Events Manager: its routes and middleware."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tiktok_events.events_manager import event_page, page
from tiktok_events.events_manager.app_state import AppState, app_state
from tiktok_events.events_manager.clock import Clock
from tiktok_events.events_manager.intake.pixel import pixel_act
from tiktok_events.events_manager.intake.pixel_script import pixel_script, pixel_switches
from tiktok_events.events_manager.intake.request_body import BodyTooLargeError, read_json_object
from tiktok_events.events_manager.intake.track import track
from tiktok_events.events_manager.security import Guard, header_values, is_own_origin, known_hosts
from tiktok_events.events_manager.store.dedup import DedupRules
from tiktok_events.events_manager.store.event_store import EventStore

Endpoint = Callable[[Request], Awaitable[Response]]

_MAX_LISTED = 10_000


def create_app(
    *,
    token: str | None = None,
    source_id: str | None = None,
    db: str | os.PathLike[str] | None = None,
    faults: bool = False,
    allowed_hosts: Sequence[str] = (),
    pixel: Mapping[str, bool | int] | None = None,
    dedup_by_ttp: bool = True,
    merge_same_channel: bool = False,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Return the Events Manager as an ASGI app.

    - `token` and `source_id`: the access token and the event source id that `event/track/` requires; by default it
      accepts any.
    - `db`: a file that stores the received events; by default they are kept in memory.
    - `faults`: True adds endpoints that script responses and set the clock, for tests.
    - `allowed_hosts`: further host names under which requests are accepted, and whose pages may send events. The
      names of this machine are always accepted.
    - `pixel`: switches of the script that replaces TikTok's pixel, such as `{"writes_ttclid": False}`.
    - `dedup_by_ttp`: whether a server event without `event_id` is dropped if a browser event of the same name and `_ttp`
      arrives within 5 minutes, as TikTok's developer page says.
    - `merge_same_channel`: whether copies of one channel are merged within 5 minutes instead of dropped; TikTok's pages
      contradict each other. The number of conversions is the same.
    - `clock`: a function that returns the Unix time in seconds.

    Raises:
        ConfigurationError: If *db* cannot be used, or a host name or a switch is invalid.
    """
    state = AppState(
        store=EventStore(db, rules=DedupRules(by_ttp=dedup_by_ttp, merges_same_channel=merge_same_channel)),
        clock=Clock(clock),
        faults_enabled=faults,
        source_id=source_id,
        hosts=known_hosts(allowed_hosts),
        pixel=pixel_switches(pixel),
        token=None if token is None else token.encode(),
    )
    app = Starlette(
        routes=_routes(with_faults=faults),
        middleware=[Middleware(Guard, hosts=state.hosts)],
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False  # as TikTok does: a URL without its last slash gets a 404
    app.state.events_manager = state
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield
    app.state.events_manager.store.close()


def _routes(*, with_faults: bool) -> list[Route]:
    routes = [
        Route("/open_api/v1.3/event/track/", track, methods=["POST"]),
        Route("/api/v2/pixel/act", pixel_act, methods=["POST", "OPTIONS"]),
        Route("/i18n/pixel/events.js", pixel_script),
        Route("/", _readable(page.index)),
        Route("/rows", _readable(page.rows)),
        Route("/findings", _readable(page.findings)),
        Route("/diagnostics", _readable(page.diagnostics)),
        Route("/static/{name}", page.static),
        Route("/api/events", _readable(_events)),
        Route("/events/{number}", _readable(event_page.event_page)),
        Route("/api/events/{number}", _readable(event_page.event_json)),
        Route("/api/check-value", _own_page_only(event_page.check_value), methods=["POST"]),
        Route("/api/summary", _readable(_summary)),
        Route("/api/diagnostics", _readable(_diagnostics)),
        Route("/api/clear", _own_page_only(_clear), methods=["POST"]),
        Route("/openapi.json", _readable(_openapi)),
    ]
    if with_faults:
        routes += [
            Route("/api/faults", _own_page_only(_add_faults), methods=["POST"]),
            Route("/api/faults", _own_page_only(_clear_faults), methods=["DELETE"]),
            Route("/api/clock", _own_page_only(_set_clock), methods=["POST"]),
        ]
    return routes


def _readable(endpoint: Endpoint) -> Endpoint:
    """Wrap *endpoint* so that pages of other origins get 403. Requests without an Origin are served."""

    async def guarded(request: Request) -> Response:
        return (
            await endpoint(request)
            if _is_own_page(request) is not False
            else _error("requests from another origin are refused", 403)
        )

    return guarded


def _own_page_only(endpoint: Endpoint) -> Endpoint:
    """Wrap *endpoint* so that requests without the manager's own Origin get 403."""

    async def guarded(request: Request) -> Response:
        if _is_own_page(request) is not True:
            return _error("send the manager's own Origin header, such as http://127.0.0.1:8765", 403)
        try:
            return await endpoint(request)
        except BodyTooLargeError as error:
            return _error(str(error), 413)
        except ValueError as error:
            return _error(str(error), 400)

    return guarded


def _is_own_page(request: Request) -> bool | None:
    """Whether the request comes from the manager's own page; None if it has no Origin."""
    origins = header_values(request.scope, b"origin")
    return is_own_origin(origins, request.headers["host"], request.url.scheme) if origins else None


def _error(message: str, status: int) -> Response:
    return JSONResponse({"error": message}, status)


async def _events(request: Request) -> Response:
    try:
        after = page.integer(request.query_params, "after", default=0)
        limit = page.integer(request.query_params, "limit", default=1000, maximum=_MAX_LISTED)
    except ValueError as error:
        return _error(str(error), 400)
    listed = app_state(request).store.events(after=after, limit=limit)
    return JSONResponse({"events": listed.events, "cursor": listed.cursor, "oldest": listed.oldest})


async def _summary(request: Request) -> Response:
    return JSONResponse(app_state(request).store.summary())


async def _diagnostics(request: Request) -> Response:
    state = app_state(request)
    return JSONResponse({"findings": [one.as_json() for one in state.store.findings(state.clock())]})


async def _clear(request: Request) -> Response:
    app_state(request).store.clear()
    return JSONResponse({"cleared": True})


async def _openapi(_request: Request) -> Response:
    return Response(_OPENAPI, media_type="application/json")


_OPENAPI = (resources.files("tiktok_events.events_manager") / "openapi.json").read_bytes()


async def _add_faults(request: Request) -> Response:
    faults = app_state(request).faults
    faults.add(await read_json_object(request))
    return JSONResponse({"waiting": len(faults)})


async def _clear_faults(request: Request) -> Response:
    state = app_state(request)
    state.faults.clear()
    state.clock.run()
    return JSONResponse({"waiting": 0})


async def _set_clock(request: Request) -> Response:
    state = app_state(request)
    state.clock.set(await read_json_object(request))
    return JSONResponse({"now": state.clock()})
