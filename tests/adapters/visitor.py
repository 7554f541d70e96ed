"""A browser for the shop of any framework, over httpx's transports, and a client that records server events."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httpx

import tiktok_events as tt

SOURCE = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token", id_namespace="shop")
NOW = 1_790_000_000.0
IP = "9.9.9.9"
SECRET = "a secret of sixteen or more"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NAVIGATION = {
    "accept": "text/html,application/xhtml+xml",
    "accept-language": "de-AT,de;q=0.8",
    "sec-fetch-dest": "document",
    "sec-fetch-mode": "navigate",
    "sec-fetch-site": "same-origin",
    "user-agent": AGENT,
}
FETCH = {**NAVIGATION, "accept": "*/*", "sec-fetch-dest": "empty", "sec-fetch-mode": "cors"}
LANDING = "/page?ttclid=E.C.P.zzpii-click"
_PUSH = re.compile(r"\(window\.tiktokEvents=window\.tiktokEvents\|\|\[\]\)\.push\((\{.*?\})\);</script>", re.DOTALL)


class Sink:
    """A client that records server events."""

    def __init__(self) -> None:
        self.events: list[tt.Event] = []

    def track(self, *events: tt.Event) -> None:
        self.events += events

    def named(self, name: str) -> list[tt.Event]:
        return [event for event in self.events if event.event == name]

    def wire(self) -> list[dict[str, Any]]:
        """The events as they would be sent to TikTok."""
        return [item for one in self.events for item in json.loads(tt.encode(SOURCE, [one]))["data"]]


class Browser:
    """A browser with cookies, for an app of any framework."""

    def __init__(self, app: Any, *, is_asgi: bool, base_url: str = "https://shop.example") -> None:
        self._runner = asyncio.Runner() if is_asgi else None
        options: dict[str, Any] = {"base_url": base_url, "headers": {"user-agent": AGENT}}
        if is_asgi:
            self._client: Any = httpx.AsyncClient(transport=httpx.ASGITransport(app, client=(IP, 50_000)), **options)
        else:
            self._client = httpx.Client(transport=httpx.WSGITransport(app, remote_addr=IP), **options)

    @property
    def cookies(self) -> httpx.Cookies:
        return self._client.cookies

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **{"headers": NAVIGATION, **options})

    def post(self, path: str, data: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, data=data, **{"headers": NAVIGATION, **options})

    def request(self, *args: Any, **options: Any) -> httpx.Response:
        response = self._client.request(*args, **options)
        return self._runner.run(response) if self._runner else response

    def close(self) -> None:
        if self._runner:
            self._runner.run(self._client.aclose())
            self._runner.close()
        else:
            self._client.close()


def calls(response: httpx.Response | str) -> list[dict[str, Any]]:
    """The pixel calls in a page."""
    text = response if isinstance(response, str) else response.text
    return [call for data in _PUSH.findall(text) for call in json.loads(data)["calls"]]


def names(response: httpx.Response) -> list[str]:
    """The names of the cookies that a response sets."""
    return [header.partition("=")[0] for header in response.headers.get_list("set-cookie")]
