"""Tools for tests: `capture()` records the events of your code; `FakeTikTok` gives scripted answers.

The pytest plugin gives the same recorder as the fixture `tiktok`.
"""

from __future__ import annotations

import json
import unittest
from collections import deque
from typing import Any

import attrs
import httpx

from tiktok_events._api.async_client import AsyncClient
from tiktok_events._api.client import Client
from tiktok_events._api.retry import RetryPolicy
from tiktok_events._events.source import EventSource
from tiktok_events._recording.recorder import Dropped, Recorder, capture
from tiktok_events._spec.codes import code_for

__all__ = ["Dropped", "FakeTikTok", "RecordedRequest", "Recorder", "TikTokEventsTestCase", "capture"]

AT_ONCE = RetryPolicy(first_wait=0, max_wait=0)
SOURCE = EventSource.web("C0EXAMPLE0EXAMPLE000", "example-token")


class TikTokEventsTestCase(unittest.TestCase):
    """A `unittest.TestCase` (or a mixin before another one) with `self.tiktok`, the `Recorder` of each test.

    A `setUp` of your own calls `super().setUp()`.
    """

    tiktok: Recorder

    def setUp(self) -> None:
        """Start to record."""
        super().setUp()
        self.tiktok = self.enterContext(capture())


@attrs.frozen
class RecordedRequest:
    """One request as it was sent: `url`, `headers` (without the access token) and the JSON `body`."""

    url: str
    headers: dict[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)

    @property
    def body(self) -> dict[str, Any]:
        """The request body."""
        return json.loads(self.content)  # type: ignore[no-any-return]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The `data[]` items."""
        return list(self.body["data"])


class FakeTikTok(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport that answers as TikTok does: with scripted answers first, then always with code 0.

    `answers(40100, 0)` scripts codes. An `httpx.Response` is returned as it is, an exception is raised, and a callable
    gets the request and returns one of the three. `client()` and `async_client()` make clients of it that do not wait
    between attempts. `requests` holds the requests, `events` all their items.
    """

    def __init__(self) -> None:
        self.requests: list[RecordedRequest] = []
        self._script: deque[Any] = deque()

    def answers(self, *answers: Any) -> None:
        """Script the next answers, in order."""
        self._script.extend(answers)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every `data[]` item of every request."""
        return [event for request in self.requests for event in request.events]

    def client(self, source: EventSource = SOURCE, **options: Any) -> Client:
        """A `Client` of this transport."""
        return Client(source, http=httpx.Client(transport=self), **{"retry": AT_ONCE, **options})

    def async_client(self, source: EventSource = SOURCE, **options: Any) -> AsyncClient:
        """An `AsyncClient` of this transport."""
        return AsyncClient(source, http=httpx.AsyncClient(transport=self), **{"retry": AT_ONCE, **options})

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx calls it."""
        request.read()
        return self._answer(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As httpx calls it."""
        await request.aread()
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name != "access-token"}
        self.requests.append(RecordedRequest(str(request.url), headers, request.content))
        return self._answer_as(self._script.popleft() if self._script else 0, request)

    def _answer_as(self, answer: Any, request: httpx.Request) -> httpx.Response:
        if isinstance(answer, httpx.Response):
            return answer
        if isinstance(answer, int):
            return self._answer_with_code(answer)
        if isinstance(answer, BaseException) or (isinstance(answer, type) and issubclass(answer, BaseException)):
            raise answer
        return self._answer_as(answer(request), request)

    def _answer_with_code(self, code: int) -> httpx.Response:
        body: dict[str, Any] = {
            "code": code,
            "message": code_for(code, 200).meaning,
            "request_id": f"r{len(self.requests)}",
            "data": {},
        }
        return httpx.Response(200, json=body)
