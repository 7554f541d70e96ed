"""What `pixel()`, `script()` and `data()` print. No clock, no dice, no request: what varies is passed in.

A page gets one runtime (`loader.js` and `runtime.js`) and data for it. Inline script, data block and static file
differ only in how the two meet.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, Required, TypedDict, Unpack
from urllib.parse import urlsplit

import attrs

from tiktok_events._api.transport import is_loopback
from tiktok_events._events.event import Event
from tiktok_events._spec.fields import TRAVEL, VEHICLE
from tiktok_events.errors import ConfigurationError
from tiktok_events.web._page.markup import Markup, nonce_attribute, script_json

SCRIPT_URL = "https://analytics.tiktok.com/i18n/pixel/events.js"
DATA_ID = "tiktok-events"
"""The id of the data block. The runtime looks for it too."""

_PIXEL_CODE = re.compile(r"[A-Z0-9]{10,40}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_IDENTIFY = ("sha256_email", "sha256_phone_number", "external_id")
_PARAMS = (
    *("content_type", "content_ids", "num_items", "value", "currency", "description", "query", "search_string"),
    *("status", "order_id", "shop_id", *TRAVEL, *VEHICLE),
)
_ITEM = ("content_id", "content_type", "content_name", "content_category", "brand", "price", "quantity")


@attrs.frozen
class Call:
    """One pixel call, the twin of a server event. `keyed` says that its id was made from a key, so it never ages."""

    event: str
    event_id: str | None = attrs.field(repr=False)
    params: Mapping[str, Any] = attrs.field(repr=False)
    keyed: bool = False


class CookieRule(Protocol):
    """What the page evaluates of a `ConsentCookie`: this cookie, these values mean yes, any other means no."""

    @property
    def name(self) -> str: ...
    @property
    def granted(self) -> Collection[str]: ...


class PageFields(TypedDict, total=False):
    """What a page's data is made of.

    `pixels` are further pixels that get every call too. `identify` holds digests under the pixel's names. `page`
    off means that the site tracks page views itself. With a `consent_rule` the page asks the cookie, and
    `hold_consent` says what to do while that is missing (wait, else nothing); without one it says that this visitor's
    calls wait. `gpc` is what the browser's Global Privacy Control means: limited data use, a no (unless the cookie
    says yes), or nothing.
    """

    pixel_code: Required[str]
    pixels: Iterable[str]
    calls: Required[Iterable[Call]]
    identify: Mapping[str, str] | None
    load_options: Mapping[str, Any]
    limited_data_use: bool
    hold_consent: bool
    page: bool
    generated_at_ms: Required[int]
    script_url: str
    consent_rule: CookieRule | None
    gpc: Literal["ldu", "deny", "ignore"]


def call_for(event: Event, event_id: str, *, keyed: bool) -> Call:
    """The pixel's twin of *event*: the same name and id, and of its properties what the pixel documents.

    Nothing of the user, the page or `extra` goes along.
    """
    wire = event._wire
    properties = wire.get("properties") or {}
    params: dict[str, Any] = {}
    if items := [_item(one, properties) for one in properties.get("contents", ())]:
        params["contents"] = items
    params.update((name, _copied(properties[name])) for name in _PARAMS if name in properties)
    # TikTok renamed query to search_string; its pixels are met with either.
    for name, other in (("query", "search_string"), ("search_string", "query")):
        if other in params:
            params.setdefault(name, params[other])
    if wire.get("limited_data_use"):
        params["limited_data_use"] = 1
    return Call(wire["event"], event_id, params, keyed)


def _item(item: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: item[name] for name in _ITEM if name in item}
    # The API takes the type of all items once, the pixel beside each.
    if "content_type" in properties:
        made.setdefault("content_type", properties["content_type"])
    return made


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(one) for key, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, (list, tuple)) else value


def payload(call: Call) -> dict[str, Any]:
    """*call* as `tiktokEvents.fire` takes it, for the body or header of an answer without a page."""
    return {"event": call.event, "event_id": call.event_id, "params": _copied(call.params)}


def checked_pixel_code(code: str) -> str:
    """*code*, if it is one.

    Raises:
        ConfigurationError: If not. Nothing else may reach a page.
    """
    if not isinstance(code, str) or not _PIXEL_CODE.fullmatch(code):
        raise ConfigurationError("a pixel code is 10 to 40 upper-case letters and digits")
    return code


def checked_script_url(url: str) -> str:
    """*url*, if the pixel's script may be loaded from it.

    Raises:
        ConfigurationError: If it is not https (or http on loopback), or has a query.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port  # read late, and refused only then
    except ValueError:
        raise ConfigurationError("script_url cannot be read: check its host and port") from None
    if not url.isascii() or not url.isprintable() or set(" \"'<>\\;,") & set(url):
        raise ConfigurationError("script_url must be a plain https address")
    if not parts.hostname or "@" in parts.netloc or "?" in url or "#" in url:
        raise ConfigurationError("script_url must be scheme, host and path, without user name or query")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ConfigurationError("script_url must be https: it runs in every page")
    return url


def page_data(**fields: Unpack[PageFields]) -> dict[str, Any]:
    """What the runtime needs to know of a page, JSON-ready. See `PageFields`.

    A page without calls and identify bears no time, so that it stays the same for everybody's cache.

    Raises:
        ConfigurationError: If a pixel code or the script's address is none.
        ValueError: If `identify` holds anything but digests.
    """
    codes = dict.fromkeys(map(checked_pixel_code, (fields["pixel_code"], *fields.get("pixels", ()))))
    page = fields.get("page", True)
    options = dict(fields.get("load_options", {}))
    if not page:
        options["historyObserver"] = False  # the library's own page views have no id and would count twice
    if fields.get("limited_data_use"):
        options["limited_data_use"] = True
    data: dict[str, Any] = {
        "pixels": list(codes),
        "script_url": checked_script_url(fields.get("script_url", SCRIPT_URL)),
        "options": options,
        "page": page,
        "hold": fields.get("hold_consent", False),
    }
    if (gpc := fields.get("gpc", "ldu")) != "ignore":
        data["gpc"] = gpc
    if (rule := fields.get("consent_rule")) is not None:
        data["consent"] = {"name": rule.name, "granted": sorted(rule.granted)}
    if identify := _identify(fields.get("identify")):
        data["identify"] = identify
    data["calls"] = _calls(fields["calls"])
    if data["calls"] or identify:
        data["generated_at"] = fields["generated_at_ms"]
    return data


def _identify(given: Mapping[str, str] | None) -> dict[str, str]:
    known = {name: digest for name, digest in (given or {}).items() if digest}
    if not all(
        name in _IDENTIFY and isinstance(digest, str) and _DIGEST.fullmatch(digest) for name, digest in known.items()
    ):
        raise ValueError(f"identify takes SHA-256 digests, and only as {', '.join(_IDENTIFY)}")
    return known


def calls_data(*, calls: Iterable[Call], generated_at_ms: int) -> dict[str, Any]:
    """Calls that join a page whose data is printed already, or comes further down."""
    return {"calls": _calls(calls), "generated_at": generated_at_ms}


def _calls(calls: Iterable[Call]) -> list[dict[str, Any]]:
    return [{**payload(call), "keyed": True} if call.keyed else payload(call) for call in calls]


@functools.cache
def runtime() -> str:
    """The script every way of delivery shares, without comments and indentation."""
    here = Path(__file__)
    lines = "\n".join(here.with_name(name).read_text("ascii") for name in ("loader.js", "runtime.js")).splitlines()
    kept = [text for text in (re.sub(r" // .*", "", line).strip() for line in lines) if text and text[:2] != "//"]
    return "\n".join(('(function(window,document){"use strict";', *kept, "})(window,document);"))


def render_pixel(*, nonce: object = None, **fields: Unpack[PageFields]) -> Markup:
    """One inline script: base code, consent, identify, page view and calls.

    Raises:
        ConfigurationError, ValueError: As `page_data`; also for a nonce that is none.
    """
    return _inline(f"{runtime()}\n{_push(page_data(**fields))}", nonce)


def render_calls(*, calls: Iterable[Call], generated_at_ms: int, nonce: object = None) -> Markup:
    """An inline script with *calls* alone; nothing without any. Before or after `render_pixel`, it is all the same.

    Raises:
        ConfigurationError: For a nonce that is none.
    """
    data = calls_data(calls=calls, generated_at_ms=generated_at_ms)
    return _inline(_push(data), nonce) if data["calls"] else Markup()


def render_data(**fields: Unpack[PageFields]) -> Markup:
    """The page's data for the static script. It is no code, so it needs no nonce.

    Raises:
        ConfigurationError, ValueError: As `page_data`.
    """
    return _block(page_data(**fields))


def render_calls_data(*, calls: Iterable[Call], generated_at_ms: int) -> Markup:
    """A further data block with *calls* alone; nothing without any."""
    data = calls_data(calls=calls, generated_at_ms=generated_at_ms)
    return _block(data) if data["calls"] else Markup()


def static_script() -> str:
    """The script that a site serves at an address of its own, as text; it changes with this package only.

    It reads what `tiktok.data()` prints, and offers `tiktokEvents.fire` and `.read`. A policy without inline code
    needs it, and so do pages that Python does not render.
    """
    return runtime() + "\n"


def _push(data: Mapping[str, Any]) -> str:
    # An array until the runtime is there, so that calls may stand above it.
    return f"(window.tiktokEvents=window.tiktokEvents||[]).push({script_json(data)});"


def _inline(code: str, nonce: object) -> Markup:
    return Markup(f"<script{nonce_attribute(nonce)}>{code}</script>")


def _block(data: Mapping[str, Any]) -> Markup:
    return Markup(f'<script type="application/json" id="{DATA_ID}">{script_json(data)}</script>')
