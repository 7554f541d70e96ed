"""Requests, sites, response headers and a recording client for the tests of the web half."""

from __future__ import annotations

from typing import Any

import markers

import tiktok_events as tt
from tiktok_events.testing import SOURCE
from tiktok_events.web import Site, Tracker, WebRequest

NOW = 1_800_000_000.0
NOW_MS = int(NOW * 1000)
VISITOR = "5a5a" * 8
SECRET = "a secret of the tests"
BROWSER = {
    "host": "shop.example",
    "user-agent": markers.USER_AGENT,
    "accept": "text/html,application/xhtml+xml",
    "accept-language": "en-GB,en;q=0.8",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
}
CLICKED = f"ttclid={markers.TTCLID}"
VISITOR_COOKIE = f"_tte_id=1.{NOW_MS:013d}.{VISITOR}"
DAY = 86_400
HTML = [(b"content-type", b"text/html")]
PRIVATE = (b"cache-control", b"private")


class Recorder:
    """A client that records its events."""

    def __init__(self) -> None:
        self.events: list[tt.Event] = []

    def track(self, *events: tt.Event) -> int:
        self.events += events
        return len(events)


def a_request(method: str = "GET", path: str = "/buy", query: str = "", **headers: str) -> WebRequest:
    """A visitor's navigation. *headers* (underscores for hyphens) replace those of a browser; "" removes one."""
    sent = {**BROWSER, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return WebRequest(
        method=method,
        scheme="https",
        path=path,
        query=query,
        peer=markers.IP,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in sent.items() if value],
    )


def a_site(**settings: Any) -> Site:
    """A site with a recording client and a fixed clock."""
    settings = {
        "client": Recorder(),
        "secret_key": SECRET,
        "consent": lambda request: True,
        "clock": lambda: NOW,
        "new_id": lambda: VISITOR,
        **settings,
    }
    return Site(settings.pop("source", SOURCE), **settings)


def a_tracker(site: Site | None = None, /, **request: Any) -> Tracker:
    """The tracker of one request to *site*."""
    return Tracker(site or a_site(), a_request(**request))


def sent_by(site: Site) -> list[tt.Event]:
    """The events that *site* has sent."""
    client = site.client

    assert isinstance(client, Recorder)
    return client.events


def cookies_of(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """The Set-Cookie headers in *headers*, by cookie name."""
    set_cookies = [value.decode() for name, value in headers if name.lower() == b"set-cookie"]
    return {text.partition("=")[0]: text for text in set_cookies}


def a_request_from(peer: str | None, headers: dict[str, str], **request: Any) -> WebRequest:
    """A visitor's navigation as it arrives from *peer* with further *headers*."""
    browser = a_request(**request)
    browser.reader._scope.update(client=(peer, 0) if peer else None, scheme="http")
    browser.reader._scope["headers"] += [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return browser
