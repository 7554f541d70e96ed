"""Digests by which events of one visitor, and copies of one conversion, are recognized. No value is stored."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

_SECRET = secrets.token_bytes(32)
"""Made for each process, so that a digest in `--db` says nothing about a value."""

VISITOR_FIELDS = ("ttp", "ttclid", "email", "phone", "external_id", "user_agent")
"""The fields by which a visitor is recognized, strong ones first. Visitors share user agents."""

_MOST_VALUES = 5


def visitor_digests(user: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a text "field:digest" for each of the first values of each of `VISITOR_FIELDS` in *user*."""
    found = []
    for name in VISITOR_FIELDS:
        given = user.get(name)
        values = given if isinstance(given, list) else [given]
        found += [f"{name}:{_digest(value)}" for value in values[:_MOST_VALUES] if isinstance(value, str) and value]
    return tuple(found)


def items_digest(properties: Mapping[str, Any]) -> str | None:
    """Return a digest of the ids in `contents` or `content_ids`; None if there are none."""
    contents, ids = properties.get("contents"), properties.get("content_ids")
    listed = [one.get("content_id") for one in contents if isinstance(one, dict)] if isinstance(contents, list) else []
    names = sorted(str(one) for one in (listed or (ids if isinstance(ids, list) else [])) if one)
    return _digest(json.dumps(names)) if names else None


def order_digest(properties: Mapping[str, Any]) -> str | None:
    """Return a digest of `order_id`; None without one."""
    given = properties.get("order_id")
    return _digest(str(given)) if isinstance(given, (str, int)) and given != "" else None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=_SECRET).hexdigest()
