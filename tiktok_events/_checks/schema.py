"""Schema checks of a raw `data[]` item (parsed JSON): unknown keys, wrong types, malformed and unhashed values.

An event that is built from the classes passes them by construction; a received body or a line of a file may not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from tiktok_events._events.normalize import urls
from tiktok_events._events.normalize.identifiers import EMPTY_DIGEST, PLACEHOLDER_DIGESTS, is_digest
from tiktok_events._events.normalize.values import MAX_SHOWN_KEY, shown_key
from tiktok_events._events.user import is_ip_address, is_locale
from tiktok_events._spec.fields import ATT_STATUSES, CONTENT, DISCOURAGED, EVENT, LEGACY, OBJECTS, Field, replacement
from tiktok_events._spec.problem import Problem
from tiktok_events._spec.rules import problem

_MAX_HINTS = 100
"""Problems after which no similar names are searched: that takes longer than all other checks."""
_MAX_PROBLEMS = 1_000
"""Problems of one item after which unknown keys are no longer listed: a body may have any number of them."""

_ADDRESS_FIELDS = ("city", "state", "country")
_COUNTRY = re.compile(r"[a-z]{2}")
_CURRENCY = re.compile(r"[A-Za-z]{3}")


def _is_number(value: object) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


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


def check_schema(item: dict[str, Any], kind: str, problems: list[Problem]) -> dict[str, Any]:
    """Add to *problems* what is wrong with the schema of *item*. Returns a copy of its valid fields."""
    valid = _valid_fields(item, EVENT, "event", "", problems)
    for name, fields in OBJECTS.items():
        if name in valid:
            valid[name] = _valid_fields(valid[name], fields, name, f"{name}.", problems)
    _check_formats(valid, problems)
    if "event_time" not in valid and not any(
        found.field == "event_time" and found.rule != "empty-value" for found in problems
    ):
        problems.append(problem("event-time-missing", "event_time"))
    if kind == "web" and "event_id" not in valid and not any(found.field == "event_id" for found in problems):
        problems.append(problem("event-id-missing", "event_id"))
    return valid


def _valid_fields(
    values: Mapping[str, Any], fields: Mapping[str, Field], object_name: str, prefix: str, problems: list[Problem]
) -> dict[str, Any]:
    valid: dict[str, Any] = {}
    for key, value in values.items():
        path = prefix + key
        field = fields.get(key)
        if field is None:
            _check_unknown_key(key, object_name, path, fields, problems)
        elif value is None or value in ("", [], {}):
            problems.append(problem("empty-value", path))
        elif field.hashed:
            _check_digests(value, field, path, problems)
            valid[key] = value
        elif not _TYPES[field.type][0](value):
            rule = "value-malformed" if path == "properties.value" else "wrong-type"
            problems.append(problem(rule, path, _TYPES[field.type][1]))
        elif field.type == "integer" and value < 0 and path != "event_time":
            problems.append(problem("integer-negative", path))
        elif field.type == "contents":
            valid[key] = _valid_contents(value, path, problems)
        else:
            if key in DISCOURAGED and object_name == "properties":
                problems.append(problem("discouraged-field", path, replacement(DISCOURAGED[key])))
            valid[key] = value
    return valid


def _check_unknown_key(
    key: str, object_name: str, path: str, fields: Mapping[str, Field], problems: list[Problem]
) -> None:
    legacy = LEGACY.get(object_name, {}).get(key)
    if legacy is not None:
        problems.append(problem("legacy-field", path, replacement(legacy)))
        return
    if len(problems) >= _MAX_PROBLEMS:
        return
    import difflib  # imported only for an unknown key

    close = (
        difflib.get_close_matches(key, fields, 1) if len(key) <= MAX_SHOWN_KEY and len(problems) < _MAX_HINTS else []
    )
    # The key was received from outside: the message may be logged.
    shown = f"{path[: len(path) - len(key)]}{shown_key(key)}"
    problems.append(problem("unknown-field", shown, f"; the closest name is {close[0]}" if close else ""))


def _valid_contents(items: list[Any], path: str, problems: list[Problem]) -> list[dict[str, Any] | None]:
    valid: list[dict[str, Any] | None] = []
    for index, item in enumerate(items):
        item_path = f"{path}[{index}]"
        if isinstance(item, dict):
            valid.append(_valid_fields(item, CONTENT, "contents", f"{item_path}.", problems))
        else:
            problems.append(problem("wrong-type", item_path, "a JSON object"))
            valid.append(None)  # a placeholder, so that the other items have the right index
    return valid


def _check_digests(value: Any, field: Field, path: str, problems: list[Problem]) -> None:
    digests = value if isinstance(value, list) and field.many else [value]
    for digest in digests:
        if not isinstance(digest, str):
            expected = "a JSON string or a list of them" if field.many else "a JSON string"
            problems.append(problem("wrong-type", path, expected))
        elif not is_digest(digest):
            problems.append(problem("not-hashed", path))
        elif digest.lower() == EMPTY_DIGEST:
            problems.append(problem("hash-of-nothing", path))
        elif field.many and digest.lower() in PLACEHOLDER_DIGESTS:
            problems.append(problem("placeholder", path))


def _check_formats(item: dict[str, Any], problems: list[Problem]) -> None:
    _check_user(item.get("user", {}), problems)
    _check_page(item.get("page", {}), problems)
    properties = item.get("properties", {})
    if "currency" in properties and not _CURRENCY.fullmatch(properties["currency"]):
        problems.append(problem("currency-malformed", "properties.currency"))
        del properties["currency"]
    if not 0 <= item.get("ad", {}).get("attribution_share", 0) <= 1:
        problems.append(problem("share-range", "ad.attribution_share"))


def _check_user(user: dict[str, Any], problems: list[Problem]) -> None:
    problems.extend(
        problem("address-hashed", f"user.{field}") for field in _ADDRESS_FIELDS if is_digest(user.get(field, ""))
    )
    if "country" in user and not _COUNTRY.fullmatch(user["country"]) and not is_digest(user["country"]):
        problems.append(problem("country-malformed", "user.country"))
    if "ip" in user and not is_ip_address(user["ip"]):
        problems.append(problem("ip-malformed", "user.ip"))
    if "locale" in user and not is_locale(user["locale"]):
        problems.append(problem("locale-malformed", "user.locale"))
    if "att_status" in user and user["att_status"] not in ATT_STATUSES:
        problems.append(problem("att-status", "user.att_status"))
    for field, change_case in (("idfa", str.upper), ("gaid", str.lower)):
        if field in user and not is_digest(user[field]) and user[field] != change_case(user[field]):
            problems.append(problem("device-id-case", f"user.{field}"))


def _check_page(page: dict[str, Any], problems: list[Problem]) -> None:
    if "url" in page and not urls.is_http_url(page["url"]):
        problems.append(problem("page-url-malformed", "page.url"))
    if "referrer" in page and not urls.is_absolute_url(page["referrer"]):
        problems.append(problem("referrer-malformed", "page.referrer"))
    problems.extend(problem("url-secret", f"page.{field}") for field, url in page.items() if urls.contains_secret(url))
