"""The ASGI app of the Events Manager: its routes and middleware."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tiktok_events._runtime import json_codec
from tiktok_events.events_manager import page
from tiktok_events.events_manager.faults import Clock, Faults
from tiktok_events.events_manager.intake.bodies import TooLargeError, read_body
from tiktok_events.events_manager.intake.pixel import pixel as pixel_act
from tiktok_events.events_manager.intake.pixel_script import pixel_script, pixel_switches
from tiktok_events.events_manager.intake.track import track
from tiktok_events.events_manager.manager import Manager
from tiktok_events.events_manager.security import Guard, header_values, is_own_origin, known_hosts
from tiktok_events.events_manager.store.store import Store

Endpoint = Callable[[Request], Awaitable[Response]]

_MOST_LISTED = 10_000


def create_app(
    *,
    token: str | None = None,
    source_id: str | None = None,
    db: str | os.PathLike[str] | None = None,
    faults: bool = False,
    allowed_hosts: Sequence[str] = (),
    pixel: Mapping[str, bool | int] | None = None,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Make the Events Manager as an ASGI app.

    *token* and *source_id* are what `event/track/` demands; without them any will do. *db* is a file that keeps what
    was received, else memory does. *faults* lets requests set answers and the clock, for tests. *allowed_hosts* are
    the names besides this machine's own under which it may be asked, and whose pages may send it events. *pixel* are
    switches of the script it serves in place of TikTok's pixel, such as `{"writes_ttclid": False}`.

    Raises:
        ConfigurationError: If *db* cannot be used, a host is no host name, or a switch is none.
    """
    manager = Manager(
        store=Store(db),
        clock=Clock(clock),
        faults=Faults() if faults else None,
        source_id=source_id,
        hosts=known_hosts(allowed_hosts),
        pixel=pixel_switches(pixel),
        token=None if token is None else token.encode(),
    )
    app = Starlette(
        routes=_routes(with_faults=faults),
        middleware=[Middleware(Guard, hosts=manager.hosts)],
        lifespan=_lifespan,
    )
    app.router.redirect_slashes = False  # TikTok answers 404 without the slash, and so a missing one shows here
    app.state.manager = manager
    return app


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield
    app.state.manager.store.close()


def _routes(*, with_faults: bool) -> list[Route]:
    routes = [
        Route("/open_api/v1.3/event/track/", track, methods=["POST"]),
        Route("/api/v2/pixel/act", pixel_act, methods=["POST", "OPTIONS"]),
        Route("/i18n/pixel/events.js", pixel_script),
        Route("/", _readable(page.index)),
        Route("/rows", _readable(page.rows)),
        Route("/static/{name}", page.static),
        Route("/api/events", _readable(_events)),
        Route("/api/summary", _readable(_summary)),
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
    """Refuse pages of other origins; a request without an Origin may read."""

    async def guarded(request: Request) -> Response:
        return await endpoint(request) if _is_ours(request) is not False else _error("another origin", 403)

    return guarded


def _own_page_only(endpoint: Endpoint) -> Endpoint:
    """Refuse a request whose Origin is not the manager's own page."""

    async def guarded(request: Request) -> Response:
        if _is_ours(request) is not True:
            return _error("this needs the manager's own Origin, such as http://127.0.0.1:8765", 403)
        try:
            return await endpoint(request)
        except TooLargeError as error:
            return _error(str(error), 413)
        except ValueError as error:
            return _error(str(error), 400)

    return guarded


def _is_ours(request: Request) -> bool | None:
    """Whether the request comes from the manager's own page; None if it has no Origin."""
    origins = header_values(request.scope, b"origin")
    return is_own_origin(origins, request.headers["host"], request.url.scheme) if origins else None


def _error(message: str, status: int) -> Response:
    return JSONResponse({"error": message}, status)


async def _events(request: Request) -> Response:
    manager: Manager = request.app.state.manager
    try:
        after = page.whole(request.query_params, "after", default=0)
        limit = page.whole(request.query_params, "limit", default=1000, most=_MOST_LISTED)
    except ValueError as error:
        return _error(str(error), 400)
    found = manager.store.events(after=after, limit=limit)
    return JSONResponse({"events": found.events, "cursor": found.cursor, "oldest": found.oldest})


async def _summary(request: Request) -> Response:
    return JSONResponse(request.app.state.manager.store.summary())


async def _clear(request: Request) -> Response:
    request.app.state.manager.store.clear()
    return JSONResponse({"cleared": True})


async def _openapi(_request: Request) -> Response:
    return Response(_OPENAPI, media_type="application/json")


_OPENAPI = (resources.files("tiktok_events.events_manager") / "openapi.json").read_bytes()


async def _add_faults(request: Request) -> Response:
    faults: Faults = request.app.state.manager.faults
    faults.add(await _object_in(request))
    return JSONResponse({"waiting": len(faults)})


async def _clear_faults(request: Request) -> Response:
    manager: Manager = request.app.state.manager
    if manager.faults is not None:
        manager.faults.clear()
    manager.clock.run()
    return JSONResponse({"waiting": 0})


async def _set_clock(request: Request) -> Response:
    manager: Manager = request.app.state.manager
    manager.clock.set(await _object_in(request))
    return JSONResponse({"now": manager.clock()})


async def _object_in(request: Request) -> Mapping[str, Any]:
    try:
        wanted = json_codec.loads(await read_body(request))
    except TooLargeError:
        raise
    except ValueError:
        raise ValueError("send a JSON object") from None
    if not isinstance(wanted, dict):
        raise ValueError("send a JSON object")  # noqa: TRY004 (the text is wrong, not its type)
    return wanted
