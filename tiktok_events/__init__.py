"""TikTok conversion tracking: typed events in, checked and hashed Events API payloads out, and delivered.

`import tiktok_events as tt` gives the names below; each is loaded when it is first used, so that importing this
package costs neither an HTTP client nor a framework.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOMES = {
    "_async_client": ("AsyncClient",),
    "_background": ("BackgroundClient",),
    "_client": ("Client",),
    "_counts": ("Stats",),
    "_events.event": ("Event",),
    "_events.objects": ("Ad", "App", "Lead", "Page"),
    "_events.properties": ("Content", "Properties"),
    "_events.typed": (
        "AdFields",
        "AppFields",
        "ContentFields",
        "EventFields",
        "LeadFields",
        "PageFields",
        "PropertiesFields",
        "UserFields",
    ),
    "_events.user": ("User",),
    "_ids": ("event_id",),
    "_money": ("from_minor_units",),
    "_outbox.memory": ("MemoryOutbox",),
    "_outbox.protocol": ("Claim", "DeadLetter", "Outbox", "Record"),
    "_outbox.sqlite": ("SQLiteOutbox",),
    "_outbox.redis": ("RedisOutbox",),
    "_protocol": ("decode", "encode"),
    "_responses": ("EventResult", "TrackResponse"),
    "_retry": ("RetryPolicy",),
    "_checks.check": ("check",),
    "_rules.problem": ("Problem",),
    "_source": ("EventSource",),
    "_worker": ("Worker",),
    "web": ("ConsentCookie", "Site"),
    "errors": (
        "ApiError",
        "AuthenticationError",
        "ConfigurationError",
        "EventValidationError",
        "OutboxFull",
        "OutboxUnavailable",
        "RateLimitError",
        "RejectedError",
        "ServerError",
        "TikTokEventsError",
        "TransportError",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

if TYPE_CHECKING:
    from tiktok_events._async_client import AsyncClient
    from tiktok_events._background import BackgroundClient
    from tiktok_events._checks.check import check
    from tiktok_events._client import Client
    from tiktok_events._counts import Stats
    from tiktok_events._events.event import Event
    from tiktok_events._events.objects import Ad, App, Lead, Page
    from tiktok_events._events.properties import Content, Properties
    from tiktok_events._events.typed import (
        AdFields,
        AppFields,
        ContentFields,
        EventFields,
        LeadFields,
        PageFields,
        PropertiesFields,
        UserFields,
    )
    from tiktok_events._events.user import User
    from tiktok_events._ids import event_id
    from tiktok_events._money import from_minor_units
    from tiktok_events._outbox.memory import MemoryOutbox
    from tiktok_events._outbox.protocol import Claim, DeadLetter, Outbox, Record
    from tiktok_events._outbox.redis import RedisOutbox
    from tiktok_events._outbox.sqlite import SQLiteOutbox
    from tiktok_events._protocol import decode, encode
    from tiktok_events._responses import EventResult, TrackResponse
    from tiktok_events._retry import RetryPolicy
    from tiktok_events._rules.problem import Problem
    from tiktok_events._source import EventSource
    from tiktok_events._worker import Worker
    from tiktok_events.errors import (
        ApiError,
        AuthenticationError,
        ConfigurationError,
        EventValidationError,
        OutboxFull,
        OutboxUnavailable,
        RateLimitError,
        RejectedError,
        ServerError,
        TikTokEventsError,
        TransportError,
    )
    from tiktok_events.web import ConsentCookie, Site

__all__ = [
    "Ad",
    "AdFields",
    "ApiError",
    "App",
    "AppFields",
    "AsyncClient",
    "AuthenticationError",
    "BackgroundClient",
    "Claim",
    "Client",
    "ConfigurationError",
    "ConsentCookie",
    "Content",
    "ContentFields",
    "DeadLetter",
    "Event",
    "EventFields",
    "EventResult",
    "EventSource",
    "EventValidationError",
    "Lead",
    "LeadFields",
    "MemoryOutbox",
    "Outbox",
    "OutboxFull",
    "OutboxUnavailable",
    "Page",
    "PageFields",
    "Problem",
    "Properties",
    "PropertiesFields",
    "RateLimitError",
    "Record",
    "RedisOutbox",
    "RejectedError",
    "RetryPolicy",
    "SQLiteOutbox",
    "ServerError",
    "Site",
    "Stats",
    "TikTokEventsError",
    "TrackResponse",
    "TransportError",
    "User",
    "UserFields",
    "Worker",
    "check",
    "decode",
    "encode",
    "event_id",
    "from_minor_units",
]

logging.getLogger("tiktok_events").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
