"""Time against size: every parser that a request reaches, with the worst of several hostile inputs of each size."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import tiktok_events as tt
from tiktok_events._api.encoding import decode
from tiktok_events.errors import TikTokEventsError
from tiktok_events.events_manager.intake.browser_event import browser_event
from tiktok_events.events_manager.intake.server_events import server_events
from tiktok_events.testing import SOURCE
from tiktok_events.web import Site, Tracker, WebRequest

SIZES = (1, 16, 64, 256, 1_024)
BUDGET_MS = 5.0
"""Milliseconds for 64 kB."""
NOW = 1_800_000_000
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"

SITE = Site(
    SOURCE,
    tt.BackgroundClient(tt.Client(SOURCE), deliver=False),
    consent=lambda request: True,
    secret_key="a secret of the bench",
    trusted_proxies="private",
    clock=lambda: NOW,
)
Input = Callable[[int], Any]
Parser = Callable[[Any], object]


def repeated(*parts: str) -> list[Input]:
    """Inputs that repeat each of *parts* up to a number of characters."""
    return [lambda size, part=part: (part * (size // len(part) + 1))[:size] for part in parts]


def request(**fields: Any) -> WebRequest:
    """A navigation through a trusted proxy; headers replace or add to its own."""
    headers = {"user-agent": AGENT, "host": "shop.example", "accept": "text/html", "sec-fetch-dest": "document"}
    headers |= {name.replace("_", "-"): value for name, value in fields.items() if name != "query"}
    pairs = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    return WebRequest(scheme="https", path="/", query=fields.get("query", ""), headers=pairs, peer="10.0.0.1")


def tracked(name: str) -> Parser:
    """A view that tracks, in a request with this header or query."""
    return lambda text: Tracker(SITE, request(**{name: text})).track("Lead")


def user(name: str) -> Parser:
    """A form field that becomes an identifier."""
    return lambda text: tt.User(**{name: text})


MARKS = (
    "\u0301",
    "e\u0301\u0327\u0323",
    "\u1e9b\u0323",
    "\ufdfa",
    "a",
    " ",
    "٣",
    "\u200b",
    "+1",
    "%40",
    "@",
    ".",
    "--",
)
COOKIES = ("_tte_id=1.", '_tte_id="""', "_tte_id   ", "ttclid=a;", "; ", "=", '";', "_ttp=", "a=b; ", "_tte_next=eJw;")
ADDRESSES = (
    "10.0.0.1, ",
    "10.0.0.1,",
    ",",
    "[::1]:80,",
    "for=10.0.0.1;",
    'for="[::1]",',
    "::ffff:10.0.0.1,",
    '\\"',
    "1",
)
QUERIES = ("&ttclid=__A__", ";ttclid=%7B", "ttclid=", "&amp;", "?", "%", "%25", "a=b&", "é", "email=a&", "@", "#", "__")
AGENTS = ("bot", "cubot ", "compatible; ", "compatible; msie ", "Mozilla/", "tiktok", "\x00", "/.* ")
LANGUAGES = ("en-", "aaaaaaaa-", "en,", "en;q=1,", "_", ".", "e")
URLS = ("https://a", "/", "?a=b", "&email=", "#", "@", "%", "[", "]", ":", "a.")


def properties(text: str) -> object:
    """A visitor's JSON that a view hands on."""
    try:
        return tt.Properties(**{text: 1})
    except TypeError as error:
        return str(error)


def manager_body(text: str) -> object:
    """What the local Events Manager receives from a server."""
    from tiktok_events._checks.body import check_body

    return server_events(check_body(text.encode("utf-8", "replace"), now=NOW))


def bodies(size: int) -> Iterable[str]:
    """JSON bodies of *size* characters."""
    item = {"event": "Lead", "event_time": NOW, "event_id": "1", "user": {"email": "0" * 64}}
    yield json.dumps({"event_source": "web", "event_source_id": "C0", "data": [{**item, "event": "x" * size}]})
    yield json.dumps({"event_source": "web", "event_source_id": "C0", "data": [item] * (size // 120 + 1)})
    yield json.dumps({
        "event_source": "web",
        "event_source_id": "C0",
        "data": [{f"k{n}": n for n in range(size // 12)}],
    })
    yield '{"a":' * (size // 5)
    yield "[" * size


def body_inputs() -> list[Input]:
    """The bodies as inputs."""
    return [lambda size, at=at: list(bodies(size))[at] for at in range(5)]


PARSERS: dict[str, tuple[Parser, list[Input]]] = {
    "Cookie": (tracked("cookie"), repeated(*COOKIES)),
    "all cookies": (lambda text: request(cookie=text).all_cookies, repeated(*COOKIES)),
    "query string": (tracked("query"), repeated(*QUERIES)),
    "X-Forwarded-For": (tracked("x_forwarded_for"), repeated(*ADDRESSES)),
    "X-Forwarded-Host": (tracked("x_forwarded_host"), repeated("shop.example,", "a", ".", "[", ":1,")),
    "X-Forwarded-Proto": (tracked("x_forwarded_proto"), repeated("https,", "a", ",")),
    "Forwarded": (tracked("forwarded"), repeated(*ADDRESSES)),
    "CF-Connecting-IP": (tracked("cf_connecting_ip"), repeated(*ADDRESSES)),
    "User-Agent": (tracked("user_agent"), [*repeated(*AGENTS), lambda size: AGENT + "bot" * (size // 3)]),
    "Accept-Language": (tracked("accept_language"), repeated(*LANGUAGES)),
    "Referer": (
        tracked("referer"),
        [lambda size, part=part: "https://shop.example/" + part * (size // len(part)) for part in URLS],
    ),
    "HX-Current-URL": (tracked("hx_current_url"), repeated(*URLS)),
    "Host": (tracked("host"), repeated("a.", "-", "[", ":", "a")),
    "Accept, Sec-Purpose": (tracked("sec_purpose"), repeated("prefetch", "a;")),
    "snapshot": (lambda text: SITE.resume(text).track("Lead", event_time=NOW), repeated("a", "-", "=", "é")),
    "properties of JSON": (properties, repeated("a", "value", "é", " ")),
    "page URL": (
        lambda text: tt.Page(url=text),
        [lambda size, part=part: "https://a/" + part * (size // len(part)) for part in URLS],
    ),
    **{
        f"user {name}": (user(name), repeated(*MARKS))
        for name in (
            *("email", "phone", "external_id", "first_name", "zip_code", "city", "country"),
            *("ip", "locale", "ttclid", "ttp", "user_agent"),
        )
    },
    "TikTok's answer": (
        lambda text: decode(200, text.encode("utf-8", "replace")),
        [*body_inputs(), lambda size: '{"code":' + "1" * size],
    ),
    "manager, event/track": (manager_body, body_inputs()),
    "manager, pixel": (lambda text: browser_event(text.encode(), now=NOW), body_inputs()),
}


def milliseconds(parse: Parser, given: Any, *, tries: int = 3) -> float:
    """The shortest CPU time of a few tries, in milliseconds."""
    best = float("inf")
    for _ in range(tries):
        gc.collect()
        start = time.thread_time()
        with suppress(ValueError, TypeError, TikTokEventsError, RecursionError):
            parse(given)
        best = min(best, time.thread_time() - start)
        if best > 0.2:
            break
    return best * 1_000


def run() -> None:
    """Print the table."""
    print(f"\n{'milliseconds, worst of several inputs':<40}" + "".join(f"{size:>9,} kB" for size in SIZES))
    print("-" * 116)
    for name, (parse, inputs) in PARSERS.items():
        times = [max(milliseconds(parse, one(size * 1_024)) for one in inputs) for size in SIZES]
        late = "OVER" if times[SIZES.index(64)] > BUDGET_MS else ""
        growth = times[-1] / max(times[2], 0.05)
        late += f"  x {growth:.0f} for 16 times the size" if growth > 24 else ""
        print(f"{name:<40}" + "".join(f"{one:>12.2f}" for one in times) + f"  {late}")
