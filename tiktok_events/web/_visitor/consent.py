"""Consent: three words, and who is asked for them."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from typing import Any

import attrs

from tiktok_events._runtime.log_once import log_once
from tiktok_events.web._request.request import WebRequest


class Consent(enum.Enum):
    """The visitor's answer to the question for consent."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


@attrs.frozen
class ConsentCookie:
    """Consent told by a cookie of the site's: *granted* and *denied* are the values that mean each.

    A missing cookie is unknown, any other value denied. The page's script can read it as well, so pages that are
    cached for everybody stay right.
    """

    name: str
    granted: frozenset[str] = attrs.field(converter=frozenset)
    denied: frozenset[str] = attrs.field(converter=frozenset)

    def __call__(self, request: WebRequest) -> bool | None:
        """True, False, or None for a missing cookie."""
        values = request.cookie_values(self.name)
        return values[0] in self.granted if values else None


Answer = bool | None | Consent
ConsentRule = Callable[[Any], Answer] | ConsentCookie

_ANSWERS: dict[Any, Consent] = {True: Consent.GRANTED, False: Consent.DENIED, None: Consent.UNKNOWN}


def ask(rule: ConsentRule | None, request: WebRequest) -> Consent:
    """What *rule* answers for *request*. No rule is granted; an exception or any other answer is denied."""
    if rule is None:
        log_once("no consent rule is set: consent is taken as granted", logging.INFO)
        return Consent.GRANTED
    try:
        answer: Any = rule(request if isinstance(rule, ConsentCookie) else request.native)
    except Exception as error:  # noqa: BLE001 - a rule that fails must not grant, and must not take the page down
        log_once(f"the consent rule raised {type(error).__name__}: taken as denied", logging.ERROR)
        return Consent.DENIED
    if (consent := consent_of(answer)) is not None:
        return consent
    log_once(f"the consent rule answered a {type(answer).__name__}, not True, False or None: denied", logging.ERROR)
    return Consent.DENIED


def consent_of(answer: Any) -> Consent | None:
    """The word for True, False or None; None for anything else."""
    if isinstance(answer, Consent):
        return answer
    return _ANSWERS[answer] if answer is None or isinstance(answer, bool) else None
