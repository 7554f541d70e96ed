"""Rules for a well-formed `data[]` item: the same for an event in memory and for a received body.

One function per object; each reads the wire dict and adds problems to *found*. They run for every event, so the
common case is a few dict look-ups.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any

from tiktok_events._events.normalize.click_ids import is_placeholder
from tiktok_events._spec.currencies import CURRENCIES
from tiktok_events._spec.fields import AD, CONTENT_TYPES, CUSTOMER_TYPES, EVENT, KINDS, USER, Kind
from tiktok_events._spec.names import (
    APP_NAMES,
    CONTENT_NAMES,
    CUSTOM_NAME,
    DEPRECATED_NAMES,
    PAGE_VIEW_NAMES,
    RESERVED_NAMES,
    SEVERAL_CONTENTS_NAMES,
    STANDARD_NAMES,
    SUNSET_NAMES,
    VALUE_ADVISED_NAMES,
)
from tiktok_events._spec.problem import Problem
from tiktok_events._spec.rules import problem

Item = dict[str, Any]

_MILLISECONDS = 10**11
_DAY = 86_400
_LATE, _OFFLINE_AGE, _FUTURE = 2 * _DAY, 28 * _DAY, 300
_NOT_PUBLIC = re.compile(
    r"(?:0|10|127|22[4-9]|2[3-5][0-9]|169\.254|192\.168|192\.0\.[02]|192\.88\.99|198\.(?:1[89]|51\.100)|203\.0\.113|"
    r"172\.(?:1[6-9]|2[0-9]|3[01])|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\."
)
_PROGRAM = re.compile(
    r"(?:python|curl|wget|node|axios|go-http|java|okhttp|ruby|php|guzzle|apache-http|postman\w*|stripe|libwww|undici|got)\b",
    re.IGNORECASE,
)
_COOKIE_TAIL = re.compile(r".+\.[0-9]{13}", re.DOTALL)
_MATCH_KEYS = frozenset(USER) - {"locale", "att_status", "user_agent", "ip"}
_SET_ASIDE = frozenset({"wrong-type", "value-malformed", "currency-malformed", "page-url-malformed", "empty-value"})
_CUT_LENGTHS = (255, 256)
_BY_LOWER_CASE = {
    "app": {name.lower(): name for name in APP_NAMES},
    "web": {name.lower(): name for name in STANDARD_NAMES},
}


def _fields_outside(fields: dict[str, Any], kind: Kind) -> frozenset[str]:
    return frozenset(name for name, field in fields.items() if kind not in field.sources)


_FOREIGN = {kind: _fields_outside(EVENT, kind) - {"event_id", "ad"} for kind in KINDS}
_FOREIGN_USER = {kind: _fields_outside(USER, kind) for kind in KINDS}
_FOREIGN_AD = {kind: _fields_outside(AD, kind) for kind in KINDS}
_QUIET_NAMES = {
    "app": APP_NAMES,
    "web": STANDARD_NAMES | PAGE_VIEW_NAMES,
    "offline": STANDARD_NAMES,
    "crm": STANDARD_NAMES,
}


def check_item(item: Item, kind: Kind, now: float, found: list[Problem]) -> None:
    """Add to *found* the problems of *item*, sent at *now* (Unix seconds) as an event of *kind*."""
    name = item.get("event") or ""
    if name not in _QUIET_NAMES[kind]:
        _check_name(name, kind, found)
    event_time = item.get("event_time")
    if event_time is not None and not (now - _LATE <= event_time <= now + _FUTURE):
        _check_time(event_time, kind, now, found)
    if not item.keys().isdisjoint(_FOREIGN[kind]):
        found.extend(problem("field-source", field, kind) for field in item if field in _FOREIGN[kind])
    user = item.get("user")
    if user:
        _check_user(user, kind, found)
    _check_matching(user or {}, item, kind, found)
    properties = item.get("properties")
    if properties:
        _check_properties(properties, found)
    if name in CONTENT_NAMES or name == "Search":
        _check_advice(name, properties or {}, found)
    if kind == "web":
        _check_page(item.get("page") or {}, found)
    elif kind == "app":
        _check_app(item, found)
    if "ad" in item:
        _check_ad(item["ad"], kind, found)


def without_echoes(found: list[Problem]) -> list[Problem]:
    """*found* without problems that only repeat another one: a malformed field is not also missing.

    A required field that is empty is reported as missing, and not as empty too.
    """
    shaped = {one.field for one in found if one.rule in _SET_ASIDE}
    if not shaped:
        return found
    empty = {one.field for one in found if one.rule == "empty-value"}
    lacking = {one.field for one in found if one.rule.endswith("-missing") and one.severity == "error"} & empty
    return [one for one in found if not _is_echo(one, shaped, lacking)]


def _is_echo(one: Problem, shaped: set[str], lacking: set[str]) -> bool:
    if one.field in lacking:
        return one.rule == "empty-value"
    return one.field in shaped and one.rule.endswith("-missing")


def _check_name(name: str, kind: Kind, found: list[Problem]) -> None:
    same_but_case = _BY_LOWER_CASE["app" if kind == "app" else "web"].get(name.lower())
    if not name:
        found.append(problem("event-missing", "event"))
    elif name in DEPRECATED_NAMES:
        successor = DEPRECATED_NAMES[name]
        rule = "name-sunset" if name in SUNSET_NAMES else "name-deprecated"
        found.append(problem(rule, "event", f" of {successor}" if successor else ""))
    elif name in RESERVED_NAMES:
        found.append(problem("name-reserved", "event", RESERVED_NAMES[name]))
    elif kind == "offline":
        found.append(problem("name-offline", "event"))
    elif same_but_case:
        found.append(problem("name-case", "event", same_but_case))
    elif not CUSTOM_NAME.fullmatch(name):
        found.append(problem("name-custom", "event"))


def _check_time(event_time: int, kind: Kind, now: float, found: list[Problem]) -> None:
    if event_time > _MILLISECONDS:
        found.append(problem("event-time-unit", "event_time"))
        return
    if event_time <= 0:
        found.append(problem("event-time-range", "event_time"))
        return
    age = now - event_time  # only here: integers of JSON may be larger than any float
    if age < -_FUTURE:
        found.append(problem("event-time-future", "event_time"))
    elif kind == "offline":
        if age > _OFFLINE_AGE:
            found.append(problem("event-time-offline", "event_time", _ago(age)))
    elif kind == "web" and age > _LATE:
        found.append(problem("event-time-late", "event_time", _ago(age)))


def _ago(age: float) -> str:
    return f"{age / 3600:.0f} hours" if age < 4 * _DAY else f"{age / _DAY:.0f} days"


def _check_user(user: Item, kind: Kind, found: list[Problem]) -> None:
    if not user.keys().isdisjoint(_FOREIGN_USER[kind]):
        found.extend(problem("field-source", f"user.{field}", kind) for field in user if field in _FOREIGN_USER[kind])
    ip = user.get("ip")
    if ip and (_NOT_PUBLIC.match(ip) or (":" in ip and not _is_public(ip))):
        found.append(problem("ip-not-public", "user.ip"))
    user_agent = user.get("user_agent")
    if user_agent and not user_agent.startswith("Mozilla/") and _PROGRAM.match(user_agent):
        found.append(problem("user-agent-not-browser", "user.user_agent"))
    ttclid = user.get("ttclid")
    if ttclid and (len(ttclid) > 254 or ttclid[-14:-13] == "." or is_placeholder(ttclid)):
        _check_ttclid(ttclid, found)
    if (ttp := user.get("ttp")) and is_placeholder(ttp):
        found.append(problem("click-id-placeholder", "user.ttp"))


def _check_ttclid(ttclid: str, found: list[Problem]) -> None:
    if is_placeholder(ttclid):
        found.append(problem("click-id-placeholder", "user.ttclid"))
    elif len(ttclid) in _CUT_LENGTHS:
        found.append(problem("ttclid-truncated", "user.ttclid"))
    elif len(ttclid) > 1000:
        found.append(problem("ttclid-long", "user.ttclid"))
    if _COOKIE_TAIL.fullmatch(ttclid):
        found.append(problem("ttclid-cookie", "user.ttclid"))


def _is_public(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_global
    except ValueError:
        return False


def _check_matching(user: Item, item: Item, kind: Kind, found: list[Problem]) -> None:
    reachable = "email" in user or "phone" in user
    if kind == "crm":
        if not (item.get("lead") or {}).get("lead_id"):
            found.append(problem("lead-id-advised" if reachable else "lead-id-missing", "lead.lead_id"))
    elif kind == "offline":
        if not reachable:
            found.append(problem("offline-identifier", "user"))
    elif not reachable and user.keys().isdisjoint(_MATCH_KEYS) and not ("ip" in user and "user_agent" in user):
        found.append(problem("no-identifier", "user"))
    if item.get("limited_data_use") and "ip" not in user:
        found.append(problem("ldu-without-ip", "limited_data_use"))


def _check_properties(properties: Item, found: list[Problem]) -> None:
    value, currency = properties.get("value"), properties.get("currency")
    if value is not None:
        if value < 0:
            found.append(problem("value-negative", "properties.value"))
        if currency is None:
            found.append(problem("currency-missing", "properties.currency"))
    if currency is not None and currency not in CURRENCIES:
        rule = "currency-case" if currency.upper() in CURRENCIES else "currency-unsupported"
        found.append(problem(rule, "properties.currency"))
    content_type = properties.get("content_type")
    if content_type is not None and content_type not in CONTENT_TYPES:
        found.append(problem("content-type", "properties.content_type"))
    customer_type = properties.get("customer_type")
    if customer_type is not None and customer_type not in CUSTOMER_TYPES:
        found.append(problem("customer-type", "properties.customer_type"))
    for content in properties.get("contents") or ():
        if content is None or not _has_id(content) or (content_type is None and "content_type" in content):
            _check_contents(properties["contents"], content_type, found)
            break


def _check_contents(contents: list[Item | None], content_type: str | None, found: list[Problem]) -> None:
    for index, content in enumerate(contents):
        if content is None:
            continue
        if not _has_id(content):
            found.append(problem("content-id-missing", f"properties.contents[{index}].content_id"))
        if content_type is None and "content_type" in content:
            found.append(problem("content-type-place", f"properties.contents[{index}].content_type"))


def _has_id(content: Item) -> bool:
    content_id = content.get("content_id")
    return content_id is not None and not content_id.isspace()  # for TikTok, blanks are no id (O2)


def _check_advice(name: str, properties: Item, found: list[Problem]) -> None:
    contents = properties.get("contents") or ()
    needs_value = name in VALUE_ADVISED_NAMES or (name in SEVERAL_CONTENTS_NAMES and len(contents) > 1)
    if needs_value and "value" not in properties:
        found.append(problem("value-missing", "properties.value"))
    has_ids = any(str(one).strip() for one in properties.get("content_ids") or ())
    if name in CONTENT_NAMES and not (contents or has_ids):
        found.append(problem("contents-missing", "properties.contents"))
    if name == "Search" and not (properties.get("search_string") or properties.get("query")):
        found.append(problem("search-missing", "properties.search_string"))


def _check_page(page: Item, found: list[Problem]) -> None:
    if not page.get("url"):
        found.append(problem("page-url-missing", "page.url"))


def _check_app(item: Item, found: list[Problem]) -> None:
    if not (item.get("app") or {}).get("app_id"):
        found.append(problem("app-id-missing", "app.app_id"))
    if "event_id" in item:
        found.append(problem("event-id-app", "event_id"))


def _check_ad(ad: Item, kind: Kind, found: list[Problem]) -> None:
    if kind not in ("web", "app"):
        found.append(problem("ad-source", "ad"))
    else:
        found.extend(problem("field-source", f"ad.{field}", kind) for field in ad if field in _FOREIGN_AD[kind])
