"""What is fuzzed: everything that reads what a stranger, a peer or a file says. A target takes bytes and never raises."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from contextlib import suppress

import tiktok_events as tt
from tiktok_events._api.encoding import decode as decode_answer
from tiktok_events._checks.body import check_body
from tiktok_events._events.normalize import urls
from tiktok_events._events.normalize.click_ids import click_ids_in
from tiktok_events.cli.send.columns import parse_csv
from tiktok_events.cli.send.decoding import read_lines
from tiktok_events.cli.send.event_from_line import Defaults, LineRefused, RepeatCounter, make_event
from tiktok_events.cli.send.line import FileUnreadable, Line
from tiktok_events.cli.send.lines import parse_jsonl
from tiktok_events.errors import TikTokEventsError
from tiktok_events.events_manager.intake.browser_event import browser_event
from tiktok_events.events_manager.intake.server_events import server_events
from tiktok_events.testing import SOURCE
from tiktok_events.web import Site, Tracker, WebRequest

NOW = 1_800_000_000
AGENT = b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36"
SITE = Site(
    SOURCE,
    tt.BackgroundClient(tt.Client(SOURCE), deliver=False),
    consent=lambda request: True,
    secret_key="a secret of the fuzzer",
    trusted_proxies="private",
    clock=lambda: NOW,
)
logging.getLogger("tiktok_events").setLevel(logging.CRITICAL)


def text(data: bytes) -> str:
    """Any text, half surrogates included."""
    return data.decode("utf-8", "surrogateescape" if len(data) % 2 else "replace")


def visit(query: bytes = b"", **headers: bytes) -> Tracker:
    """The tracker of a navigation through a proxy."""
    given = {b"user-agent": AGENT, b"host": b"shop.example", b"accept": b"text/html", b"sec-fetch-dest": b"document"}
    given |= {name.replace("_", "-").encode(): value for name, value in headers.items()}
    scope = {"type": "http", "method": "GET", "scheme": "https", "path": "/", "query_string": query}
    return Tracker(SITE, WebRequest.from_scope({**scope, "headers": list(given.items()), "client": ("10.0.0.1", 1)}))


def answer(data: bytes) -> None:
    """TikTok's answer."""
    with suppress(TikTokEventsError):
        decode_answer(200 if len(data) % 3 else 400, data)


def cookies(data: bytes) -> None:
    """The Cookie header of a page."""
    tracker = visit(cookie=data)
    tracker.track("Lead")
    tracker.request.all_cookies  # noqa: B018 - parsed when it is read


def headers(data: bytes) -> None:
    """Headers of proxies, languages and referrers."""
    tracker = visit(
        x_forwarded_for=data, forwarded=data, referer=data, accept_language=data, host=data, user_agent=data
    )
    tracker.track("Lead")
    visit(forwarded=data, hx_current_url=data, hx_request=b"true").track("Lead")


def query(data: bytes) -> None:
    """The query string of a landing."""
    visit(query=data).track("Lead")
    list(click_ids_in(text(data)))


def url(data: bytes) -> None:
    """A page's address."""
    given = text(data)
    tt.Page(url=given, referrer=given)
    assert "@" not in urls.without_secrets(f"https://a.example/?email={given}").partition("?")[2].partition("#")[0]


def email(data: bytes) -> None:
    """An e-mail address in a form."""
    digest_or_nothing(tt.User(email=text(data)).email)


def phone(data: bytes) -> None:
    """A phone number in a form."""
    digest_or_nothing(tt.User(phone=text(data)).phone)
    digest_or_nothing(tt.User(phone=text(data), phone_region="DE").phone)


def person(data: bytes) -> None:
    """The other identifiers of a form."""
    given = text(data)
    user = tt.User(
        external_id=given, first_name=given, zip_code=given, city=given, country=given, ip=given, locale=given
    )
    digest_or_nothing(user.external_id)
    digest_or_nothing(user.first_name)


def digest_or_nothing(value: object) -> None:
    """An identifier is never sent in clear."""
    assert value is None or (isinstance(value, str) and len(value) == 64), "no digest"


def snapshot(data: bytes) -> None:
    """The snapshot of a webhook's order."""
    SITE.resume(text(data)).track("Lead")


def redirect_cookie(data: bytes) -> None:
    """The cookie that holds the calls of a redirect."""
    signed = SITE._signers["redirect"].sign(
        text(data[:500].replace(b"\xff", b"")) if len(data) % 5 == 0 else [[]], now=NOW
    )
    for value in (data.replace(b";", b""), signed.encode()):
        visit(cookie=b"_tte_next=" + value).track("Lead")


def json_properties(data: bytes) -> None:
    """A visitor's JSON that a view hands on."""
    with suppress(TypeError, ValueError):
        visit().track("Lead", properties={text(data): 1})
    with suppress(TypeError, ValueError):
        visit().track(
            "Lead", properties={"value": text(data), "currency": text(data), "contents": [{"content_id": text(data)}]}
        )


def csv(data: bytes) -> None:
    """A file for `tiktok-events send`."""
    with suppress(FileUnreadable):
        events(
            list(parse_csv(read_lines(io.BytesIO(data)), {}, ignore_unknown=True, decimal_comma=bool(len(data) % 2)))
        )
    head = b"event,email,value,currency,time\n"
    with suppress(FileUnreadable):
        events(list(parse_csv(read_lines(io.BytesIO(head + data)), {})))


def json_lines(data: bytes) -> None:
    """The same of JSON lines."""
    with suppress(FileUnreadable):
        events(list(parse_jsonl(read_lines(io.BytesIO(data)))))


def events(lines: list[Line]) -> None:
    """The events of a file's lines; a line that makes none has a reason."""
    for line in lines:
        if line.fields is not None and not line.problems:
            with suppress(TypeError, ValueError, LineRefused):
                make_event(line, Defaults(event="Lead"), RepeatCounter())


def manager_server(data: bytes) -> None:
    """What the Events Manager receives from servers."""
    server_events(check_body(data, now=NOW))


def manager_pixel(data: bytes) -> None:
    """What it receives from pages."""
    with suppress(ValueError):
        browser_event(data, now=NOW)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "answer": answer,
    "cookies": cookies,
    "headers": headers,
    "query": query,
    "url": url,
    "email": email,
    "phone": phone,
    "person": person,
    "snapshot": snapshot,
    "redirect cookie": redirect_cookie,
    "JSON properties": json_properties,
    "CSV": csv,
    "JSON lines": json_lines,
    "manager, server": manager_server,
    "manager, pixel": manager_pixel,
}
SEEDS: dict[str, list[bytes]] = {
    "answer": [b'{"code":0,"message":"OK","request_id":"r","data":{}}', b'{"code":40002,"message":"Batch.0.event: x"}'],
    "cookies": [b"_tte_id=1.1800000000000.0123456789abcdef0123456789abcdef; ttclid=E.C.P.x.1800000000000; _ttp=a; a=b"],
    "headers": [b"8.8.8.8, 10.0.0.2", b'for="[2001:db8::1]:80";proto=https;host=shop.example', b"en-US,en;q=0.9"],
    "query": [b"ttclid=E.C.P.x&utm_source=tiktok", b"a=1&amp;ttclid=__CLICKID__?ttclid=x%0d%0a"],
    "url": [b"https://shop.example/a?b=c&token=d#e", b"android-app://com.example/"],
    "email": [b"Anna <a@example.com>", b"mailto:a@example.com?subject=x", "ａ＠example.com".encode()],
    "phone": [b"+1 (202) 555-0123 ext. 5", b"0049 (0)170 1234567", "+٤٩١٧٠".encode()],
    "person": [b"Anna-Lena", b"10115.0", b"8.8.8.8:80", b"en_US.UTF-8"],
    "snapshot": [SITE._signers["snapshot"].sign([{"ttclid": "E.C.P.x"}, "granted"], now=NOW).encode()],
    "redirect cookie": [SITE._signers["redirect"].sign([["Lead", "1", {}, True]], now=NOW).encode()],
    "JSON properties": [b"value", b"4,90"],
    "CSV": [
        b"event,email,value,currency,time\nPurchase,a@example.com,4.90,EUR,2026-11-20T10:30:00Z\n",
        b"sep=;\na;b\n",
    ],
    "JSON lines": [
        b'{"event":"Purchase","user":{"email":"a@example.com"},"properties":{"value":4.9,"currency":"EUR"}}\n'
    ],
    "manager, server": [
        b'{"event_source":"web","event_source_id":"C0","data":[{"event":"Lead","event_time":1,"user":{"email":"a"}}]}'
    ],
    "manager, pixel": [b'{"event":"Lead","context":{"pixel":{"code":"C0"},"page":{"url":"https://a.example"}}}'],
}
