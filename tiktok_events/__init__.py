"""TikTok conversion tracking: typed events, which are checked, hashed and delivered to the TikTok Events API.

`import tiktok_events as tt` provides the names below. Each name is loaded on first use, so importing this package
imports neither an HTTP client nor a framework.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tiktok_events import errors
from tiktok_events._runtime.version import __version__ as __version__
from tiktok_events.errors import *  # noqa: F403 - `errors.__all__` is the list

if TYPE_CHECKING:
    from tiktok_events._api.async_client import AsyncClient as AsyncClient
    from tiktok_events._api.client import Client as Client
    from tiktok_events._api.encoding import decode as decode
    from tiktok_events._api.encoding import encode as encode
    from tiktok_events._api.response import EventResult as EventResult
    from tiktok_events._api.response import TrackResponse as TrackResponse
    from tiktok_events._api.retry import RetryPolicy as RetryPolicy
    from tiktok_events._checks.check import check as check
    from tiktok_events._delivery.background_client import BackgroundClient as BackgroundClient
    from tiktok_events._delivery.background_client import Queued as Queued
    from tiktok_events._delivery.stats import Stats as Stats
    from tiktok_events._delivery.worker import Worker as Worker
    from tiktok_events._events.content import Content as Content
    from tiktok_events._events.content import ContentFields as ContentFields
    from tiktok_events._events.event import Event as Event
    from tiktok_events._events.event import EventFields as EventFields
    from tiktok_events._events.ids import event_id as event_id
    from tiktok_events._events.normalize.money import from_minor_units as from_minor_units
    from tiktok_events._events.objects import Ad as Ad
    from tiktok_events._events.objects import AdFields as AdFields
    from tiktok_events._events.objects import App as App
    from tiktok_events._events.objects import AppFields as AppFields
    from tiktok_events._events.objects import Lead as Lead
    from tiktok_events._events.objects import LeadFields as LeadFields
    from tiktok_events._events.objects import Page as Page
    from tiktok_events._events.objects import PageFields as PageFields
    from tiktok_events._events.properties import Properties as Properties
    from tiktok_events._events.properties import PropertiesFields as PropertiesFields
    from tiktok_events._events.source import EventSource as EventSource
    from tiktok_events._events.user import User as User
    from tiktok_events._events.user import UserFields as UserFields
    from tiktok_events._outbox.memory import MemoryOutbox as MemoryOutbox
    from tiktok_events._outbox.protocol import Claim as Claim
    from tiktok_events._outbox.protocol import DeadLetter as DeadLetter
    from tiktok_events._outbox.protocol import Outbox as Outbox
    from tiktok_events._outbox.protocol import PutResult as PutResult
    from tiktok_events._outbox.protocol import Record as Record
    from tiktok_events._outbox.protocol import Repeat as Repeat
    from tiktok_events._outbox.redis.outbox import RedisOutbox as RedisOutbox
    from tiktok_events._outbox.sqlite.outbox import SQLiteOutbox as SQLiteOutbox
    from tiktok_events._spec.problem import Problem as Problem
    from tiktok_events.web import ConsentCookie as ConsentCookie
    from tiktok_events.web import Site as Site

_MODULES = {
    "_api.async_client": ("AsyncClient",),
    "_api.client": ("Client",),
    "_api.encoding": ("decode", "encode"),
    "_api.response": ("EventResult", "TrackResponse"),
    "_api.retry": ("RetryPolicy",),
    "_checks.check": ("check",),
    "_delivery.background_client": ("BackgroundClient", "Queued"),
    "_delivery.stats": ("Stats",),
    "_delivery.worker": ("Worker",),
    "_events.event": ("Event", "EventFields"),
    "_events.ids": ("event_id",),
    "_events.normalize.money": ("from_minor_units",),
    "_events.objects": ("Ad", "AdFields", "App", "AppFields", "Lead", "LeadFields", "Page", "PageFields"),
    "_events.content": ("Content", "ContentFields"),
    "_events.properties": ("Properties", "PropertiesFields"),
    "_events.source": ("EventSource",),
    "_events.user": ("User", "UserFields"),
    "_outbox.memory": ("MemoryOutbox",),
    "_outbox.protocol": ("Claim", "DeadLetter", "Outbox", "PutResult", "Record", "Repeat"),
    "_outbox.redis.outbox": ("RedisOutbox",),
    "_outbox.sqlite.outbox": ("SQLiteOutbox",),
    "_spec.problem": ("Problem",),
    "web": ("ConsentCookie", "Site"),
}
"""The public names by module. The imports above repeat them for type checkers; a test compares both."""

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

if not TYPE_CHECKING:  # type checkers read the imports above
    __all__ = sorted([*errors.__all__, *_MODULE_OF])  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*errors.__all__, *_MODULE_OF, "__version__"]
