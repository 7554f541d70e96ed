"""Rules that only a raw `data[]` item can break: unknown keys, wrong types, unhashed values.

An event that is built from the classes cannot break them; a received body or a line of a file can.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from tiktok_events._events.normalize import urls
from tiktok_events._events.normalize.identifiers import NOTHING, PLACEHOLDERS, is_digest
from tiktok_events._events.user import is_address, is_locale
from tiktok_events._spec.fields import ATT_STATUSES, CONTENT, DISCOURAGED, EVENT, LEGACY, OBJECTS, Field
from tiktok_events._spec.problem import Problem
from tiktok_events._spec.rules import problem

_PLACES = ("city", "state", "country")
_COUNTRY = re.compile(r"[a-z]{2}")
_CURRENCY = re.compile(r"[A-Za-z]{3}")


def _is_number(value: object) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_TYPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "str": (_is_text, "a JSON string"),
    "number": (_is_number, "a JSON number"),
    "integer": (_is_integer, "a whole JSON number"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "strings": (_are_texts, "a list of JSON strings"),
    "object": (lambda value: isinstance(value, dict), "a JSON object"),
    "contents": (lambda value: isinstance(value, list), "a list of JSON objects"),
    "any": (lambda value: True, "any JSON"),
}


def check_shape(item: dict[str, Any], kind: str, found: list[Problem]) -> dict[str, Any]:
    """Add the problems of the form of *item* to *found*. Returns the well-formed part of it."""
    kept = _well_formed(item, EVENT, "event", "", found)
    for name, fields in OBJECTS.items():
        if name in kept:
            kept[name] = _well_formed(kept[name], fields, name, f"{name}.", found)
    _check_formats(kept, found)
    if "event_time" not in kept and not any(one.field == "event_time" and one.rule != "empty-value" for one in found):
        found.append(problem("event-time-missing", "event_time"))
    if kind == "web" and "event_id" not in kept and not any(one.field == "event_id" for one in found):
        found.append(problem("event-id-missing", "event_id"))
    return kept


def _well_formed(
    values: Mapping[str, Any], fields: Mapping[str, Field], where: str, prefix: str, found: list[Problem]
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in values.items():
        path = prefix + key
        field = fields.get(key)
        if field is None:
            _unknown(key, where, path, fields, found)
        elif value is None or value in ("", [], {}):
            found.append(problem("empty-value", path))
        elif field.hashed:
            _check_digests(value, field, path, found)
            kept[key] = value
        elif not _TYPES[field.type][0](value):
            rule = "value-malformed" if path == "properties.value" else "wrong-type"
            found.append(problem(rule, path, _TYPES[field.type][1]))
        elif field.type == "contents":
            kept[key] = _contents(value, path, found)
        else:
            if key in DISCOURAGED and where == "properties":
                found.append(problem("discouraged-field", path, DISCOURAGED[key]))
            kept[key] = value
    return kept


def _unknown(key: str, where: str, path: str, fields: Mapping[str, Field], found: list[Problem]) -> None:
    legacy = LEGACY.get(where, {}).get(key)
    if legacy:
        found.append(problem("legacy-field", path, legacy))
        return
    import difflib  # only for a mistake

    close = difflib.get_close_matches(key, fields, 1)
    # The key was received: only a known name may stand in a message that reaches a log.
    shown = path if key.isascii() and key.isidentifier() and len(key) <= 40 else f"{path[: -len(key)]}(a key)"
    found.append(problem("unknown-field", shown, f"; it reads like {close[0]}" if close else ""))


def _contents(items: list[Any], path: str, found: list[Problem]) -> list[dict[str, Any] | None]:
    kept: list[dict[str, Any] | None] = []
    for index, item in enumerate(items):
        place = f"{path}[{index}]"
        if isinstance(item, dict):
            kept.append(_well_formed(item, CONTENT, "contents", f"{place}.", found))
        else:
            found.append(problem("wrong-type", place, "a JSON object"))
            kept.append(None)  # so that the other items keep their index
    return kept


def _check_digests(value: Any, field: Field, path: str, found: list[Problem]) -> None:
    several = value if isinstance(value, list) and field.many else [value]
    for one in several:
        if not isinstance(one, str):
            wanted = "a JSON string or a list of them" if field.many else "a JSON string"
            found.append(problem("wrong-type", path, wanted))
        elif not is_digest(one):
            found.append(problem("not-hashed", path))
        elif one.lower() == NOTHING:
            found.append(problem("hash-of-nothing", path))
        elif field.many and one.lower() in PLACEHOLDERS:
            found.append(problem("placeholder", path))


def _check_formats(item: dict[str, Any], found: list[Problem]) -> None:
    _check_user(item.get("user", {}), found)
    _check_page(item.get("page", {}), found)
    properties = item.get("properties", {})
    if "currency" in properties and not _CURRENCY.fullmatch(properties["currency"]):
        found.append(problem("currency-malformed", "properties.currency"))
        del properties["currency"]
    if not 0 <= item.get("ad", {}).get("attribution_share", 0) <= 1:
        found.append(problem("share-range", "ad.attribution_share"))


def _check_user(user: dict[str, Any], found: list[Problem]) -> None:
    found.extend(problem("address-hashed", f"user.{field}") for field in _PLACES if is_digest(user.get(field, "")))
    if "country" in user and not _COUNTRY.fullmatch(user["country"]) and not is_digest(user["country"]):
        found.append(problem("country-malformed", "user.country"))
    if "ip" in user and not is_address(user["ip"]):
        found.append(problem("ip-malformed", "user.ip"))
    if "locale" in user and not is_locale(user["locale"]):
        found.append(problem("locale-malformed", "user.locale"))
    if "att_status" in user and user["att_status"] not in ATT_STATUSES:
        found.append(problem("att-status", "user.att_status"))
    for field, right in (("idfa", str.upper), ("gaid", str.lower)):
        if field in user and not is_digest(user[field]) and user[field] != right(user[field]):
            found.append(problem("device-id-case", f"user.{field}"))


def _check_page(page: dict[str, Any], found: list[Problem]) -> None:
    if "url" in page and not urls.is_full(page["url"]):
        found.append(problem("page-url-malformed", "page.url"))
    if "referrer" in page and not urls.is_absolute(page["referrer"]):
        found.append(problem("referrer-malformed", "page.referrer"))
    found.extend(problem("url-secret", f"page.{field}") for field, url in page.items() if urls.holds_secret(url))
