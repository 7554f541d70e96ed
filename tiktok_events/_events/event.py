"""`Event`: one conversion."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Self, TypedDict

from tiktok_events._events.field_plan import Plan, Wire, build_extra, plan, unknown_field
from tiktok_events._events.ids import UNSET, Key, UnsetType, key_text, random_id
from tiktok_events._events.ids import event_id as make_event_id
from tiktok_events._events.normalize.values import Id, WrongType, boolean, plain_json, seconds, text
from tiktok_events._events.objects import Ad, AdFields, App, AppFields, Lead, LeadFields, Page, PageFields
from tiktok_events._events.properties import Properties, PropertiesFields
from tiktok_events._events.user import User, UserFields
from tiktok_events._events.wire_object import W, Wired, WireObject, set_problems, set_wire, view, wire_of
from tiktok_events._spec.fields import EVENT, Field
from tiktok_events._spec.problem import Problem


class EventFields(TypedDict, total=False):
    """What `Event` takes beside its name, and `track(name, ...)` of a request."""

    key: Id
    event_id: str | int
    event_time: datetime | int | float | None
    user: User | UserFields | None
    page: Page | PageFields | None
    properties: Properties | PropertiesFields | None
    ad: Ad | AdFields | None
    app: App | AppFields | None
    lead: Lead | LeadFields | None
    limited_data_use: bool | None
    extra: Mapping[str, Any] | None


class Event(WireObject):
    """One conversion: a name, a time, an id that makes the browser's copy and this one the same, and what is known.

    `event` is TikTok's name ("Purchase"), also by keyword. `event_time` is an aware datetime or Unix seconds, and now
    by default; offline and crm events must give it. `key` (str, int or UUID: the order's number) is an idempotency
    key: whoever reports the same name and key reports the same conversion, since the `event_id` is made from it once
    the source is known (until then `event_id` is None). Give `event_id` (str or int) in its place when the id comes
    from elsewhere; without either it is random and fixed here, so sending this object twice counts once.

    `user`, `page`, `properties`, `ad`, `app` and `lead` take the class of that name or a mapping with its keys.
    `limited_data_use` asks TikTok to restrict processing (web and app; needs `user.ip`). `extra` adds undocumented
    fields beside `event`. Source: endpoint page.

    What a person typed never raises: it is left out, and `check` reports it. A mistake in code does:

    Raises:
        TypeError: If a value is of a Python type its field never takes, a field is unknown, or `key` is None.
        ValueError: If `event_time` is a naive datetime, `key` or `event_id` is empty, or both are given.
    """

    __slots__ = ("_key", "_timed")
    _key: str | None
    _timed: bool
    _plan: ClassVar[Plan] = plan("event", {**EVENT, "key": Field()}, convert=dict.fromkeys(EVENT, plain_json))

    event = Wired[str]("TikTok's name of the event.")
    event_time = Wired[int]("Unix seconds.")
    event_id = Wired[str]("None while it waits for its source, see `key`.")
    limited_data_use = Wired[bool]("Whether TikTok is asked to restrict processing.")

    def __init__(
        self,
        event: str,
        *,
        key: Key | UnsetType = UNSET,
        event_id: str | int | UnsetType = UNSET,
        event_time: datetime | int | float | None = None,
        user: User | UserFields | None = None,
        page: Page | PageFields | None = None,
        properties: Properties | PropertiesFields | None = None,
        ad: Ad | AdFields | None = None,
        app: App | AppFields | None = None,
        lead: Lead | LeadFields | None = None,
        limited_data_use: bool | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        found: list[Problem] = []
        wire: Wire = {
            "event": event if type(event) is str and event.isascii() else text(event, "event", found) or "",
            "event_time": event_time if type(event_time) is int else _time(event_time),
        }
        _set_timed(self, event_time is not None)
        if key is UNSET:
            _set_key(self, None)
            wire["event_id"] = random_id() if event_id is UNSET else _given_id(event_id, found)
        elif event_id is UNSET:
            _set_key(self, key_text(key))
        else:
            raise ValueError("key makes the event_id: give one of them")
        if user is not None and (made := wire_of(User, user, found)):
            wire["user"] = made
        if page is not None and (made := wire_of(Page, page, found)):
            wire["page"] = made
        if properties is not None and (made := wire_of(Properties, properties, found)):
            wire["properties"] = made
        if ad is not None and (made := wire_of(Ad, ad, found)):
            wire["ad"] = made
        if app is not None and (made := wire_of(App, app, found)):
            wire["app"] = made
        if lead is not None and (made := wire_of(Lead, lead, found)):
            wire["lead"] = made
        if limited_data_use is not None:
            wire["limited_data_use"] = boolean(limited_data_use, "limited_data_use", found)
        if extra is not None:
            wire.update(build_extra(self._plan, extra, found))
        set_wire(self, wire)
        set_problems(self, tuple(found) if found else ())

    @classmethod
    def from_mapping(cls, fields: Mapping[str, Any]) -> Self:
        """The event that *fields* describe, by the names of the constructor's parameters.

        Raises:
            TypeError, ValueError: As the constructor; also for a key that is no field.
        """
        for key in fields:
            if key not in cls._plan.fields and key != "extra":
                raise unknown_field(cls._plan, key)
        return cls(**{"event": "", **fields})

    @property
    def key(self) -> str | None:
        """The idempotency key as text, if there is one."""
        return self._key

    @property
    def user(self) -> User | None:
        """Who did it."""
        return self._view(User, "user")

    @property
    def page(self) -> Page | None:
        """The page it happened on."""
        return self._view(Page, "page")

    @property
    def properties(self) -> Properties | None:
        """What it was about."""
        return self._view(Properties, "properties")

    @property
    def ad(self) -> Ad | None:
        """What another attribution provider knows."""
        return self._view(Ad, "ad")

    @property
    def app(self) -> App | None:
        """The app it happened in."""
        return self._view(App, "app")

    @property
    def lead(self) -> Lead | None:
        """The lead it is about."""
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
        return self._wire, self._problems, self._key, self._timed

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        super().__setstate__(state)
        _set_key(self, state[2])
        _set_timed(self, state[3])


_set_key = Event.__dict__["_key"].__set__
_set_timed = Event.__dict__["_timed"].__set__


def clone(event: Event, wire: Wire, problems: tuple[Problem, ...]) -> Event:
    """A copy of *event* with another wire dict."""
    made = object.__new__(Event)
    made.__setstate__((wire, problems, event._key, event._timed))
    return made


def event_from(wire: Wire) -> Event:
    """The event of a `data[]` item, with the id that stands there."""
    made = object.__new__(Event)
    made.__setstate__((wire, (), None, True))
    return made


def _time(event_time: object) -> int:
    return int(time.time()) if event_time is None else seconds(event_time, "event_time")


def _given_id(event_id: object, found: list[Problem]) -> str:
    if isinstance(event_id, int) and not isinstance(event_id, bool):
        return str(event_id)
    if not isinstance(event_id, str):
        raise WrongType("event_id", "str or int", event_id)
    given = (text(event_id, "event_id", found) or "").strip()
    if not given:
        raise ValueError("event_id is empty, blank or not Unicode: leave it out to get a random one")
    return given
