"""Click ids in ad links: placeholders that are no id, and the id in a link that a system has changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

_MACRO = r"__.*__|\{.*\}|\$\{.*\}|%%.*%%|\[.*\]|%7B.*%7D|%5B.*%5D"
_PLACEHOLDER = re.compile(rf"(?:{_MACRO}|undefined|null|none|nan|0)", re.IGNORECASE | re.DOTALL)
_PLACEHOLDER_STARTS = frozenset("_{$%[uUnN0")
# Mail programs and shops write `&amp;` and `;` for `&`, and a second question mark.
_PARAMETER = re.compile(r"(?:^|[?&;])(?:amp;)?ttclid=([^&;]*)", re.IGNORECASE)
_ID = re.compile(r"[A-Za-z0-9._-]+")
_MAX_PARAMETERS = 500


def is_placeholder(value: str) -> bool:
    """Whether *value* is a macro that was not replaced (`__CLICKID__`, `{{ttclid}}`), or a word for "no value"."""
    return value[:1] in _PLACEHOLDER_STARTS and _PLACEHOLDER.fullmatch(value) is not None


def has_click_id(query: str) -> bool:
    """Whether *query* may have the parameter `ttclid`, in any case."""
    return bool(query) and ("ttclid=" in query or "ttclid=" in query.lower())


def click_ids_in(query: str) -> Iterator[str]:
    """The click ids of a *query*, each up to the first character that no click id has; without placeholders."""
    if query.count("&") > _MAX_PARAMETERS:
        return
    for found in _PARAMETER.finditer(query):
        value = unquote(found[1], errors="replace")
        click_id = None if is_placeholder(value) else _ID.match(value)
        if click_id is not None and not is_placeholder(click_id[0]):
            yield click_id[0]
