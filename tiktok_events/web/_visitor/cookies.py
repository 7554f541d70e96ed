"""The cookies: what they hold, how long, and the one place that writes a Set-Cookie header."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import attrs

from tiktok_events.web._request.request import WebRequest

VISITOR_COOKIE = "_tte_id"
CLICK_COOKIE = "ttclid"
PIXEL_COOKIE = "_ttp"
REDIRECT_COOKIE = "_tte_next"

_DAY = 86_400
_DAY_MS = _DAY * 1000
_OWN = r'{}\s*=\s*"*1\.([0-9]{{13}})\.([0-9a-f]{{32}})"*\s*(?:;|$)'
_CLICK_ID = re.compile(r"[A-Za-z0-9._-]{1,1000}")
_CLICK_TAIL = re.compile(r"\.([0-9]{13})")
_PIXEL_ID = re.compile(r"[A-Za-z0-9._-]{1,256}")
_OCTETS = re.compile(r"[!#-+\--:<-\[\]-~]*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DOMAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")


@attrs.frozen(kw_only=True)
class CookiePolicy:
    """How the identifier cookies are written. Ages are days.

    `visitor_name` is the cookie of the visitor id (HttpOnly, refreshed at most once in `refresh_days`). The click id
    lives `click_days` from the click, in the cookie `ttclid` that the pixel reads too. `secure` "auto" follows the
    request's scheme. `write_on` "navigation" writes on document navigations and redirects only, "any" also on other
    same-site GET answers, for pages that Python never serves. Browsers cap every age at 400 days.
    """

    visitor_name: str = attrs.field(default=VISITOR_COOKIE, validator=attrs.validators.matches_re(_TOKEN))
    visitor_days: int = attrs.field(default=390, validator=[attrs.validators.ge(1), attrs.validators.le(400)])
    refresh_days: int = attrs.field(default=30, validator=attrs.validators.ge(1))
    click_days: int = attrs.field(default=28, validator=[attrs.validators.ge(1), attrs.validators.le(390)])
    secure: Literal["auto", "always", "never"] = "auto"
    write_on: Literal["navigation", "any"] = "navigation"
    _own: re.Pattern[str] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_own", re.compile(_OWN.format(re.escape(self.visitor_name))))

    def read_visitor(self, header: str) -> Visitor | None:
        """The visitor of the first well-formed cookie in a Cookie *header*; no other cookie is taken apart."""
        for found in self._own.finditer(header):
            start = found.start()
            if not header[header.rfind(";", 0, start) + 1 : start].strip():
                return Visitor(found[2], int(found[1]))
        return None

    def is_fresh(self, header: str, now: float) -> bool:
        """Whether a Cookie *header* plainly holds a visitor's cookie that needs no refresh at *now*; less plain is no."""
        found = self._own.search(header)
        if found is None:
            return False
        at = found.start()
        stands_alone = header[at - 2 : at] == "; " if at else True
        return stands_alone and now * 1000 - int(found[1]) <= self.refresh_days * _DAY_MS


@attrs.frozen
class SetCookie:
    """One cookie to write. `max_age` is seconds; 0 expires it. Lax, since None buys a first party nothing."""

    name: str
    value: str = attrs.field(repr=False)
    max_age: int
    http_only: bool = attrs.field(kw_only=True)
    secure: bool = attrs.field(kw_only=True)
    domain: str | None = attrs.field(default=None, kw_only=True)

    def header(self) -> str:
        """The value of a Set-Cookie header.

        Raises:
            ValueError: If name, value or domain hold anything a cookie may not; none of ours ever does.
        """
        if not _TOKEN.fullmatch(self.name) or not _OCTETS.fullmatch(self.value):
            raise ValueError("not a cookie's name or value")
        if self.domain is not None and not _DOMAIN.fullmatch(self.domain):
            raise ValueError("not a cookie's domain")
        domain = f"; Domain={self.domain}" if self.domain else ""
        flags = ("; Secure" if self.secure else "") + ("; HttpOnly" if self.http_only else "")
        return f"{self.name}={self.value}; Path=/; Max-Age={self.max_age}; SameSite=Lax{domain}{flags}"


@attrs.frozen
class Click:
    """A click id and the milliseconds since 1970 at which it came; 0 when a bare cookie does not say."""

    ttclid: str = attrs.field(repr=False)
    at_ms: int


@attrs.frozen
class Visitor:
    """A visitor id, 32 hex digits, and the milliseconds since 1970 at which its cookie was written."""

    visitor_id: str = attrs.field(repr=False)
    written_ms: int


class StoredIdentifiers(NamedTuple):
    """What the cookies of a request have kept of earlier ones; `is_click_over` says that a click's window has ended."""

    visitor: Visitor | None
    click: Click | None
    is_click_over: bool


NO_STORED_IDENTIFIERS = StoredIdentifiers(None, None, is_click_over=False)


def read_stored_identifiers(request: WebRequest, *, now_ms: int, policy: CookiePolicy) -> StoredIdentifiers:
    """What the cookies of *request* keep."""
    header = request.header("cookie")
    if CLICK_COOKIE not in header and policy.visitor_name not in header:
        return NO_STORED_IDENTIFIERS
    clicks = request.cookie_values(CLICK_COOKIE)
    click = read_click(clicks, now_ms=now_ms, policy=policy)
    is_click_over = click is None and any(map(valid_click_id, clicks))
    return StoredIdentifiers(policy.read_visitor(header), click, is_click_over=is_click_over)


def read_click(values: Sequence[str], *, now_ms: int, policy: CookiePolicy) -> Click | None:
    """The newest valid click of the cookies *values*; None if there is none, or it is older than its window.

    The pixel writes `<click id>.<13-digit ms>`; older set-ups a bare id, which counts as oldest and never expires.
    """
    clicks = [_click(value) for value in values if _CLICK_ID.fullmatch(value)]
    fresh = [click for click in clicks if not click.at_ms or now_ms - click.at_ms <= policy.click_days * _DAY_MS]
    return max(fresh, key=lambda click: click.at_ms, default=None)


def _click(value: str) -> Click:
    # Click ids hold dots themselves: only a tail of exactly 13 digits is the pixel's.
    tail = _CLICK_TAIL.fullmatch(value[-14:]) if len(value) > 14 else None
    return Click(value[:-14], int(tail.group(1))) if tail else Click(value, 0)


def valid_click_id(value: str) -> str | None:
    """*value* as a click id off a query string: its cookie tail stripped, None if it cannot be one."""
    return _click(value).ttclid if _CLICK_ID.fullmatch(value) else None


def read_pixel_id(values: Sequence[str]) -> str | None:
    """The `_ttp` cookie as it is: its form has changed four times, so only its alphabet is looked at."""
    return next((value for value in values if _PIXEL_ID.fullmatch(value)), None)


def is_cookie_domain(domain: str) -> bool:
    """Whether *domain* can be a cookie's: two labels or more, in ASCII."""
    return _DOMAIN.fullmatch(domain.lower().strip(".")) is not None


def cookie_domain(hostname: str, domains: Sequence[str]) -> str | None:
    """The configured domain that *hostname* lies in; None makes the cookie host-only, which is always right."""
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


def is_current(kept: StoredIdentifiers, click: Click | None, *, now_ms: int, policy: CookiePolicy) -> bool:
    """Whether the cookies hold what is known already, so that none is to be written."""
    is_fresh = kept.visitor is not None and not _refresh_is_due(kept.visitor, now_ms, policy)
    return is_fresh and click is kept.click and not kept.is_click_over


def identifier_cookies(
    kept: StoredIdentifiers,
    *,
    visitor: Visitor,
    click: Click | None,
    now_ms: int,
    policy: CookiePolicy,
    secure: bool,
    domain: str | None,
) -> list[SetCookie]:
    """The identifier cookies to write: only what is new or, for the visitor id, older than its refresh."""
    cookies = []
    if kept.visitor is None or _refresh_is_due(kept.visitor, now_ms, policy):
        value, age = f"1.{now_ms:013d}.{visitor.visitor_id}", policy.visitor_days * _DAY
        cookies.append(SetCookie(policy.visitor_name, value, age, http_only=True, secure=secure, domain=domain))
    if click is None and kept.is_click_over:
        cookies += expired((CLICK_COOKIE,), secure=secure, domain=domain)
    elif click is not None and click is not kept.click:  # a kept one is never extended
        value, age = f"{click.ttclid}.{click.at_ms:013d}", policy.click_days * _DAY - (now_ms - click.at_ms) // 1000
        cookies.append(SetCookie(CLICK_COOKIE, value, age, http_only=False, secure=secure, domain=domain))
    return cookies


def _refresh_is_due(visitor: Visitor, now_ms: int, policy: CookiePolicy) -> bool:
    return now_ms - visitor.written_ms > policy.refresh_days * _DAY_MS


def expired(names: Sequence[str], *, secure: bool, domain: str | None) -> list[SetCookie]:
    """Expiries for cookies of ours, for this host and for *domain*: a browser drops only the one that matches."""
    return [
        SetCookie(name, "", 0, http_only=name != CLICK_COOKIE, secure=secure, domain=one)
        for name in names
        for one in ((None, domain) if domain and name != REDIRECT_COOKIE else (None,))
    ]
