"""Render the pixel: base code, calls, and the data block for the static script. Pure functions.

A page has one runtime (`loader.js` and `runtime.js`) and data for it. The inline script, the data block and the static
file differ only in how the runtime gets the data.
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
"""The element id of the data block. `runtime.js` contains it, too."""

_PIXEL_CODE = re.compile(r"[A-Z0-9]{10,40}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_IDENTIFY = ("sha256_email", "sha256_phone_number", "external_id")
# The key is that of `runtime.js`.
_FORGET = '["localStorage","sessionStorage"].forEach(function(name){try{window[name].removeItem("tte:fired")}catch(error){}});'
_PARAMS = (
    *("content_type", "content_ids", "num_items", "value", "currency", "description", "query", "search_string"),
    *("status", "order_id", "shop_id", *TRAVEL, *VEHICLE),
)
_ITEM = ("content_id", "content_type", "content_name", "content_category", "brand", "price", "quantity")


@attrs.frozen
class Call:
    """One pixel call that matches a server event. `keyed`: its id was made from a key, so it is used at any page age."""

    event: str
    event_id: str | None = attrs.field(repr=False)
    params: Mapping[str, Any] = attrs.field(repr=False)
    keyed: bool = False


class CookieRule(Protocol):
    """The part of a `ConsentCookie` that the page's script evaluates: the cookie's name and the values that grant."""

    @property
    def name(self) -> str: ...
    @property
    def granted(self) -> Collection[str]: ...


class PageFields(TypedDict, total=False):
    """The arguments of `page_data`.

    - `pixels`: further pixels that get every call.
    - `identify`: digests under the pixel's names.
    - `page`: False if the site tracks page views itself.
    - `consent_rule`: the cookie that the page's script reads.
    - `hold_consent`: with a `consent_rule`, hold calls while its cookie is missing (else make none); without a rule,
      hold the calls of this visitor.
    - `gpc`: the effect of Global Privacy Control: limited data use, a denial (unless the cookie grants), or none.
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
    """The pixel call that matches *event*: the same name and id, and the properties that the pixel documents.

    It holds nothing of the user, the page or `extra`.
    """
    wire = event._wire
    properties = wire.get("properties") or {}
    params: dict[str, Any] = {}
    if items := [_pixel_item(item, properties) for item in properties.get("contents", ())]:
        params["contents"] = items
    params.update((name, _deep_copy(properties[name])) for name in _PARAMS if name in properties)
    # TikTok renamed query to search_string; pixels of both versions are in use.
    for name, other in (("query", "search_string"), ("search_string", "query")):
        if other in params:
            params.setdefault(name, params[other])
    if wire.get("limited_data_use"):
        params["limited_data_use"] = 1
    return Call(wire["event"], event_id, params, keyed)


def _pixel_item(item: Mapping[str, Any], properties: Mapping[str, Any]) -> dict[str, Any]:
    pixel_item = {name: item[name] for name in _ITEM if name in item}
    # The API takes one content_type for all items, the pixel takes one per item.
    if "content_type" in properties:
        pixel_item.setdefault("content_type", properties["content_type"])
    return pixel_item


def _deep_copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _deep_copy(element) for key, element in value.items()}
    return [_deep_copy(element) for element in value] if isinstance(value, (list, tuple)) else value


def payload(call: Call) -> dict[str, Any]:
    """*call* as `tiktokEvents.fire` takes it, for the body or header of a response that is not a page."""
    return {"event": call.event, "event_id": call.event_id, "params": _deep_copy(call.params)}


def checked_pixel_code(code: str) -> str:
    """*code*, if it is a pixel code.

    Raises:
        ConfigurationError: If it is not. It is rendered into pages.
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
        _ = parts.port  # an invalid port raises only here
    except ValueError:
        raise ConfigurationError("script_url is not a valid URL: check its host and port") from None
    if not url.isascii() or not url.isprintable() or set(" \"'<>\\;,") & set(url):
        raise ConfigurationError("script_url must be an https URL without spaces, quotes, commas or semicolons")
    if not parts.hostname or "@" in parts.netloc or "?" in url or "#" in url:
        raise ConfigurationError("script_url must be scheme, host and path, without user name or query")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise ConfigurationError("script_url must be https: the script runs in every page")
    return url


def page_data(**fields: Unpack[PageFields]) -> dict[str, Any]:
    """The data of a page for the runtime, JSON-ready. See `PageFields`.

    Without calls and identify, the data has no time, so that it is the same for all visitors and can be cached.

    Raises:
        ConfigurationError: If a pixel code or the script's URL is not valid.
        ValueError: If `identify` holds anything but digests.
    """
    codes = dict.fromkeys(map(checked_pixel_code, (fields["pixel_code"], *fields.get("pixels", ()))))
    page = fields.get("page", True)
    options = dict(fields.get("load_options", {}))
    if not page:
        options["historyObserver"] = False  # the page views of TikTok's script have no id and would count twice
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
    if identify := _checked_digests(fields.get("identify")):
        data["identify"] = identify
    data["calls"] = _calls(fields["calls"])
    if data["calls"] or identify:
        data["generated_at"] = fields["generated_at_ms"]
    return data


def _checked_digests(identify: Mapping[str, str] | None) -> dict[str, str]:
    digests = {name: digest for name, digest in (identify or {}).items() if digest}
    if not all(
        name in _IDENTIFY and isinstance(digest, str) and _DIGEST.fullmatch(digest) for name, digest in digests.items()
    ):
        raise ValueError(f"identify takes only SHA-256 digests, with the names {', '.join(_IDENTIFY)}")
    return digests


def calls_data(*, calls: Iterable[Call], generated_at_ms: int) -> dict[str, Any]:
    """The data of calls alone, for a page whose other data is rendered elsewhere."""
    return {"calls": _calls(calls), "generated_at": generated_at_ms}


def _calls(calls: Iterable[Call]) -> list[dict[str, Any]]:
    return [{**payload(call), "keyed": True} if call.keyed else payload(call) for call in calls]


@functools.cache
def runtime() -> str:
    """`loader.js` and `runtime.js` as one script, without comments and indentation."""
    here = Path(__file__)
    lines = "\n".join(here.with_name(name).read_text("ascii") for name in ("loader.js", "runtime.js")).splitlines()
    code = [text for text in (re.sub(r" // .*", "", line).strip() for line in lines) if text and text[:2] != "//"]
    return "\n".join(('(function(window,document){"use strict";', *code, "})(window,document);"))


def render_pixel(*, nonce: object = None, **fields: Unpack[PageFields]) -> Markup:
    """One inline script: base code, consent, identify, page view and calls.

    Raises:
        ConfigurationError, ValueError: As `page_data`; also if *nonce* is not valid.
    """
    return _script_element(f"{runtime()}\n{_push_statement(page_data(**fields))}", nonce)


def render_calls(*, calls: Iterable[Call], generated_at_ms: int, nonce: object = None) -> Markup:
    """An inline script with *calls* alone; empty without calls. It may stand before or after `render_pixel`.

    Raises:
        ConfigurationError: If *nonce* is not valid.
    """
    data = calls_data(calls=calls, generated_at_ms=generated_at_ms)
    return _script_element(_push_statement(data), nonce) if data["calls"] else Markup()


def render_data(**fields: Unpack[PageFields]) -> Markup:
    """The page's data for the static script. It is not code, so it needs no nonce.

    Raises:
        ConfigurationError, ValueError: As `page_data`.
    """
    return _data_block(page_data(**fields))


def render_calls_data(*, calls: Iterable[Call], generated_at_ms: int) -> Markup:
    """A further data block with *calls* alone; empty without calls."""
    data = calls_data(calls=calls, generated_at_ms=generated_at_ms)
    return _data_block(data) if data["calls"] else Markup()


def render_forget(nonce: object = None) -> Markup:
    """An inline script that removes the page's record of fired calls, for the response that revokes consent.

    Raises:
        ConfigurationError: If *nonce* is not valid.
    """
    return _script_element(_FORGET, nonce)


def render_forget_data() -> Markup:
    """The same as a data block for the static script."""
    return _data_block({"forget": True})


def static_script() -> str:
    """The static script, as text, for a site that serves it at its own URL; it changes only with this package.

    It reads the block that `tiktok.data()` renders, and offers `tiktokEvents.fire` and `.read`. It is for policies
    without inline code, and for pages that Python does not render.
    """
    return runtime() + "\n"


def _push_statement(data: Mapping[str, Any]) -> str:
    # `tiktokEvents` is an array until the runtime has loaded, so that calls may precede it.
    return f"(window.tiktokEvents=window.tiktokEvents||[]).push({script_json(data)});"


def _script_element(code: str, nonce: object) -> Markup:
    return Markup(f"<script{nonce_attribute(nonce)}>{code}</script>")


def _data_block(data: Mapping[str, Any]) -> Markup:
    return Markup(f'<script type="application/json" id="{DATA_ID}">{script_json(data)}</script>')
