"""Fault injection: a queue of scripted responses of `event/track/`, for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import attrs

_MAX_FAULTS = 10_000
_MAX_DELAY = 60


@attrs.frozen(kw_only=True)
class Fault:
    """One scripted response.

    `code` responds with TikTok's envelope and HTTP `status`. `status` alone responds with an HTML page, as a proxy
    would. Neither stores the events unless `store` is true. `drop` closes the connection "before" or "after" the
    events are stored. `delay` is the number of seconds before the response; alone, the response is the usual one.
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
        """Whether the fault replaces the usual response."""
        return self.drop is not None or self.status is not None or bool(self.code)


class Faults:
    """The queue of scripted responses."""

    def __init__(self) -> None:
        self._pending: deque[Fault] = deque()

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, wanted: object) -> None:
        """Queue the faults that *wanted* describes, such as `{"answers": [{"code": 40100, "times": 2}, ...]}`.

        Raises:
            ValueError: If *wanted* has another form, or the queue would be too long.
        """
        answers = wanted.get("answers") if isinstance(wanted, dict) else None
        if not isinstance(answers, list) or not answers:
            raise ValueError('send {"answers": [...]} with at least one answer')
        faults = [fault for answer in answers for fault in _faults_from(answer)]
        if len(self._pending) + len(faults) > _MAX_FAULTS:
            raise ValueError(f"at most {_MAX_FAULTS:,} answers can be queued")
        self._pending.extend(faults)

    def take(self) -> Fault | None:
        """Remove and return the fault for the next request."""
        return self._pending.popleft() if self._pending else None

    def clear(self) -> None:
        """Remove all faults."""
        self._pending.clear()


def _faults_from(answer: object) -> list[Fault]:
    if not isinstance(answer, dict) or not answer.keys() <= _CHECKS.keys():
        raise ValueError(f"an answer must be an object with these keys only: {', '.join(_CHECKS)}")
    for name, value in answer.items():
        is_valid, expected = _CHECKS[name]
        if not is_valid(value):
            raise ValueError(f"{name} must be {expected}")
    times = answer.get("times", 1)
    if len(answer) == ("times" in answer):
        raise ValueError("an answer needs a code, status, drop or delay")
    return [Fault(**{name: value for name, value in answer.items() if name != "times"})] * times


def _is_integer(value: object, minimum: int, maximum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum


def _is_number(value: object, minimum: float, maximum: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and minimum <= value <= maximum


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "code": (lambda value: _is_integer(value, 0, 99_999), "a TikTok code, such as 40100"),
    "status": (
        lambda value: _is_integer(value, 200, 599) and value not in (204, 205, 304),
        "an HTTP status with a body",
    ),
    "store": (lambda value: isinstance(value, bool), "true or false"),
    "drop": (lambda value: value in ("before", "after"), "before or after"),
    "delay": (lambda value: _is_number(value, 0, _MAX_DELAY), f"seconds, at most {_MAX_DELAY}"),
    "retry_after": (lambda value: _is_integer(value, 0, 86_400), "whole seconds"),
    "times": (lambda value: _is_integer(value, 1, _MAX_FAULTS), f"a number of requests, at most {_MAX_FAULTS:,}"),
}
