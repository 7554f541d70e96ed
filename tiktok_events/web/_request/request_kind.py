"""Classify a request by its headers: navigation, fragment, prefetch, bot, asset, webhook."""

from __future__ import annotations

import re

from tiktok_events._api import network_guard
from tiktok_events.web._request.request import WebRequest

_BROWSER_PREFIXES = (
    "mozilla/",
    "opera/",
    "ucweb/",
    "hbbtv/",
    "blackberry",
    "nokia",
    "samsung",
    "sonyericsson",
    "lg-",
    "mot-",
    "werkzeug/",
    "testclient",
)
"""Beginnings of the user agents of browsers. Programs that claim none name themselves or their HTTP library.

The last two are the test clients of Flask and Starlette.
"""

_BOT_WORDS = (
    "://",  # the page that explains a bot
    "@",
    *"crawl spider preview lighthouse headless monitor pingdom google- synthetics scraper scanner ptst".split(),
    *"selenium playwright".split(),
)
_BOT = re.compile(r"(?<!cu)bot\b")  # CUBOT is a brand of phones
_COMPATIBLE = re.compile(r"compatible; (?!msie|konqueror|opera|windows)")
"""The form in which most bots present themselves since the nineties; these browsers use it too."""

_TEST_CLIENT = re.compile(r"|python-(?:httpx|requests)/.*")  # Django's test client sends no user agent
_IN_TIKTOK = re.compile(r"musical_?ly|ugc\.trill|bytedancewebview|bytelocale|tiktok[ /_]")
_ASSET = re.compile(
    r"\.(?:css|js|mjs|map|json|xml|txt|ico|png|jpe?g|gif|svg|webp|avif|woff2?|ttf|otf|eot|mp[34]|webm|pdf|zip|gz|wasm)$",
    re.IGNORECASE,
)
_PURPOSES = ("sec-purpose", "purpose", "x-purpose", "x-moz")


def is_bot(request: WebRequest) -> bool:
    """Whether the user agent is that of a program. An empty one is; that of TikTok's in-app browser never is.

    It finds 96 % of the agents of the list `crawler-user-agents` 1.67. A library of apps (okhttp, CFNetwork) counts as a
    program: no page is viewed with it. While a test records, the test clients of frameworks count as visitors.
    """
    agent = request.header("user-agent").lower()
    if not _is_program(agent) or _IN_TIKTOK.search(agent):
        return False
    return network_guard.recorder is None or _TEST_CLIENT.fullmatch(agent) is None


def _is_program(agent: str) -> bool:
    if not agent.startswith(_BROWSER_PREFIXES):
        return True
    # One search per word takes 2 us in all. One pattern of all words takes ten times as long.
    for word in _BOT_WORDS:
        if word in agent:
            return True
    if "bot" in agent and _BOT.search(agent):
        return True
    return "compatible; " in agent and _COMPATIBLE.search(agent) is not None


def is_prefetch(request: WebRequest) -> bool:
    """Whether the browser prefetches or prerenders the page, which the visitor may never see."""
    purpose = " ".join([request.header(name) for name in _PURPOSES]).lower()
    return "prefetch" in purpose or "prerender" in purpose or "preview" in purpose


def is_navigation(request: WebRequest) -> bool:
    """Whether a browser requests a document, by the most reliable header it sends."""
    if dest := request.header("sec-fetch-dest"):
        return dest in ("document", "iframe")
    if mode := request.header("sec-fetch-mode"):
        return mode == "navigate"
    return "text/html" in request.header("accept") and request.header("hx-request") != "true"


def is_fragment(request: WebRequest) -> bool:
    """Whether a script requests a fragment or data, so that the response is not a page."""
    if request.header("hx-request") == "true" and request.header("hx-boosted") != "true":
        return True
    if request.header("x-requested-with").lower() == "xmlhttprequest" or request.header("turbo-frame"):
        return True
    return request.header("sec-fetch-dest") == "empty"


def is_same_site(request: WebRequest) -> bool:
    """Whether the request does not come from a page of another site."""
    return request.header("sec-fetch-site") != "cross-site"


def is_asset(request: WebRequest) -> bool:
    """Whether the path is that of a file, such as a style sheet or an image."""
    return _ASSET.search(request.path) is not None


def is_from_browser(request: WebRequest) -> bool:
    """Whether a browser may have sent the request. A webhook has no cookies, no language, and another user agent."""
    if any(map(request.header, ("sec-fetch-site", "accept-language", "referer", "hx-request"))):
        return True
    return "=" in request.header("cookie") or request.header("user-agent").startswith("Mozilla/")
