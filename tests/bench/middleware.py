"""What the middleware adds to one request: in process, hot, and as CPU time of a server."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import interleave as il
import serving
import visitors
import wrapped

NAMES = {
    "off": "tiktok-events, a site that is off: scope only",
    "ours": "tiktok-events",
    "asks": "tiktok-events, consent=ConsentCookie(...)",
    "adapter": "tiktok-events, its adapter",
    "bare": "bare",
    "no-op": "no-op",
}
"""How the apps of `wrapped` are called in a table; peers by their own name."""


async def _receive() -> dict[str, Any]:
    raise AssertionError("nothing to receive")


def over_asgi(app: Any, visitor: str, seen: Callable[[list[Any]], None] | None = None) -> Callable[[], None]:
    """A call that takes one request through *app*; nothing of it waits, so no event loop stands between."""
    template = visitors.scope(visitor)

    async def send(message: Any) -> None:
        if seen and message["type"] == "http.response.start":
            seen(message["headers"])

    def call() -> None:
        try:
            app({**template, "headers": template["headers"].copy(), "state": {}}, _receive, send).send(None)
        except StopIteration:
            return
        raise AssertionError("the app waits for something")

    return call


def over_wsgi(app: Any, visitor: str, seen: Callable[[list[Any]], None] | None = None) -> Callable[[], None]:
    """The same for WSGI."""
    template = visitors.environ(visitor)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if seen:
            seen(headers)

    def call() -> None:
        answer: Any = app(template.copy(), start_response)
        for _ in answer:
            pass
        answer.close()

    return call


def cookies_set(over: Any, app: Any, visitor: str) -> int:
    """How many cookies the answer sets: that a candidate does what its row says."""
    headers: list[Any] = []
    over(app, visitor, headers.extend)()
    return [name.lower() for name, _ in headers].count(b"set-cookie" if over is over_asgi else "set-cookie")


def candidates(over: Any, apps: dict[str, Callable[[], Any]]) -> dict[tuple[str, str], il.Candidate]:
    """Every app and visitor worth a row; `bare` with every visitor."""
    found = {}
    for name, make in apps.items():
        app = make()
        for visitor, cookies in {"returning": 0, "new": 1, "new, with ttclid": 2}.items():
            ours = name in {"ours", "asks", "adapter"}
            if (
                visitor == "returning"
                or name in {"bare", "ours"}
                or (name == "capi-param-builder" and visitor == "new")
            ):
                written = cookies_set(over, app, visitor)
                if written != (cookies if ours or name == "capi-param-builder" else 0):
                    raise AssertionError(f"{name} sets {written} cookies for a visitor who is {visitor}")
                found[name, visitor] = il.Candidate(f"{NAMES.get(name, name)}: {visitor}", over(app, visitor))
    return found


def run_asgi(rounds: int = 60, loops: int = 100) -> None:
    """Print the table of ASGI."""
    found = candidates(over_asgi, wrapped.ASGI)
    il.interleave(list(found.values()), rounds=rounds, loops=loops, clock=time.thread_time)
    peer = found["asgi-correlation-id", "returning"]
    peers_us = peer.above(found["bare", "returning"]) * 1e6
    rows = []
    for (name, visitor), one in found.items():
        added = one.above(found["bare", visitor]) * 1e6
        row = il.Row(one.name, one.median * 1e6, "" if name == "bare" else f"{added:+.2f} us")
        if (name, visitor) == ("ours", "returning"):
            ratio = added / peers_us
            row.budget, row.verdict = "<= 5 us", il.verdict(added, 5)
            rows += [
                row,
                il.Row(
                    "",
                    row.time,
                    f"{ratio:.2f} x asgi-correlation-id",
                    "<= 0.6 x (stretch 0.4)",
                    il.verdict(ratio, 0.6, 0.4),
                ),
            ]
            continue
        if name == "off":
            row.budget, row.verdict = "stretch 0.5 us", il.verdict(added, 0.5)
        rows.append(row)
    il.show("ASGI, a Starlette page in process", rows)


def run_wsgi(rounds: int = 60, loops: int = 40) -> None:
    """Print the table of WSGI."""
    found = candidates(over_wsgi, wrapped.WSGI)
    il.interleave(list(found.values()), rounds=rounds, loops=loops, clock=time.thread_time)
    budgets = {"returning": (5, 2), "new": (10, None)}
    rows = []
    for (name, visitor), one in found.items():
        bare = found["bare", visitor]
        share = (one.ratio(bare) - 1) * 100
        row = il.Row(
            one.name, one.median * 1e6, "" if name == "bare" else f"{one.above(bare) * 1e6:+.2f} us, {share:.1f} %"
        )
        if name == "ours" and visitor in budgets:
            budget, stretch = budgets[visitor]
            row.budget = f"<= {budget} %" + (f" (stretch {stretch})" if stretch else "")
            row.verdict = il.verdict(share, budget, stretch)
        rows.append(row)
    il.show("WSGI, a Flask page in process", rows)


def run() -> None:
    """Print the tables."""
    run_asgi()
    run_wsgi()
    serving.run()
