"""Check the body of an `event/track/` request: its envelope, its `data[]` items, and duplicates among them."""

from __future__ import annotations

import re
from typing import Any

import attrs

from tiktok_events._checks.schema import check_schema
from tiktok_events._checks.semantics import check_semantics, without_follow_on_problems
from tiktok_events._runtime import json_codec
from tiktok_events._spec.fields import ENVELOPE, KINDS, LEGACY, MAX_EVENTS, Kind, replacement
from tiktok_events._spec.names import VALUE_NAMES
from tiktok_events._spec.problem import Problem
from tiktok_events._spec.rules import problem

_PIXEL_CODE = re.compile(r"[A-Z0-9]{10,40}")
_LOOKS_LIKE_PIXEL_CODE = re.compile(r"[CD][A-Z0-9]{19}")
_TOKEN_KEYS = frozenset({"access_token", "Access-Token", "accessToken", "token"})


@attrs.frozen
class BodyReport:
    """The problems of a request body, and the parsed body (empty if it is not a JSON object)."""

    problems: list[Problem]
    body: dict[str, Any] = attrs.field(factory=dict, repr=False)

    @property
    def errors(self) -> list[Problem]:
        """The problems with severity "error"."""
        return [found for found in self.problems if found.severity == "error"]


def check_body(text: bytes | str, *, now: float) -> BodyReport:
    """Check *text* as the body of a `POST event/track/` at *now* (Unix seconds). Never raises for invalid contents."""
    try:
        body = json_codec.loads(text)
    except ValueError:
        return BodyReport([problem("not-json", "body")])
    if not isinstance(body, dict):
        return BodyReport([problem("not-an-object", "body")])
    problems: list[Problem] = []
    kind = _check_envelope(body, problems)
    data = body.get("data")
    if not isinstance(data, list) or not data:
        problems.append(problem("no-events", "data"))
        return BodyReport(problems, body)
    if len(data) > MAX_EVENTS:
        problems.append(problem("too-many-events", "data"))
        return BodyReport(problems, body)
    for index, item in enumerate(data):
        problems.extend(_with_path(check_raw_item(item, kind, now=now), f"data[{index}]"))
    _check_duplicates(data, problems)
    return BodyReport(problems, body)


def check_raw_item(item: Any, kind: Kind, *, now: float) -> list[Problem]:
    """The problems of one raw `data[]` item. Field paths are relative to the item."""
    if not isinstance(item, dict):
        return [problem("wrong-type", "event", "a JSON object")]
    problems: list[Problem] = []
    check_semantics(check_schema(item, kind, problems), kind, now, problems)
    return without_follow_on_problems(problems)


def _check_envelope(body: dict[str, Any], problems: list[Problem]) -> Kind:
    for key in body:
        if key in _TOKEN_KEYS:
            problems.append(problem("token-in-body", "access_token"))
        elif key in LEGACY[""]:
            problems.append(problem("legacy-field", key, replacement(LEGACY[""][key])))
        elif key not in ENVELOPE:
            problems.append(problem("unknown-field", key if key.isidentifier() and len(key) <= 40 else "(a key)"))
    source_id = body.get("event_source_id")
    if source_id is None or source_id == "":
        problems.append(problem("source-id-missing", "event_source_id"))
    elif not isinstance(source_id, str):
        problems.append(problem("wrong-type", "event_source_id", "a JSON string"))
    for key, rule in (("test_event_code", "test-code"), ("partner_name", "partner-name")):
        if body.get(key) is not None:
            is_text = isinstance(body[key], str)
            problems.append(problem(rule, key) if is_text else problem("wrong-type", key, "a JSON string"))
    kind: Kind | None = next((known for known in KINDS if known == body.get("event_source")), None)
    if kind is None:
        problems.append(problem("event-source", "event_source"))
        return "web"
    if isinstance(source_id, str) and source_id and not _id_fits_kind(kind, source_id):
        problems.append(problem("source-id-kind", "event_source_id"))
    return kind


def _id_fits_kind(kind: Kind, source_id: str) -> bool:
    if kind == "web":
        return _PIXEL_CODE.fullmatch(source_id) is not None
    return _LOOKS_LIKE_PIXEL_CODE.fullmatch(source_id) is None


def _with_path(problems: list[Problem], prefix: str) -> list[Problem]:
    return [attrs.evolve(found, field=f"{prefix}.{found.field}") for found in problems]


def _check_duplicates(data: list[Any], problems: list[Problem]) -> None:
    seen: set[tuple[str, str]] = set()
    orders: dict[str, str] = {}
    for index, item in enumerate(data):
        if not isinstance(item, dict):
            continue
        name, event_id = item.get("event"), item.get("event_id")
        if not isinstance(name, str):
            continue
        if isinstance(event_id, str) and event_id:
            if (name, event_id) in seen:
                problems.append(problem("duplicate-event", f"data[{index}].event_id"))
            seen.add((name, event_id))
        properties = item.get("properties")
        order = properties.get("order_id") if isinstance(properties, dict) else None
        if name in VALUE_NAMES and isinstance(order, str) and order and orders.setdefault(order, name) != name:
            problems.append(problem("two-names-one-order", f"data[{index}].properties.order_id"))
