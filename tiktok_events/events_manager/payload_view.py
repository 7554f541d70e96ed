"""Payloads as pages and the API show them: digests and ids shortened, flat, and compared (pure functions)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from tiktok_events._events.normalize import identifiers, urls
from tiktok_events._events.normalize.identifiers import is_digest
from tiktok_events._spec.problem import Refused

_SHORTENED = frozenset({"ttclid", "ttp", "idfa", "gaid", "idfv", "lead_id"})
_MAX_TEXT = 300
_MAX_FIELDS = 300
_HASHES = {
    "email": identifiers.hash_email,
    "phone": identifiers.hash_phone,
    "external_id": identifiers.hash_external_id,
    "first_name": identifiers.hash_name,
    "last_name": identifiers.hash_name,
    "zip_code": identifiers.hash_zip_code,
}
"""How each field that is sent as a digest is hashed."""


def shortened(value: Any, name: str = "") -> Any:
    """*value* with digests, click ids and device ids cut, and without secrets in URLs."""
    if isinstance(value, dict):
        return {str(key): shortened(one, str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [shortened(one, name) for one in value]
    if not isinstance(value, str):
        return value
    if name in _HASHES and not is_digest(value):
        return f"(not hashed, {len(value)} characters)"
    if is_digest(value) or (name in _SHORTENED and len(value) > 8):
        return f"{value[:4]}…{value[-2:]}"
    if name in ("url", "referrer"):
        value = urls.without_secrets(value[:_MAX_TEXT])
    return value if len(value) <= _MAX_TEXT else value[: _MAX_TEXT - 1] + "…"


def flat(payload: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Each field of *payload* that is not an object or a list of objects, by its path."""
    for name, value in payload.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from flat(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            for at, one in enumerate(value):
                yield from flat(one, f"{path}[{at}].") if isinstance(one, dict) else [(f"{path}[{at}]", one)]
        else:
            yield path, value[0] if isinstance(value, list) and len(value) == 1 else value


@attrs.frozen
class ComparedField:
    """One field of both copies, None where a copy has none, and what TikTok keeps."""

    path: str
    browser: Any
    server: Any
    kept: Any

    @property
    def differs(self) -> bool:
        """Whether both copies have it, and not the same."""
        return self.browser is not None and self.server is not None and self.browser != self.server


def compare(browser: Mapping[str, Any] | None, server: Mapping[str, Any] | None, first: str) -> list[ComparedField]:
    """The fields of both copies of an event. The channel *first* arrived first: TikTok keeps its values.

    O2: help centre, "Event deduplication": a merged copy adds what the first one does not have.
    """
    of = {"browser": dict(flat(browser or {})), "server": dict(flat(server or {}))}
    paths = list(dict.fromkeys([*of["server"], *of["browser"]]))[:_MAX_FIELDS]
    other = "server" if first == "browser" else "browser"
    return [
        ComparedField(path, of["browser"].get(path), of["server"].get(path), of[first].get(path, of[other].get(path)))
        for path in paths
    ]


def fields_with_value(payload: Mapping[str, Any], typed: str) -> list[str]:
    """The fields of *payload* that have the digest of the text *typed*, normalised as each field needs it."""
    user = payload.get("user")
    found = []
    for name, hash_value in _HASHES.items():
        given = user.get(name) if isinstance(user, dict) else None
        digests = [one.lower() for one in (given if isinstance(given, list) else [given]) if isinstance(one, str)]
        try:
            if digests and hash_value(typed) in digests:
                found.append(f"user.{name}")
        except (Refused, ValueError):
            continue
    return found
