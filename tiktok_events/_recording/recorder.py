"""`capture` and `Recorder`: record the events that would be sent, and those that are dropped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Unpack

import attrs

from tiktok_events._api import network_guard
from tiktok_events._api.network_guard import Reason
from tiktok_events._api.response import TrackResponse
from tiktok_events._events.event import Event, event_from_item
from tiktok_events._events.field_plan import Wire
from tiktok_events._events.ids import UNSET, Key, UnsetType, event_id
from tiktok_events._events.properties import Properties, PropertiesFields
from tiktok_events._events.source import EventSource
from tiktok_events._events.user import User, UserFields
from tiktok_events._recording.pages import Call, calls_of
from tiktok_events._runtime.log_once import reset_log_once
from tiktok_events.errors import EventValidationError


@attrs.frozen
class Dropped:
    """An event that was not sent.

    `reason` is "consent", "off", "invalid", "bot", "repeat" or "before_send"; `why` has details, and holds no value.
    `request` is the method and path of the request it was tracked in, and is empty for an event of a client.
    """

    event: str
    reason: Reason
    why: str
    request: str

    def __str__(self) -> str:
        text = f"{self.reason} {self.why}" if self.reason == "consent" else f"{self.reason}, {self.why}"
        return f"{text} ({self.request})" if self.request else text


@attrs.frozen
class _Post:
    source: EventSource
    event: Event

    @property
    def counted_by(self) -> tuple[str, str | None, str | None]:
        """The key by which TikTok drops a second copy."""
        return self.source.event_source_id, self.event.event, self.event.event_id


class Recorder:
    """Records every event in place of TikTok. Its repr and its errors hold no personal data.

    `sent()` lists every event that was posted; `assert_sent` counts as TikTok does, once for each name and id.
    """

    def __init__(self, *, strict: bool = True) -> None:
        self.strict = strict
        """Whether mistakes raise for sites and clients with `strict=None`."""
        self._posts: list[_Post] = []
        self._dropped: list[Dropped] = []

    def __repr__(self) -> str:
        return f"Recorder({len(self._posts)} sent, {len(self._dropped)} dropped)"

    def sent(self, name: str | None = None) -> list[Event]:
        """Every posted event in order, of that *name* or of any; each with the id it was sent under."""
        return [post.event for post in self._posts if name in (None, post.event.event)]

    @property
    def dropped(self) -> list[Dropped]:
        """The events that were tracked and not sent, in order."""
        return list(self._dropped)

    def assert_sent(
        self,
        name: str,
        *,
        times: int = 1,
        key: Key | UnsetType = UNSET,
        user: UserFields | None = None,
        **properties: Unpack[PropertiesFields],
    ) -> Event:
        """The first of exactly *times* conversions called *name* that have this *key*, *user* and *properties*.

        What *user* gives is hashed here; of several identifiers one must be it. None means that the field is absent.

        Raises:
            AssertionError: If another number was sent.
            TypeError, EventValidationError: If what is asked for is no field, or no value of one.
            ValueError: If *times* is below 1; that is `assert_not_sent`.
        """
        __tracebackhide__ = True
        if times < 1:
            raise ValueError("times must be 1 or more: for none, use assert_not_sent(name)")
        wanted = _Wanted(key, user or {}, properties)
        counted = self._counted(name)
        found = [post for post in counted if not wanted.missed_by(post)]
        if len(found) != times:
            text = f"{name} sent {_times(len(found))}{wanted}" + (f", not {times}" if found or times > 1 else "")
            nearest = min((wanted.missed_by(post) for post in counted), key=len, default=None)
            differs = f" The nearest {name} differs in {', '.join(nearest)}." if nearest and len(found) < times else ""
            raise AssertionError(f"{text}; {self._account(name)}{differs}")
        return found[0].event

    def assert_not_sent(self, name: str) -> None:
        """No event of that *name* was sent.

        Raises:
            AssertionError: If one was.
        """
        __tracebackhide__ = True
        counted = self._counted(name)
        if counted:
            raise AssertionError(f"{name} sent {_times(len(counted))}, not 0; {self._account(name)}")

    def browser_calls(self, response: object) -> list[Call]:
        """The pixel calls that *response* carries, each with `event`, `event_id` and `params`.

        *response* is the response of any framework, or the text of a page. Calls are read from scripts, data blocks and
        the header `TikTok-Events`.
        """
        return calls_of(response)

    def assert_deduplicated(self, response: object) -> None:
        """*response* carries at least one pixel call, and every one has a server event of its name and id.

        Raises:
            AssertionError: If not.
        """
        __tracebackhide__ = True
        calls = self.browser_calls(response)
        if not calls:
            raise AssertionError(f"the response has no pixel call; {self._account()}")
        posted = {(event.event, event.event_id) for event in self.sent()}
        alone = [call["event"] for call in calls if (call["event"], call["event_id"]) not in posted]
        if alone:
            raise AssertionError(f"no server event for the pixel call of {', '.join(alone)}; {self._account()}")

    def take(self, source: EventSource, body: bytes) -> TrackResponse:
        """Record the events of a request *body*; clients call it in place of the request."""
        self._posts += [_Post(source, event_from_item(item)) for item in json.loads(body)["data"]]
        return TrackResponse()

    def drop(self, event: str, reason: Reason, why: str, request: str) -> None:
        """Record an event that is not sent."""
        self._dropped.append(Dropped(event, reason, why, request))

    def _counted(self, name: str | None = None) -> list[_Post]:
        """The posted events that TikTok counts: the first of several copies."""
        first: dict[object, _Post] = {}
        for post in self._posts:
            if name in (None, post.event.event):
                first.setdefault(post.counted_by, post)
        return list(first.values())

    def _account(self, name: str | None = None) -> str:
        """Sent and dropped events as text; the lines of dropped events called *name* leave the name out."""
        sent = Counter(str(post.event.event) for post in self._counted())
        text = f"sent: {', '.join(f'{event} x{number}' for event, number in sent.items()) or 'nothing'}."
        if not self._dropped:
            return text
        lines = Counter(f"{one}" if one.event == name else f"{one.event}, {one}" for one in self._dropped)
        listed = "; ".join(line if number == 1 else f"{line} x{number}" for line, number in lines.items())
        plural = "event" if len(self._dropped) == 1 else "events"
        return f"{text} {len(self._dropped)} {plural} dropped: {listed}"


class _Wanted:
    """The expectations of an assertion, normalised and hashed like an event. Its text names fields, never values."""

    def __init__(self, key: Key | UnsetType, user: UserFields, properties: PropertiesFields) -> None:
        made, about = User(**user), Properties(**properties)
        if found := [one for one in (*made.problems, *about.problems) if one.severity == "error"]:
            raise EventValidationError(found)
        self._key = key
        self._parts: dict[str, Wire] = {
            "user": {name: made._wire.get(name) for name in user if name not in ("phone_region", "extra")},
            "properties": {name: about._wire.get(name) for name in properties if name != "extra"},
        }
        self._parts["user"].update(user.get("extra") or {})
        self._parts["properties"].update(properties.get("extra") or {})

    def __str__(self) -> str:
        asked = [*(["key"] if self._key is not UNSET else []), *self._names()]
        return f" with this {', '.join(asked)}" if asked else ""

    def missed_by(self, post: _Post) -> list[str]:
        """The names of the fields in which *post* differs."""
        other = [name for name in self._names() if not self._has(post.event._wire, *name.split("."))]
        if self._key is not UNSET:
            made = event_id(post.event.event, self._key, namespace=post.source.id_namespace)
            other = [*(["key"] if made != post.event.event_id else []), *other]
        return other

    def _names(self) -> list[str]:
        return [f"{part}.{name}" for part, fields in self._parts.items() for name in fields]

    def _has(self, wire: Wire, part: str, name: str) -> bool:
        asked, sent = self._parts[part][name], wire.get(part, {}).get(name)
        if part == "properties" or asked is None or sent is None:
            return bool(asked == sent)
        return set(_several(asked)) <= set(_several(sent))


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _times(number: int) -> str:
    return "1 time" if number == 1 else f"{number} times"


@contextmanager
def capture(*, strict: bool = True) -> Iterator[Recorder]:
    """Record what all sites and clients of this process would send, and send nothing.

    Events are checked, hashed and given their ids as always, and are recorded when `track` returns, without thread and
    network. With *strict*, sites and background clients with `strict=None` raise what they log otherwise. All threads
    of the process are recorded, other processes are not. Of two nested captures the inner one records.
    """
    recorder = Recorder(strict=strict)
    before, network_guard.recorder = network_guard.recorder, recorder
    try:
        with reset_log_once():
            yield recorder
    finally:
        network_guard.recorder = before
