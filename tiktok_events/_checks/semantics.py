"""Semantic checks of a well-formed `data[]` item, for an event in memory and for a received body alike.

There is one function for each object; it reads the wire dict and adds to *problems*. The checks run for every event,
so the common case is a few dict look-ups.
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

_MIN_MILLISECONDS = 10**11
_DAY = 86_400
_MAX_WEB_AGE, _MAX_OFFLINE_AGE, _MAX_FUTURE = 2 * _DAY, 28 * _DAY, 300
_NOT_PUBLIC = re.compile(
    r"(?:0|10|127|22[4-9]|2[3-5][0-9]|169\.254|192\.168|192\.0\.[02]|192\.88\.99|198\.(?:1[89]|51\.100)|203\.0\.113|"
    r"172\.(?:1[6-9]|2[0-9]|3[01])|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\."
)
_PROGRAM_USER_AGENT = re.compile(
    r"(?:python|curl|wget|node|axios|go-http|java|okhttp|ruby|php|guzzle|apache-http|postman\w*|stripe|libwww|undici|got)\b",
    re.IGNORECASE,
)
_COOKIE_TIMESTAMP = re.compile(r".+\.[0-9]{13}", re.DOTALL)
_MATCH_KEYS = frozenset(USER) - {"locale", "att_status", "user_agent", "ip"}
_INVALID_VALUE_RULES = frozenset({
    "wrong-type",
    "value-malformed",
    "currency-malformed",
    "page-url-malformed",
    "empty-value",
})
_TRUNCATED_LENGTHS = (255, 256)
_NAMES_BY_LOWER_CASE = {
    "app": {name.lower(): name for name in APP_NAMES},
    "web": {name.lower(): name for name in STANDARD_NAMES},
}


def _fields_not_for(fields: dict[str, Any], kind: Kind) -> frozenset[str]:
    return frozenset(name for name, field in fields.items() if kind not in field.sources)


_UNDOCUMENTED = {kind: _fields_not_for(EVENT, kind) - {"event_id", "ad"} for kind in KINDS}
_UNDOCUMENTED_USER = {kind: _fields_not_for(USER, kind) for kind in KINDS}
_UNDOCUMENTED_AD = {kind: _fields_not_for(AD, kind) for kind in KINDS}
_KNOWN_NAMES = {
    "app": APP_NAMES,
    "web": STANDARD_NAMES | PAGE_VIEW_NAMES,
    "offline": STANDARD_NAMES,
    "crm": STANDARD_NAMES,
}


def check_semantics(item: Item, kind: Kind, now: float, problems: list[Problem]) -> None:
    """Add to *problems* what is wrong with *item*, sent at *now* (Unix seconds) as an event of *kind*."""
    name = item.get("event") or ""
    if name not in _KNOWN_NAMES[kind]:
        _check_name(name, kind, problems)
    event_time = item.get("event_time")
    if event_time is not None and not (now - _MAX_WEB_AGE <= event_time <= now + _MAX_FUTURE):
        _check_time(event_time, kind, now, problems)
    if not item.keys().isdisjoint(_UNDOCUMENTED[kind]):
        problems.extend(problem("field-source", field, kind) for field in item if field in _UNDOCUMENTED[kind])
    user = item.get("user")
    if user:
        _check_user(user, kind, problems)
    _check_identifiers(user or {}, item, kind, problems)
    properties = item.get("properties")
    if properties:
        _check_properties(properties, problems)
    if name in CONTENT_NAMES or name == "Search":
        _check_recommended_fields(name, properties or {}, problems)
    if kind == "web":
        _check_page(item.get("page") or {}, problems)
    elif kind == "app":
        _check_app(item, problems)
    if "ad" in item:
        _check_ad(item["ad"], kind, problems)


def without_follow_on_problems(problems: list[Problem]) -> list[Problem]:
    """*problems* without those that only follow from another problem of the same field.

    An invalid field is not reported as missing too. A required field that is empty is reported as missing, not as
    empty.
    """
    invalid_fields = {found.field for found in problems if found.rule in _INVALID_VALUE_RULES}
    if not invalid_fields:
        return problems
    empty = {found.field for found in problems if found.rule == "empty-value"}
    missing = {found.field for found in problems if found.rule.endswith("-missing") and found.severity == "error"}
    return [found for found in problems if not _is_follow_on(found, invalid_fields, missing & empty)]


def _is_follow_on(found: Problem, invalid_fields: set[str], missing_and_empty: set[str]) -> bool:
    if found.field in missing_and_empty:
        return found.rule == "empty-value"
    return found.field in invalid_fields and found.rule.endswith("-missing")


def _check_name(name: str, kind: Kind, problems: list[Problem]) -> None:
    standard_name = _NAMES_BY_LOWER_CASE["app" if kind == "app" else "web"].get(name.lower())
    if not name:
        problems.append(problem("event-missing", "event"))
    elif name in DEPRECATED_NAMES:
        successor = DEPRECATED_NAMES[name]
        rule = "name-sunset" if name in SUNSET_NAMES else "name-deprecated"
        problems.append(problem(rule, "event", f" of {successor}" if successor else ""))
    elif name in RESERVED_NAMES:
        problems.append(problem("name-reserved", "event", RESERVED_NAMES[name]))
    elif kind == "offline":
        problems.append(problem("name-offline", "event"))
    elif standard_name:
        problems.append(problem("name-case", "event", standard_name))
    elif not CUSTOM_NAME.fullmatch(name):
        problems.append(problem("name-custom", "event"))


def _check_time(event_time: int, kind: Kind, now: float, problems: list[Problem]) -> None:
    if event_time > _MIN_MILLISECONDS:
        problems.append(problem("event-time-unit", "event_time"))
        return
    if event_time <= 0:
        problems.append(problem("event-time-range", "event_time"))
        return
    age = now - event_time  # computed only here: a JSON integer may be larger than any float
    if age < -_MAX_FUTURE:
        problems.append(problem("event-time-future", "event_time"))
    elif kind == "offline":
        if age > _MAX_OFFLINE_AGE:
            problems.append(problem("event-time-offline", "event_time", _age_text(age)))
    elif kind == "web" and age > _MAX_WEB_AGE:
        problems.append(problem("event-time-late", "event_time", _age_text(age)))


def _age_text(age: float) -> str:
    return f"{age / 3600:.0f} hours" if age < 4 * _DAY else f"{age / _DAY:.0f} days"


def _check_user(user: Item, kind: Kind, problems: list[Problem]) -> None:
    if not user.keys().isdisjoint(_UNDOCUMENTED_USER[kind]):
        problems.extend(
            problem("field-source", f"user.{field}", kind) for field in user if field in _UNDOCUMENTED_USER[kind]
        )
    ip = user.get("ip")
    if ip and (_NOT_PUBLIC.match(ip) or (":" in ip and not _is_public(ip))):
        problems.append(problem("ip-not-public", "user.ip"))
    user_agent = user.get("user_agent")
    if user_agent and not user_agent.startswith("Mozilla/") and _PROGRAM_USER_AGENT.match(user_agent):
        problems.append(problem("user-agent-not-browser", "user.user_agent"))
    ttclid = user.get("ttclid")
    if ttclid and (len(ttclid) > 254 or ttclid[-14:-13] == "." or is_placeholder(ttclid)):
        _check_ttclid(ttclid, problems)
    if (ttp := user.get("ttp")) and is_placeholder(ttp):
        problems.append(problem("click-id-placeholder", "user.ttp"))


def _check_ttclid(ttclid: str, problems: list[Problem]) -> None:
    if is_placeholder(ttclid):
        problems.append(problem("click-id-placeholder", "user.ttclid"))
    elif len(ttclid) in _TRUNCATED_LENGTHS:
        problems.append(problem("ttclid-truncated", "user.ttclid"))
    elif len(ttclid) > 1000:
        problems.append(problem("ttclid-long", "user.ttclid"))
    if _COOKIE_TIMESTAMP.fullmatch(ttclid):
        problems.append(problem("ttclid-cookie", "user.ttclid"))


def _is_public(ip: str) -> bool:
    try:
        return ipaddress.ip_address(ip).is_global
    except ValueError:
        return False


def _check_identifiers(user: Item, item: Item, kind: Kind, problems: list[Problem]) -> None:
    has_contact = "email" in user or "phone" in user
    if kind == "crm":
        if not (item.get("lead") or {}).get("lead_id"):
            problems.append(problem("lead-id-advised" if has_contact else "lead-id-missing", "lead.lead_id"))
    elif kind == "offline":
        if not has_contact:
            problems.append(problem("offline-identifier", "user"))
    elif not has_contact and user.keys().isdisjoint(_MATCH_KEYS) and not ("ip" in user and "user_agent" in user):
        problems.append(problem("no-identifier", "user"))
    if item.get("limited_data_use") and "ip" not in user:
        problems.append(problem("ldu-without-ip", "limited_data_use"))


def _check_properties(properties: Item, problems: list[Problem]) -> None:
    value, currency = properties.get("value"), properties.get("currency")
    if value is not None:
        if value < 0:
            problems.append(problem("value-negative", "properties.value"))
        if currency is None:
            problems.append(problem("currency-missing", "properties.currency"))
    if currency is not None and currency not in CURRENCIES:
        rule = "currency-case" if currency.upper() in CURRENCIES else "currency-unsupported"
        problems.append(problem(rule, "properties.currency"))
    content_type = properties.get("content_type")
    if content_type is not None and content_type not in CONTENT_TYPES:
        problems.append(problem("content-type", "properties.content_type"))
    customer_type = properties.get("customer_type")
    if customer_type is not None and customer_type not in CUSTOMER_TYPES:
        problems.append(problem("customer-type", "properties.customer_type"))
    for content in properties.get("contents") or ():
        if content is None or not _has_id(content) or (content_type is None and "content_type" in content):
            _check_contents(properties["contents"], content_type, problems)
            break


def _check_contents(contents: list[Item | None], content_type: str | None, problems: list[Problem]) -> None:
    for index, content in enumerate(contents):
        if content is None:
            continue
        if not _has_id(content):
            problems.append(problem("content-id-missing", f"properties.contents[{index}].content_id"))
        if content_type is None and "content_type" in content:
            problems.append(problem("content-type-place", f"properties.contents[{index}].content_type"))


def _has_id(content: Item) -> bool:
    content_id = content.get("content_id")
    return content_id is not None and not content_id.isspace()  # TikTok does not count blanks as an id (O2)


def _check_recommended_fields(name: str, properties: Item, problems: list[Problem]) -> None:
    contents = properties.get("contents") or ()
    needs_value = name in VALUE_ADVISED_NAMES or (name in SEVERAL_CONTENTS_NAMES and len(contents) > 1)
    if needs_value and "value" not in properties:
        problems.append(problem("value-missing", "properties.value"))
    has_ids = any(str(content_id).strip() for content_id in properties.get("content_ids") or ())
    if name in CONTENT_NAMES and not (contents or has_ids):
        problems.append(problem("contents-missing", "properties.contents"))
    if name == "Search" and not (properties.get("search_string") or properties.get("query")):
        problems.append(problem("search-missing", "properties.search_string"))


def _check_page(page: Item, problems: list[Problem]) -> None:
    if not page.get("url"):
        problems.append(problem("page-url-missing", "page.url"))


def _check_app(item: Item, problems: list[Problem]) -> None:
    if not (item.get("app") or {}).get("app_id"):
        problems.append(problem("app-id-missing", "app.app_id"))
    if "event_id" in item:
        problems.append(problem("event-id-app", "event_id"))


def _check_ad(ad: Item, kind: Kind, problems: list[Problem]) -> None:
    if kind not in ("web", "app"):
        problems.append(problem("ad-source", "ad"))
    else:
        problems.extend(problem("field-source", f"ad.{field}", kind) for field in ad if field in _UNDOCUMENTED_AD[kind])
