"""Click ids (`ttclid`) in ad links: detect placeholders, and find the id in links that another system has changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

_MACRO = r"__.*__|\{.*\}|\$\{.*\}|%%.*%%|\[.*\]|%7B.*%7D|%5B.*%5D"
_PLACEHOLDER = re.compile(rf"(?:{_MACRO}|undefined|null|none|nan|0)", re.IGNORECASE | re.DOTALL)
_PLACEHOLDER_STARTS = frozenset("_{$%[uUnN0")
# Mail programs and shops replace `&` with `&amp;` or `;`, and add a second question mark.
_PARAMETER = re.compile(r"(?:^|[?&;])(?:amp;)?ttclid=([^&;]*)", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9._-]+")
_MAX_PARAMETERS = 500
_MAX_IDS = 50


def is_placeholder(value: str) -> bool:
    """Whether *value* is a macro that was not replaced (`__CLICKID__`, `{{ttclid}}`), or a word for "no value"."""
    return value[:1] in _PLACEHOLDER_STARTS and _PLACEHOLDER.fullmatch(value) is not None


def has_click_id(query: str) -> bool:
    """Whether *query* may have the parameter `ttclid`, in upper or lower case."""
    return bool(query) and ("ttclid=" in query or "ttclid=" in query.lower())


def click_ids_in(query: str) -> Iterator[str]:
    """Yield the click ids in *query* without placeholders, each up to the first character that no click id contains."""
    if query.count("&") > _MAX_PARAMETERS:
        return
    for match in islice(_PARAMETER.finditer(query), _MAX_IDS):
        value = unquote(match[1], errors="replace")
        click_id = None if is_placeholder(value) else _ID.match(value)
        if click_id is not None and not is_placeholder(click_id[0]):
            yield click_id[0]
