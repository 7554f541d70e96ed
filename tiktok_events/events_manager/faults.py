"""Faults for tests: scripted answers, and a clock that can be set."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal

import attrs

from tiktok_events._spec.codes import code_for

_MOST, _LONGEST_DELAY, _LATEST = 10_000, 60, 10**11

ANSWERS = {
    0: "OK",
    40001: "No permission to operate pixel code",
    40100: "Too many requests. Please retry in some time.",
    40104: "Access token is null, you should set it in http header with key Access-Token.",
    40105: "Access token is incorrect or has been revoked.",
}
"""Recorded messages of TikTok."""


def message_for(code: int) -> str:
    """TikTok's recorded message for *code*, or the meaning of the code."""
    return ANSWERS.get(code) or code_for(code, 200).meaning


@attrs.frozen(kw_only=True)
class Fault:
    """One scripted answer.

    `code` answers with it in TikTok's envelope, under HTTP `status`; `status` alone answers with a page in HTML, as a
    proxy would. Both leave the events unseen unless `store` is set. `drop` closes the connection "before" or "after"
    the events are stored. `delay` holds the answer back for so many seconds; alone, it is the usual answer, later.
    """

    code: int | None = None
    status: int | None = None
    store: bool = False
    drop: Literal["before", "after"] | None = None
    delay: float = 0.0
    retry_after: int | None = None

    @property
    def stores(self) -> bool:
        """Whether the events are stored as usual."""
        return self.store or self.drop == "after" or not self.replaces

    @property
    def replaces(self) -> bool:
        """Whether the usual answer is not given."""
        return self.drop is not None or self.status is not None or bool(self.code)


class Faults:
    """The queue of scripted answers."""

    def __init__(self) -> None:
        self._waiting: deque[Fault] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, wanted: object) -> None:
        """Queue the faults that the JSON *wanted* describes: `{"answers": [{"code": 40100, "times": 2}, ...]}`.

        Raises:
            ValueError: If it describes none, or too many.
        """
        answers = wanted.get("answers") if isinstance(wanted, dict) else None
        if not isinstance(answers, list) or not answers:
            raise ValueError('send {"answers": [...]} with at least one answer')
        made = [fault for answer in answers for fault in _faults_from(answer)]
        if len(self._waiting) + len(made) > _MOST:
            raise ValueError(f"at most {_MOST:,} answers can wait")
        self._waiting.extend(made)

    def take(self) -> Fault | None:
        """Remove and return the fault for the next request."""
        return self._waiting.popleft() if self._waiting else None

    def clear(self) -> None:
        """Drop all faults."""
        self._waiting.clear()


def _faults_from(answer: object) -> list[Fault]:
    if not isinstance(answer, dict) or not answer.keys() <= _CHECKS.keys():
        raise ValueError(f"an answer is an object of {', '.join(_CHECKS)}")
    for name, value in answer.items():
        is_right, wanted_form = _CHECKS[name]
        if not is_right(value):
            raise ValueError(f"{name} must be {wanted_form}")
    times = answer.get("times", 1)
    if len(answer) == ("times" in answer):
        raise ValueError("an answer needs a code, status, drop or delay")
    return [Fault(**{name: value for name, value in answer.items() if name != "times"})] * times


def _is_whole(value: object, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: object, least: float, most: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "code": (lambda value: _is_whole(value, 0, 99_999), "a code of TikTok's, such as 40100"),
    "status": (lambda value: _is_whole(value, 200, 599) and value not in (204, 205, 304), "an HTTP status with a body"),
    "store": (lambda value: isinstance(value, bool), "true or false"),
    "drop": (lambda value: value in ("before", "after"), "before or after"),
    "delay": (lambda value: _is_number(value, 0, _LONGEST_DELAY), f"seconds, at most {_LONGEST_DELAY}"),
    "retry_after": (lambda value: _is_whole(value, 0, 86_400), "whole seconds"),
    "times": (lambda value: _is_whole(value, 1, _MOST), "a count of requests"),
}


class Clock:
    """The manager's clock: the given one, or a fixed time after `set`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._set: float | None = None

    def __call__(self) -> float:
        """Return the time, in Unix seconds."""
        return self._clock() if self._set is None else self._set

    def set(self, wanted: object) -> None:
        """Set the time by `{"now": seconds}` or move it by `{"advance": seconds}`.

        Raises:
            ValueError: If *wanted* says neither, or leads out of all calendars.
        """
        if not isinstance(wanted, Mapping) or wanted.keys() not in ({"now"}, {"advance"}):
            raise ValueError('send {"now": seconds} or {"advance": seconds}')
        (name, number), *_ = wanted.items()
        if not _is_number(number, -_LATEST, _LATEST) or not math.isfinite(number):
            raise ValueError(f"{name} must be a number of seconds")
        time_then = number if name == "now" else self() + number
        if not 0 <= time_then <= _LATEST:
            raise ValueError(f"{name} is not a valid time")
        self._set = float(time_then)

    def run(self) -> None:
        """Use the given clock again."""
        self._set = None
