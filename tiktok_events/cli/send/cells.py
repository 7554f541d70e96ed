"""Convert the text of CSV cells to the values of their fields."""

from __future__ import annotations

import re
from typing import Any

from tiktok_events._runtime import json_codec
from tiktok_events._spec.fields import CONTENT, EVENT, OBJECTS, Field
from tiktok_events._spec.problem import Problem
from tiktok_events.cli.file_rules import problem

ITEM = "properties.contents"
_JSON_TYPES = ("contents", "strings", "object", "any")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# Spreadsheets mark text that looks like a number: ="0123" in a CSV file, or an apostrophe before it.
_FORMULA_TEXT = re.compile(r'="([^"]*)"')
_APOSTROPHE_FIELDS = frozenset({
    "event_id",
    "event_time",
    "key",
    "user.email",
    "user.idfa",
    "user.gaid",
    "user.ip",
    "user.phone",
    "user.ttclid",
    "user.ttp",
    "user.zip_code",
})
"""Fields of other types than numbers whose values never start with an apostrophe, besides those that end in _id."""

_GROUPED = r"(?:[0-9]+|[0-9]{1,3}(?:[.\s'\u2019][0-9]{3})+)"
_DECIMAL_COMMA = re.compile(rf"([+-]?{_GROUPED})(?:,([0-9]*))?")
_HAS_DECIMAL_COMMA = re.compile(rf"[+-]?{_GROUPED},[0-9]{{1,2}}")
_GROUP_SIGNS = re.compile(r"[.\s'\u2019]")


def _paths() -> dict[str, Field]:
    paths = {name: field for name, field in EVENT.items() if name not in OBJECTS}
    for name, fields in OBJECTS.items():
        paths |= {f"{name}.{field}": one for field, one in fields.items()}
    paths |= {f"{ITEM}.{field}": one for field, one in CONTENT.items()}
    return paths | {"key": Field(), "user.phone_region": Field()}


PATHS = _paths()
"""Every column by its full name. Columns such as `properties.contents.price` describe the single item of a line."""


def cell_value(path: str, text: str, problems: list[Problem], *, decimal_comma: bool = False) -> Any:
    """Return the value of the field *path* for *text*, which is not empty. Problems are added to *problems*.

    With *decimal_comma*, numbers have a comma before their decimals, and points or blanks between groups of digits.
    """
    field = PATHS[path]
    text = _FORMULA_TEXT.sub(r"\1", text).strip()
    if text.startswith("'") and _never_starts_with_apostrophe(path, field):
        text = text[1:].strip()
    if field.type == "boolean":
        if text.lower() not in _BOOLEANS:
            problems.append(problem("cell-boolean", path))
        return _BOOLEANS.get(text.lower())
    if field.type in ("number", "integer") and path != "event_time":
        return _number(path, text, problems, decimal_comma=decimal_comma)
    if field.type in ("contents", "object") or (text[:1] in ("[", "{") and (field.many or field.type in _JSON_TYPES)):
        return _parse_json(path, text, problems)
    return text


def _never_starts_with_apostrophe(path: str, field: Field) -> bool:
    return field.type in ("number", "integer") or path in _APOSTROPHE_FIELDS or path.endswith("_id")


def _number(path: str, text: str, problems: list[Problem], *, decimal_comma: bool) -> str:
    if decimal_comma:
        match = _DECIMAL_COMMA.fullmatch(text)
        return f"{_GROUP_SIGNS.sub('', match[1])}.{match[2] or '0'}" if match else text
    if _HAS_DECIMAL_COMMA.fullmatch(text):
        problems.append(problem("cell-decimal-comma", path))
    return text


def _parse_json(path: str, text: str, problems: list[Problem]) -> Any:
    try:
        return json_codec.loads(text)
    except ValueError:
        problems.append(problem("cell-json", path))
        return None
