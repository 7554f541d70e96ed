"""`Event`: one conversion."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from numbers import Real
from typing import Any, ClassVar, Self, TypedDict
from uuid import UUID

from tiktok_events._events.field_plan import FieldPlan, Wire, build_extra, field_plan, unknown_field
from tiktok_events._events.ids import UNSET, Key, UnsetType, key_text, random_id
from tiktok_events._events.ids import event_id as make_event_id
from tiktok_events._events.normalize.foreign_values import plain
from tiktok_events._events.normalize.times import MIN_MILLISECONDS, seconds
from tiktok_events._events.normalize.values import Id, WrongType, boolean, plain_json, text
from tiktok_events._events.objects import Ad, AdFields, App, AppFields, Lead, LeadFields, Page, PageFields
from tiktok_events._events.properties import Properties, PropertiesFields
from tiktok_events._events.user import User, UserFields
from tiktok_events._events.wire_object import W, WireField, WireObject, set_problems, set_wire, view, wire_of
from tiktok_events._spec.fields import EVENT, Field
from tiktok_events._spec.problem import Problem


class EventFields(TypedDict, total=False):
    """The keyword arguments of `Event` and of `track(name, ...)` of a request."""

    key: Id
    event_id: Id
    event_time: datetime | int | float | str | None
    user: User | UserFields | None
    page: Page | PageFields | None
    properties: Properties | PropertiesFields | None
    ad: Ad | AdFields | None
    app: App | AppFields | None
    lead: Lead | LeadFields | None
    limited_data_use: bool | None
    extra: Mapping[str, Any] | None


class Event(WireObject):
    """One conversion: name, time, event id, and the objects that describe it.

    `event` is TikTok's name ("Purchase"). `event_time` is an aware datetime, Unix time, or a text in ISO 8601 or RFC
    5322 with an offset; the default is now, and offline and crm events must set it. TikTok counts events with the same
    name and `event_id` once, from browser and server together. `key` (str, int or UUID, such as the order number) is an
    idempotency key: the `event_id` is derived from name and key as soon as the source is known, and is None until then.
    Set `event_id` (str, int or UUID) instead when the id comes from elsewhere. Without either it is random and fixed at
    construction, so an object that is sent twice is counted once.

    `user`, `page`, `properties`, `ad`, `app` and `lead` take an object of the class or a mapping with its keys.
    `limited_data_use` asks TikTok to restrict processing (web and app; needs `user.ip`). `extra` adds undocumented
    fields next to `event`. Source: endpoint page.

    Invalid user input never raises: it is left out, and `check` reports it. A mistake in code raises:

    Raises:
        TypeError: If a value is of a Python type that its field never takes, a field is unknown, or `key` is None.
        ValueError: If `event_time` has no time zone or is not a time, `key` or `event_id` is empty, or both are given.
    """

    __slots__ = ("_has_event_time", "_key")
    _key: str | None
    _has_event_time: bool
    _field_plan: ClassVar[FieldPlan] = field_plan(
        "event", {**EVENT, "key": Field()}, converters=dict.fromkeys(EVENT, plain_json)
    )

    event = WireField[str]("TikTok's name of the event.")
    event_time = WireField[int]("Unix seconds.")
    event_id = WireField[str]("None until the source is known, if the event has a `key`.")
    limited_data_use = WireField[bool]("Whether TikTok is asked to restrict processing.")

    def __init__(
        self,
        event: str,
        *,
        key: Key | UnsetType = UNSET,
        event_id: Id | UnsetType = UNSET,
        event_time: datetime | int | float | str | None = None,
        user: User | UserFields | None = None,
        page: Page | PageFields | None = None,
        properties: Properties | PropertiesFields | None = None,
        ad: Ad | AdFields | None = None,
        app: App | AppFields | None = None,
        lead: Lead | LeadFields | None = None,
        limited_data_use: bool | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        problems: list[Problem] = []
        if event_time is not None and (type(event_time) is not int or event_time > MIN_MILLISECONDS):
            event_time = _event_time(event_time)
        wire: Wire = {
            "event": event if type(event) is str and event.isascii() else text(plain(event), "event", problems) or "",
            "event_time": int(time.time()) if event_time is None else event_time,
        }
        _set_has_event_time(self, event_time is not None)
        if key is UNSET:
            _set_key(self, None)
            wire["event_id"] = random_id() if event_id is UNSET else _event_id_text(event_id, problems)
        elif event_id is UNSET:
            _set_key(self, key_text(key))
        else:
            raise ValueError("event_id and key are both given: give only one, because the event_id is derived from key")
        if user is not None and (part := wire_of(User, user, problems)):
            wire["user"] = part
        if page is not None and (part := wire_of(Page, page, problems)):
            wire["page"] = part
        if properties is not None and (part := wire_of(Properties, properties, problems)):
            wire["properties"] = part
        if ad is not None and (part := wire_of(Ad, ad, problems)):
            wire["ad"] = part
        if app is not None and (part := wire_of(App, app, problems)):
            wire["app"] = part
        if lead is not None and (part := wire_of(Lead, lead, problems)):
            wire["lead"] = part
        if limited_data_use is not None and (is_limited := plain(limited_data_use)) is not None:
            wire["limited_data_use"] = boolean(is_limited, "limited_data_use", problems)
        if extra is not None:
            wire.update(build_extra(self._field_plan, extra, problems))
        set_wire(self, wire)
        set_problems(self, tuple(problems) if problems else ())

    @classmethod
    def from_mapping(cls, fields: Mapping[str, Any]) -> Self:
        """Build an event from *fields*, a mapping with the names of the constructor's parameters.

        Raises:
            TypeError, ValueError: Like the constructor; also for an unknown key.
        """
        for key in fields:
            if key not in cls._field_plan.fields and key != "extra":
                raise unknown_field(cls._field_plan, key)
        return cls(**{"event": "", **fields})

    @property
    def key(self) -> str | None:
        """The idempotency key as text; None without one."""
        return self._key

    @property
    def user(self) -> User | None:
        """The identifiers of the person."""
        return self._view(User, "user")

    @property
    def page(self) -> Page | None:
        """The web page where it happened."""
        return self._view(Page, "page")

    @property
    def properties(self) -> Properties | None:
        """Value, currency and items."""
        return self._view(Properties, "properties")

    @property
    def ad(self) -> Ad | None:
        """Data of another attribution provider."""
        return self._view(Ad, "ad")

    @property
    def app(self) -> App | None:
        """The app where it happened."""
        return self._view(App, "app")

    @property
    def lead(self) -> Lead | None:
        """The lead of a CRM event."""
        return self._view(Lead, "lead")

    def _view(self, cls: type[W], name: str) -> W | None:
        wire = self._wire.get(name)
        return None if wire is None else view(cls, wire)

    def id_for(self, namespace: str) -> str:
        """The `event_id` this event has under *namespace* (`EventSource.id_namespace`)."""
        if self._key is None:
            return str(self._wire["event_id"])
        return make_event_id(self._wire["event"] or "-", self._key, namespace=namespace)

    def _identity(self) -> Any:
        return [self._wire, self._key]

    def __getstate__(self) -> tuple[Any, ...]:
        return self._wire, self._problems, self._key, self._has_event_time

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        super().__setstate__(state)
        _set_key(self, state[2])
        _set_has_event_time(self, state[3])


_set_key = Event.__dict__["_key"].__set__
_set_has_event_time = Event.__dict__["_has_event_time"].__set__


def clone(event: Event, wire: Wire, problems: tuple[Problem, ...]) -> Event:
    """A copy of *event* with another wire dict."""
    copy = object.__new__(Event)
    copy.__setstate__((wire, problems, event._key, event._has_event_time))
    return copy


def with_problem(event: Event, found: Problem) -> Event:
    """A copy of *event* that reports *found* too."""
    return clone(event, event._wire, (*event._problems, found))


def event_from_item(wire: Wire) -> Event:
    """The event of the `data[]` item *wire*, with its `event_id`."""
    event = object.__new__(Event)
    event.__setstate__((wire, (), None, True))
    return event


def _event_time(event_time: object) -> int | None:
    """*event_time* in Unix seconds; None for a missing value of pandas. NaN is a number that is wrong."""
    is_missing = not isinstance(event_time, Real) and plain(event_time) is None
    return None if is_missing else seconds(event_time, "event_time")


def _event_id_text(event_id: object, problems: list[Problem]) -> str:
    event_id = plain(event_id)
    if isinstance(event_id, UUID) or (isinstance(event_id, int) and not isinstance(event_id, bool)):
        return str(event_id)
    if not isinstance(event_id, str):
        raise WrongType("event_id", "str, int or UUID", event_id)
    given = (text(event_id, "event_id", problems) or "").strip()
    if not given:
        raise ValueError("event_id is empty, blank or not Unicode: leave it out to get a random one")
    return given
