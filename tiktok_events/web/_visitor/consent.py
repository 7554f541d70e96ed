"""Consent: its three values, and the rules that determine it."""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable
from typing import Any

import attrs

from tiktok_events._runtime.log_once import log_once
from tiktok_events.web._request.request import WebRequest


class Consent(enum.Enum):
    """Whether the visitor allows measurement."""

    GRANTED = "granted"
    DENIED = "denied"
    UNKNOWN = "unknown"


@attrs.frozen
class ConsentCookie:
    """Consent from a cookie of the site. *granted* and *denied* are the cookie's values for each.

    A missing cookie is unknown, any other value is denied. The page's script reads the cookie too, so that a page may
    be cached for all visitors.
    """

    name: str
    granted: frozenset[str] = attrs.field(converter=frozenset)
    denied: frozenset[str] = attrs.field(converter=frozenset)

    def __call__(self, request: WebRequest) -> bool | None:
        """The consent in the cookie of *request*: True, False, or None if the cookie is missing."""
        values = request.cookie_values(self.name)
        return values[0] in self.granted if values else None


ConsentValue = bool | None | Consent
"""True or GRANTED, False or DENIED, None or UNKNOWN."""
ConsentRule = Callable[[Any], ConsentValue] | ConsentCookie

_BY_VALUE: dict[Any, Consent] = {True: Consent.GRANTED, False: Consent.DENIED, None: Consent.UNKNOWN}


def consent_from_rule(rule: ConsentRule | None, request: WebRequest) -> Consent:
    """The consent that *rule* returns for *request*.

    Without a rule it is granted. If the rule raises or returns another type, it is denied and an error is logged.
    """
    if rule is None:
        log_once("no consent rule is set: consent is assumed", logging.INFO)
        return Consent.GRANTED
    try:
        value: Any = rule(request if isinstance(rule, ConsentCookie) else request.native)
    except Exception as error:  # noqa: BLE001 - a rule that fails must not grant, and must not fail the page
        log_once(f"the consent rule raised {type(error).__name__}: consent is denied", logging.ERROR)
        return Consent.DENIED
    if (consent := to_consent(value)) is not None:
        return consent
    log_once(
        f"the consent rule returned {type(value).__name__}, not True, False or None: consent is denied", logging.ERROR
    )
    return Consent.DENIED


def to_consent(value: Any) -> Consent | None:
    """The `Consent` for True, False, None or a `Consent`; None for any other *value*."""
    if isinstance(value, Consent):
        return value
    return _BY_VALUE[value] if value is None or isinstance(value, bool) else None
