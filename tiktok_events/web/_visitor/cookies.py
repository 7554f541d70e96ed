"""Cookies: their format and lifetime. Only this module writes a Set-Cookie header."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import attrs

from tiktok_events._events.normalize.click_ids import is_placeholder
from tiktok_events.web._request.request import WebRequest

VISITOR_COOKIE = "_tte_id"
CLICK_COOKIE = "ttclid"
PIXEL_COOKIE = "_ttp"
REDIRECT_COOKIE = "_tte_next"

_DAY = 86_400
_DAY_MS = _DAY * 1000
_VISITOR_COOKIE_PATTERN = r'{}\s*=\s*"*1\.([0-9]{{13}})\.([0-9a-f]{{32}})"*\s*(?:;|$)'
_CLICK_ID = re.compile(r"[A-Za-z0-9._-]{1,1000}")
_CLICK_TIME = re.compile(r"\.([0-9]{13})")
_PIXEL_ID = re.compile(r"[A-Za-z0-9._-]{1,256}")
_COOKIE_OCTETS = re.compile(r"[!#-+\--:<-\[\]-~]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")


@attrs.frozen(kw_only=True)
class CookiePolicy:
    """How the identifier cookies are written. Ages are in days; browsers limit every age to 400 days.

    - `visitor_name`: the cookie of the visitor id (HttpOnly).
    - `visitor_days` (1 to 400): its age. It is written again when it is older than `refresh_days`.
    - `click_days` (1 to 390): age of the cookie `ttclid`, counted from the click. The pixel reads it, too.
    - `secure`: the attribute Secure; "auto" sets it if the request's scheme is https.
    - `write_on`: "navigation" writes on document navigations and redirects only, "any" also on other same-site GET
      requests, for pages that Python does not serve.
    """

    visitor_name: str = attrs.field(default=VISITOR_COOKIE, validator=attrs.validators.matches_re(_TOKEN))
    visitor_days: int = attrs.field(default=390, validator=[attrs.validators.ge(1), attrs.validators.le(400)])
    refresh_days: int = attrs.field(default=30, validator=attrs.validators.ge(1))
    click_days: int = attrs.field(default=28, validator=[attrs.validators.ge(1), attrs.validators.le(390)])
    secure: Literal["auto", "always", "never"] = "auto"
    write_on: Literal["navigation", "any"] = "navigation"
    _pattern: re.Pattern[str] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_pattern", re.compile(_VISITOR_COOKIE_PATTERN.format(re.escape(self.visitor_name))))

    def read_visitor(self, header: str) -> Visitor | None:
        """The visitor of the first well-formed cookie in a Cookie *header*; other cookies are not parsed."""
        for found in self._pattern.finditer(header):
            start = found.start()
            if not header[header.rfind(";", 0, start) + 1 : start].strip():
                return Visitor(found[2], int(found[1]))
        return None

    def is_fresh(self, header: str, now: float) -> bool:
        """Whether a Cookie *header* has a well-formed visitor cookie that needs no refresh at *now*."""
        found = self._pattern.search(header)
        if found is None:
            return False
        start = found.start()
        is_whole_name = header[start - 2 : start] == "; " if start else True
        return is_whole_name and now * 1000 - int(found[1]) <= self.refresh_days * _DAY_MS


@attrs.frozen
class SetCookie:
    """A cookie to write. `max_age` is in seconds; 0 expires it. SameSite is Lax."""

    name: str
    value: str = attrs.field(repr=False)
    max_age: int
    http_only: bool = attrs.field(kw_only=True)
    secure: bool = attrs.field(kw_only=True)
    domain: str | None = attrs.field(default=None, kw_only=True)

    def header(self) -> str:
        """The value of a Set-Cookie header.

        Raises:
            ValueError: If name, value or domain hold a character that a cookie may not. The package writes none.
        """
        if not _TOKEN.fullmatch(self.name) or not _COOKIE_OCTETS.fullmatch(self.value):
            raise ValueError("not a valid cookie name or value")
        if self.domain is not None and not _DOMAIN.fullmatch(self.domain):
            raise ValueError("not a valid cookie domain")
        domain = f"; Domain={self.domain}" if self.domain else ""
        flags = ("; Secure" if self.secure else "") + ("; HttpOnly" if self.http_only else "")
        return f"{self.name}={self.value}; Path=/; Max-Age={self.max_age}; SameSite=Lax{domain}{flags}"


@attrs.frozen
class Click:
    """A click id and its time in milliseconds since 1970; 0 if the cookie has no time."""

    ttclid: str = attrs.field(repr=False)
    clicked_ms: int


@attrs.frozen
class Visitor:
    """A visitor id (32 hex digits) and the time its cookie was written, in milliseconds since 1970."""

    visitor_id: str = attrs.field(repr=False)
    written_ms: int


class StoredIdentifiers(NamedTuple):
    """The identifiers in the cookies of a request. `has_expired_click`: there is a click, older than `click_days`."""

    visitor: Visitor | None
    click: Click | None
    has_expired_click: bool


NO_STORED_IDENTIFIERS = StoredIdentifiers(None, None, has_expired_click=False)


def read_stored_identifiers(request: WebRequest, *, now_ms: int, policy: CookiePolicy) -> StoredIdentifiers:
    """The identifiers in the cookies of *request*."""
    header = request.header("cookie")
    if CLICK_COOKIE not in header and policy.visitor_name not in header:
        return NO_STORED_IDENTIFIERS
    clicks = request.cookie_values(CLICK_COOKIE)
    click = read_click(clicks, now_ms=now_ms, policy=policy)
    has_expired_click = click is None and any(map(valid_click_id, clicks))
    return StoredIdentifiers(policy.read_visitor(header), click, has_expired_click=has_expired_click)


def read_click(values: Sequence[str], *, now_ms: int, policy: CookiePolicy) -> Click | None:
    """The newest valid click of the cookies *values*; None if there is none, or it is older than `click_days`.

    The pixel writes `<click id>.<13-digit ms>`. A bare id, from an older set-up, counts as the oldest and never expires.
    """
    clicks = [click for click in map(_click, filter(_CLICK_ID.fullmatch, values)) if not is_placeholder(click.ttclid)]
    fresh = [
        click for click in clicks if not click.clicked_ms or now_ms - click.clicked_ms <= policy.click_days * _DAY_MS
    ]
    return max(fresh, key=lambda click: click.clicked_ms, default=None)


def _click(value: str) -> Click:
    # Click ids contain dots, so only exactly 13 digits after the last dot are the pixel's time stamp.
    stamp = _CLICK_TIME.fullmatch(value[-14:]) if len(value) > 14 else None
    return Click(value[:-14], int(stamp.group(1))) if stamp else Click(value, 0)


def valid_click_id(value: str) -> str | None:
    """*value* of a query string as a click id, without a cookie's time stamp; None if it cannot be one."""
    if not _CLICK_ID.fullmatch(value) or is_placeholder(click_id := _click(value).ttclid):
        return None
    return click_id


def read_pixel_id(values: Sequence[str]) -> str | None:
    """The `_ttp` cookie, unchanged: its form has changed four times, so only its characters are checked."""
    return next((value for value in values if _PIXEL_ID.fullmatch(value) and not is_placeholder(value)), None)


def is_cookie_domain(domain: str) -> bool:
    """Whether *domain* can be the domain of a cookie: two labels or more, in ASCII."""
    return _DOMAIN.fullmatch(domain.lower().strip(".")) is not None


def cookie_domain(hostname: str, domains: Sequence[str]) -> str | None:
    """The configured domain that *hostname* belongs to; None for a host-only cookie, which always works."""
    host = hostname.lower().rstrip(".")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return None
    for domain in domains:
        plain = domain.lower().strip(".")
        if "." in plain and (host == plain or host.endswith(f".{plain}")):
            return plain
    return None


def is_up_to_date(stored: StoredIdentifiers, click: Click | None, *, now_ms: int, policy: CookiePolicy) -> bool:
    """Whether the cookies are up to date, so that none has to be written."""
    is_fresh = stored.visitor is not None and not _needs_refresh(stored.visitor, now_ms, policy)
    return is_fresh and click is stored.click and not stored.has_expired_click


def identifier_cookies(
    stored: StoredIdentifiers,
    *,
    visitor: Visitor,
    click: Click | None,
    now_ms: int,
    policy: CookiePolicy,
    secure: bool,
    domain: str | None,
) -> list[SetCookie]:
    """The identifier cookies to write: those that are new, and the visitor id if it needs a refresh."""
    cookies = []
    if stored.visitor is None or _needs_refresh(stored.visitor, now_ms, policy):
        value, age = f"1.{now_ms:013d}.{visitor.visitor_id}", policy.visitor_days * _DAY
        cookies.append(SetCookie(policy.visitor_name, value, age, http_only=True, secure=secure, domain=domain))
    if click is None and stored.has_expired_click:
        cookies += expired_cookies((CLICK_COOKIE,), secure=secure, domain=domain)
    elif click is not None and click is not stored.click:  # the lifetime of a stored click is never extended
        value, age = (
            f"{click.ttclid}.{click.clicked_ms:013d}",
            policy.click_days * _DAY - (now_ms - click.clicked_ms) // 1000,
        )
        cookies.append(SetCookie(CLICK_COOKIE, value, age, http_only=False, secure=secure, domain=domain))
    return cookies


def _needs_refresh(visitor: Visitor, now_ms: int, policy: CookiePolicy) -> bool:
    return now_ms - visitor.written_ms > policy.refresh_days * _DAY_MS


def expired_cookies(names: Sequence[str], *, secure: bool, domain: str | None) -> list[SetCookie]:
    """Cookies that delete those with *names*, for this host and for *domain*: a browser deletes only an exact match."""
    return [
        SetCookie(name, "", 0, http_only=name != CLICK_COOKIE, secure=secure, domain=cookie_domain)
        for name in names
        for cookie_domain in ((None, domain) if domain and name != REDIRECT_COOKIE else (None,))
    ]
