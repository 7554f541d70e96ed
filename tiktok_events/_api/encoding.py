"""Encode request bodies and decode answers (sans I/O: no sockets, clocks or sleeping)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tiktok_events._api.redact import redact
from tiktok_events._api.response import TrackResponse
from tiktok_events._api.results import error_for
from tiktok_events._runtime import json_codec
from tiktok_events._runtime.payload import Payload
from tiktok_events._spec.codes import PARTIAL, Code, code_for, code_for_status
from tiktok_events.errors import ApiError

if TYPE_CHECKING:
    from tiktok_events._events.event import Event
    from tiktok_events._events.source import EventSource

PATH = "event/track/"
"""Behind the base URL. The slash belongs to it: without it the API answers 404 (O2)."""

_INDEX = re.compile(r"(?:\bBatch\.|\bdata\.|\bdata\[|\bindex[ :=]+)([0-9]{1,4})\b", re.IGNORECASE)


def encode(source: EventSource, events: Iterable[Event]) -> bytes:
    """The body of one request that sends *events* to *source*, as JSON in UTF-8.

    Keyed events get their `event_id` here. The events are neither checked nor split: see `check` and `Client`.
    """
    return join(source, [encode_item(source, event)[1] for event in events])


def encode_item(source: EventSource, event: Event) -> tuple[str, bytes]:
    """The id of *event* and its encoded `data[]` item."""
    event_id = event.id_for(source.id_namespace)
    wire = event._wire if event._key is None else {**event._wire, "event_id": event_id}
    return event_id, Payload(json_codec.dumps(wire))


def join(source: EventSource, items: Iterable[bytes]) -> bytes:
    """The body of one request from encoded *items*."""
    return envelope(source.event_source, source.event_source_id, source.test_event_code, items)


def envelope(event_source: str, event_source_id: str, test_event_code: str | None, items: Iterable[bytes]) -> bytes:
    """The body of one request from the names of a source, for a queue that holds no token."""
    head = {"event_source": event_source, "event_source_id": event_source_id}
    if test_event_code:
        head["test_event_code"] = test_event_code
    return Payload(b"".join((json_codec.dumps(head)[:-1], b',"data":[', b",".join(items), b"]}")))


def decode(status: int, body: bytes, *, retry_after: float | None = None) -> TrackResponse:
    """TikTok's answer, from HTTP *status* and *body*. Success is code 0 in the body; 20001 is a partial one.

    Raises:
        ApiError: For every other answer, whatever its bytes: no JSON, no envelope, an error code. The class says
            what kind, the instance carries code, request_id, and the first refused event's index where it is named.
    """
    try:
        answer = json_codec.loads(body)
    except ValueError:
        answer = None
    code = answer.get("code") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(code, int) or isinstance(code, bool):
        raise _without_envelope(status, retry_after)
    entry = code_for(code, status)
    text = answer.get("message")
    message = redact(text) if isinstance(text, str) and text else entry.meaning
    request_id = _request_id(answer.get("request_id"))
    if entry.kind in ("ok", "partial"):
        return TrackResponse(code=PARTIAL if entry.kind == "partial" else 0, message=message, request_id=request_id)
    raise error_for(
        entry,
        message=message,
        status=status,
        request_id=request_id,
        index=_refused_index(text),
        is_about_source=_is_about_source(entry, text),
        retry_after=retry_after,
    )


def _without_envelope(status: int, retry_after: float | None) -> ApiError:
    entry = code_for_status(status)
    return error_for(entry, message=f"HTTP {status}, {entry.meaning}", status=status, retry_after=retry_after)


def _request_id(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return text if len(text) <= 64 and text.isascii() and text.replace("-", "").replace("_", "").isalnum() else ""


def _refused_index(message: object) -> int | None:
    # Seen: Batch.0.properties..., data.0.event, data[2].event, index 3. TikTok documents none of them.
    found = _INDEX.search(message[:2000]) if isinstance(message, str) else None
    return int(found.group(1)) if found else None


def _is_about_source(entry: Code, message: object) -> bool:
    # 40002 about the source id is not about one event: every other event would be refused too.
    return entry.code == 40002 and isinstance(message, str) and "event_source_id" in message
