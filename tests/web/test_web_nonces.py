"""A page under a Content-Security-Policy: the source of its nonce, and the sources it needs."""

from __future__ import annotations

import asyncio
from typing import Any

import markers
import pytest
from marker_hook import raises
from web_requests import HTML, PRIVATE, VISITOR_COOKIE, a_request, a_site, a_tracker

import tiktok_events as tt
from tiktok_events.web import ASGIMiddleware, TemplateVariable, Tracker, tracker_from
from tiktok_events.web._middleware.response import add_headers


def test_nonces() -> None:
    """The site's callable returns it; if that raises, the page has no nonce."""

    def failing(request: object) -> str:
        raise RuntimeError(markers.EMAIL)

    assert '<script nonce="abc">' in TemplateVariable(a_tracker(a_site(nonce=lambda request: "abc"))).pixel()
    assert TemplateVariable(a_tracker(a_site(nonce=failing))).pixel().startswith("<script>")


def test_a_plain_asgi_app_keeps_its_nonce_on_the_state() -> None:
    """`tiktok.pixel()` reads it from there during the request, and the page is private."""
    pages: list[str] = []
    started: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        scope["state"]["csp_nonce"] = "Zm9yIG9uZSBwYWdl"
        pages.append(TemplateVariable(tracker_from(scope)).pixel())
        await send({"type": "http.response.start", "status": 200, "headers": list(HTML)})

    async def send(message: Any) -> None:
        started.append(message)

    site = a_site(consent=None)
    scope: Any = {"type": "http", "headers": [(b"cookie", VISITOR_COOKIE.encode())]}
    asyncio.run(ASGIMiddleware(app, site)(scope, None, send))  # type: ignore[arg-type]

    assert pages[0].startswith('<script nonce="Zm9yIG9uZSBwYWdl">')
    assert PRIVATE in started[0]["headers"]
    assert tracker_from(scope).request.csp_nonce is None


@pytest.mark.parametrize("state", [None, [], {"csp_nonce": None}, {"csp_nonce": ""}])
def test_without_a_nonce_there_is_none(state: Any) -> None:
    """A page without a nonce is cacheable."""
    request = a_request(cookie=VISITOR_COOKIE)
    request.scope = {"state": state}
    tracker = Tracker(a_site(consent=None), request)

    assert TemplateVariable(tracker).pixel().startswith("<script>")
    assert add_headers(tracker, 200, list(HTML)) == HTML


class Lazy:
    """A lazy nonce as in Django 6: empty and false until it is converted to str."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "bGF6eQ=="


@pytest.mark.parametrize("how", ["site", "state", "argument"])
def test_a_nonce_may_be_lazy(how: str) -> None:
    """It is made when it is rendered, once."""
    request = a_request()
    request.scope = {"state": {"csp_nonce": Lazy() if how == "state" else None}}
    tracker = Tracker(a_site(nonce=(lambda request: Lazy()) if how == "site" else None), request)
    arguments: Any = {"nonce": Lazy()} if how == "argument" else {}

    assert TemplateVariable(tracker).pixel(**arguments).startswith('<script nonce="bGF6eQ==">')


def test_an_invalid_nonce_is_never_rendered(caplog: pytest.LogCaptureFixture) -> None:
    """A nonce with a quote is left out and logged; it raises with strict, or as an argument."""
    bad = 'x" onload="zzpii'
    found = a_request()
    found.scope = {"state": {"csp_nonce": bad}}
    pages = [
        TemplateVariable(Tracker(a_site(), found)).pixel(),
        TemplateVariable(a_tracker(a_site(nonce=lambda request: bad))).pixel(),
    ]

    assert all(page.startswith("<script>") for page in pages)
    assert ["zzpii" in page for page in pages] == [False, False]
    assert len(caplog.records) == 1
    with raises(tt.ConfigurationError):
        TemplateVariable(a_tracker(a_site(nonce=lambda request: bad, strict=True))).pixel()
    with raises(tt.ConfigurationError):
        TemplateVariable(a_tracker()).pixel(nonce=bad)


def test_the_sources_of_a_policy_can_be_overridden() -> None:
    """A given directive replaces the default, an empty one removes it."""
    sources = TemplateVariable(a_tracker()).csp_sources({
        "connect-src": ["https://analytics.us.tiktok.com"],
        "frame-src": (),
    })

    assert sources["connect-src"] == ("https://analytics.us.tiktok.com",)
    assert "frame-src" not in sources
    assert "https://analytics.tiktok.com" in sources["script-src"]
    with raises(tt.ConfigurationError):
        TemplateVariable(a_tracker()).csp_sources({"script-src": ["'self'; default-src *"]})
