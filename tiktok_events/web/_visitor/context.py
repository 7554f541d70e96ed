"""`Context`: the visitor's data for events, from one request and its cookies. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import attrs

from tiktok_events._events.normalize import urls
from tiktok_events._events.normalize.click_ids import click_ids_in, has_click_id
from tiktok_events._events.user import is_locale
from tiktok_events.web._request import request_kind
from tiktok_events.web._request.client_address import client_ip
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._visitor import cookies
from tiktok_events.web._visitor.consent import Consent
from tiktok_events.web._visitor.cookies import Click, CookiePolicy, Visitor

_MAX_URL = 4_000
_MAX_USER_AGENT = 1_000


@attrs.frozen(kw_only=True)
class Context:
    """The visitor's data from one request. It is personal data: its repr names the fields that are set, not their values.

    - `url`, `referrer`: without fragment and secret parameters.
    - `ip`: the public address, or None.
    - `locale`: the first language of Accept-Language.
    - `ttclid`: the click id without the time stamp of its cookie; `clicked_ms` is that time.
    - `visitor_id`: the 32 hex digits of the visitor cookie; `visitor_ms` is when the cookie was written.
    - `limited_data_use`: whether `Sec-GPC` is 1.

    Times are milliseconds since 1970; 0 means unknown.
    """

    url: str | None = None
    referrer: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    locale: str | None = None
    ttclid: str | None = None
    clicked_ms: int = 0
    ttp: str | None = None
    visitor_id: str | None = None
    visitor_ms: int = 0
    limited_data_use: bool = False

    def __repr__(self) -> str:
        return f"Context({', '.join(name for name, value in self.as_dict().items() if value)})"

    def as_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return {name: getattr(self, name) for name in _FIELDS}


_FIELDS = tuple(attribute.name for attribute in attrs.fields(Context))


def context_from(
    request: WebRequest,
    policy: CookiePolicy,
    *,
    now: float,
    new_id: Callable[[], str],
    consent: Consent = Consent.GRANTED,
    may_write: bool = True,
    own_domains: Sequence[str] = (),
    gpc: bool = True,
) -> Context:
    """The context of *request* at *now* (Unix seconds).

    A ttclid in the URL is a new ad click and wins over that in the cookie. Without consent no identifier is read. A
    request that no browser sent has no address, user agent or page. *new_id* makes the 32 hex digits of a new
    visitor's id, only where a cookie may be written (*may_write*). Never raises for the contents of a request.
    """
    limited = gpc and request.header("sec-gpc").strip() == "1"
    if not request_kind.is_from_browser(request):
        return Context(limited_data_use=limited)
    may_read = consent is Consent.GRANTED
    identifiers = _identifiers(request, policy, int(now * 1000), new_id, may_write) if may_read else {}
    return Context(
        url=_page_url(request, own_domains),
        referrer=_referrer(request) if request_kind.is_navigation(request) else None,
        ip=client_ip(request),
        user_agent=_printable(request.header("user-agent"), _MAX_USER_AGENT),
        locale=_locale(request.header("accept-language")),
        limited_data_use=limited,
        **identifiers,
    )


def _identifiers(
    request: WebRequest, policy: CookiePolicy, now_ms: int, new_id: Callable[[], str], may_write: bool
) -> dict[str, Any]:
    stored = cookies.read_stored_identifiers(request, now_ms=now_ms, policy=policy)
    click = click_from(request, stored.click, now_ms)
    visitor = stored.visitor or (Visitor(new_id(), now_ms) if may_write else None)
    return {
        "ttclid": click.ttclid if click else None,
        "clicked_ms": click.clicked_ms if click else 0,
        "ttp": cookies.read_pixel_id(request.cookie_values(cookies.PIXEL_COOKIE)),
        "visitor_id": visitor.visitor_id if visitor else None,
        "visitor_ms": visitor.written_ms if visitor else 0,
    }


def click_from(request: WebRequest, stored: Click | None, now_ms: int) -> Click | None:
    """The click of *request*: from its URL, else *stored* (from the cookie), else from the referrer."""
    ttclid = _click_id_in(request.query)
    if ttclid is None:
        return stored or _click_from_referrer(request, now_ms)
    return stored if stored and stored.ttclid == ttclid else Click(ttclid, now_ms)


def _click_id_in(query: str) -> str | None:
    if not has_click_id(query):
        return None
    return next(filter(None, map(cookies.valid_click_id, click_ids_in(query))), None)


def _click_from_referrer(request: WebRequest, now_ms: int) -> Click | None:
    # After a redirect or a prerender, or consent on the landing page, the referrer (of this host) still has the id.
    referrer = request.header("referer")
    if not has_click_id(referrer) or _hostname(referrer) != request.hostname:
        return None
    ttclid = _click_id_in(referrer.partition("#")[0].partition("?")[2])
    return Click(ttclid, now_ms) if ttclid else None


def _page_url(request: WebRequest, own_domains: Sequence[str]) -> str | None:
    """The page that the visitor sees: the one navigated to, or the one that requested a fragment."""
    if request_kind.is_fragment(request):
        for name in ("hx-current-url", "referer"):
            page_url = request.header(name)
            host = _hostname(page_url)
            if host and (host == request.hostname or cookies.cookie_domain(host, own_domains)):
                return _clean_url(page_url)
    return _clean_url(request.url)


def _referrer(request: WebRequest) -> str | None:
    return _clean_url(request.header("referer"))


def _clean_url(url: str | None) -> str | None:
    if not url or len(url) > _MAX_URL:
        url = url[:_MAX_URL].partition("?")[0] if url else None
    if not url or not url.isascii() or not urls.is_http_url(url):
        return None
    return urls.without_secrets(url.partition("#")[0])


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _printable(value: str | None, max_length: int) -> str | None:
    """*value* without control characters, cut to *max_length* characters; None if nothing is left."""
    if value and not value.isprintable():
        value = "".join(character for character in value if character.isprintable())
    return value[:max_length] if value else None


def _locale(header: str) -> str | None:
    tag = header.partition(",")[0].partition(";")[0].strip()
    return tag if len(tag) <= 35 and is_locale(tag) else None
