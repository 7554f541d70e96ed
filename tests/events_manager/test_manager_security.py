"""Who may ask what."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest
from shops import BASE, TOKEN, TRACK, Shop, body_of, browser_event, server_event

from tiktok_events.errors import ConfigurationError
from tiktok_events.events_manager import create_app

pytestmark = pytest.mark.anyio

HOSTS = {
    "127.0.0.1:8765": 200,
    "127.0.0.1": 200,
    "localhost:8765": 200,
    "LOCALHOST:1": 200,
    "localhost.": 200,
    "[::1]:8765": 200,
    "shop.localhost": 200,
    "evil.example": 421,
    "evil.example:8765": 421,
    "localhost.evil.example": 421,
    "127.0.0.1.nip.example": 421,
    "0.0.0.0:8765": 421,
    "192.168.1.4": 421,
    "[fe80::1]": 421,
    "2130706433": 421,
    "": 400,
    "localhost:x": 400,
    "localhost@evil.example": 400,
    "localhost, evil.example": 400,
    "<script>": 400,
}
PATHS = ["/", "/rows", "/api/events", "/api/summary", "/openapi.json", "/static/manager.js"]


@pytest.mark.parametrize(("host", "status"), HOSTS.items(), ids=[host or "empty" for host in HOSTS])
async def test_hosts(shop: Shop, host: str, status: int) -> None:
    """A name that was rebound to this machine gets no answer, and is not repeated in the refusal."""
    for path in PATHS:
        answer = await shop.http.get(path, headers={"Host": host})

        assert answer.status_code == (204 if (path, status) == ("/rows", 200) else status)
        assert status == 200 or not host or host not in answer.text


async def test_hosts_of_writes(shop: Shop) -> None:
    """A rebound name cannot write either."""
    headers = {"Host": "evil.example", "Access-Token": TOKEN}
    answer = await shop.http.post(TRACK, json=body_of(server_event()), headers=headers)

    assert answer.status_code == 421
    assert (await shop.summary())["received"] == 0


async def test_two_host_headers(shop: Shop) -> None:
    """Two Host headers are one too many."""
    answer = await shop.http.get("/", headers=[("Host", "localhost"), ("Host", "evil.example")])

    assert answer.status_code == 400


async def test_allowed_hosts(open_shop: Callable[..., Shop]) -> None:
    """A given name is answered on any port, in any case, and its own page may manage."""
    shop = open_shop(allowed_hosts=["Manager.Test"])

    known = await shop.http.get("/", headers={"Host": "manager.test:9000"})
    unknown = await shop.http.get("/", headers={"Host": "other.test"})
    cleared = await shop.http.post("/api/clear", headers={"Host": "manager.test", "Origin": "http://manager.test"})

    assert (known.status_code, unknown.status_code, cleared.status_code) == (200, 421, 200)


@pytest.mark.parametrize("host", ["*", "", "a b", "http://shop.test"])
def test_allowed_hosts_are_names(host: str) -> None:
    """A star would let any name in, so it is refused where it is written."""
    with pytest.raises(ConfigurationError):
        create_app(allowed_hosts=[host])


FOREIGN = [
    "http://localhost:8765",
    "http://127.0.0.1:8766",
    "http://127.0.0.1",
    "https://127.0.0.1:8765",
    "https://evil.example",
    "null",
    "",
    "http://127.0.0.1:8765/",
    "http://127.0.0.1:8765 http://evil.example",
]
CHANGES: list[tuple[str, str, Any]] = [
    ("POST", "/api/clear", None),
    ("POST", "/api/faults", {"answers": [{"code": 40100}]}),
    ("POST", "/api/clock", {"now": 1}),
    ("DELETE", "/api/faults", None),
]


@pytest.mark.parametrize("origin", [*FOREIGN, None])
@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_changes_need_the_own_origin(shop: Shop, method: str, path: str, body: Any, origin: str | None) -> None:
    """Nothing but the manager's own page changes the manager: another port is another page, and none is none."""
    await shop.sends(server_event())
    headers = {} if origin is None else {"Origin": origin}

    answer = await shop.http.request(method, path, json=body, headers=headers)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert (await shop.sends(server_event(event_id="order-2"))).json()["code"] == 0
    assert (await shop.summary())["received"] == 2


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_changes_by_the_own_page(shop: Shop, method: str, path: str, body: Any) -> None:
    """The own page may."""
    assert (await shop.manages(path, body, method)).status_code == 200


@pytest.mark.parametrize("path", [path for path in PATHS if "static" not in path])
@pytest.mark.parametrize("origin", FOREIGN)
async def test_reads_refuse_other_origins(shop: Shop, path: str, origin: str) -> None:
    """Another page reads nothing, whatever its port."""
    answer = await shop.http.get(path, headers={"Origin": origin})

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", [*FOREIGN, BASE])
async def test_a_page_cannot_play_the_server(shop: Shop, origin: str) -> None:
    """A server sends no Origin; what sends one is a page, even the manager's own."""
    headers = {"Access-Token": TOKEN, "Origin": origin}
    answer = await shop.http.post(TRACK, json=body_of(server_event()), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, 40003)
    assert (await shop.summary())["received"] == 0


@pytest.mark.parametrize("path", [*PATHS, "/nothing", TRACK, "/api/v2/pixel/act"])
async def test_headers_of_every_answer(shop: Shop, path: str) -> None:
    """Every answer, a refusal too, forbids scripts of others, sniffing, framing, storing and referrers."""
    for host in ("127.0.0.1:8765", "evil.example"):
        headers = (await shop.http.get(path, headers={"Host": host})).headers

        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
            "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert "set-cookie" not in headers


HOSTILE = "</title></textarea></svg><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{7*7}}{% raw %}"


def everywhere(value: Any, text: str) -> Any:
    """*value* with every text in it followed by *text*."""
    if isinstance(value, dict):
        return {key: everywhere(one, text) for key, one in value.items()} | {f"key{text}": text}
    if isinstance(value, list):
        return [everywhere(one, text) for one in value]
    return f"{value}{text}" if isinstance(value, str) else value


class Tags(HTMLParser):
    """The names of all elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


async def test_hostile_text_stays_text(open_shop: Callable[..., Shop]) -> None:
    """Markup in every field of every kind of event, taken or refused, is printed as text and only as text."""
    shop = open_shop(token=None)
    usual = Tags((await shop.http.get("/")).text).names
    hostile = everywhere(server_event(), HOSTILE)
    named = server_event(event=f"A{HOSTILE}", event_id=HOSTILE, properties={"value": 1, "currency": HOSTILE})
    for event in (hostile, named):
        await shop.sends(event, event_source_id=HOSTILE, test_event_code=HOSTILE, token=HOSTILE.encode().hex())
    await shop.sends(named, **{HOSTILE: HOSTILE})
    await shop.browses(**everywhere(browser_event(), HOSTILE))

    page = await shop.http.get("/")
    rows = await shop.http.get("/rows")
    events = await shop.http.get("/api/events")
    summary = await shop.http.get("/api/summary")

    for markup in (page, rows):
        found = Tags(markup.text)
        assert markup.headers["content-type"] == "text/html; charset=utf-8"
        assert "<script>" not in markup.text
        assert "<img src=x" not in markup.text
        assert not any(name.startswith("on") for name in found.attributes)
        assert "style" not in found.attributes
        assert found.names <= usual | {
            "details",
            "summary",
            "time",
            "code",
            "small",
            "em",
            "i",
            "b",
            "ul",
            "li",
            "dl",
            "dt",
            "dd",
        }
    assert "&lt;script&gt;" in page.text
    assert {answer.headers["content-type"] for answer in (events, summary)} == {"application/json"}


async def test_the_page_has_nothing_inline(shop: Shop) -> None:
    """The page needs no exception from its policy: scripts and styles are files of its own."""
    await shop.sends(server_event())
    page = (await shop.http.get("/")).text

    assert page.count("<script") == page.count('<script src="/static/')
    assert "<style" not in page
    assert " style=" not in page
    assert "http://" not in page.replace(BASE, "")


async def test_token_is_nowhere(shop: Shop) -> None:
    """The token that was given at the start is in no answer and no repr."""
    await shop.sends(server_event())
    shown = [(await shop.http.get(path)).text for path in PATHS]

    assert not any(TOKEN in text for text in [*shown, repr(shop.app.state.events_manager)])


async def test_a_websocket_is_closed(shop: Shop) -> None:
    """There is none, so none is opened."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await shop.app({"type": "websocket", "path": "/", "headers": []}, receive, send)

    assert [message["type"] for message in sent] == ["websocket.close"]
