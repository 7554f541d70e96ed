"""What a request tells TikTok, and which cookies keep it for later. Clock and new_id are passed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from tiktok_events._events.normalize import urls
from tiktok_events._events.user import is_locale
from tiktok_events.web._request import request_kind
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._visitor import cookies
from tiktok_events.web._visitor.consent import Consent
from tiktok_events.web._visitor.cookies import Click, CookiePolicy, Visitor

_LONGEST_URL = 4_000
_LONGEST_AGENT = 1_000


@attrs.frozen(kw_only=True)
class Context:
    """What is known of a visitor from one request. Personal data: its repr names the fields that are set, no values.

    `ttclid` is the click id without its cookie's tail, `visitor_id` 32 hex digits of our own cookie, `url` and
    `referrer` are without fragment and secrets, `ip` is public or None, `locale` the first language the browser
    prefers. `limited_data_use` follows `Sec-GPC`.
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
        return f"Context({', '.join(name for name, value in self.parts().items() if value)})"

    def parts(self) -> dict[str, Any]:
        """The fields by name."""
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
    trusted: Sequence[request_kind.Network] = (),
    gpc: bool = True,
) -> Context:
    """Decide what *request* tells TikTok at *now* (Unix seconds).

    A ttclid in the URL is a fresh ad click and beats the one in the cookie. Without consent no identifier is read.
    A request that is plainly no visitor's contributes no address, user agent or page. *new_id* gives 32 hex digits for
    a new visitor, who is only made where a cookie may be written (*may_write*). Never raises for what a request says.
    """
    limited = gpc and request.header("sec-gpc").strip() == "1"
    if not request_kind.is_visitor(request):
        return Context(limited_data_use=limited)
    known = _identifiers(request, policy, int(now * 1000), new_id, may_write) if consent is Consent.GRANTED else {}
    return Context(
        url=_page_url(request, own_domains),
        referrer=_referrer(request) if request_kind.is_navigation(request) else None,
        ip=request_kind.client_ip(request, trusted),
        user_agent=_text(request.header("user-agent"), _LONGEST_AGENT),
        locale=_locale(request.header("accept-language")),
        limited_data_use=limited,
        **known,
    )


def _identifiers(
    request: WebRequest, policy: CookiePolicy, now_ms: int, new_id: Callable[[], str], may_write: bool
) -> dict[str, Any]:
    kept = cookies.read_stored_identifiers(request, now_ms=now_ms, policy=policy)
    click = click_from(request, kept.click, now_ms)
    visitor = kept.visitor or (Visitor(new_id(), now_ms) if may_write else None)
    return {
        "ttclid": click.ttclid if click else None,
        "clicked_ms": click.at_ms if click else 0,
        "ttp": cookies.read_pixel_id(request.cookie_values(cookies.PIXEL_COOKIE)),
        "visitor_id": visitor.visitor_id if visitor else None,
        "visitor_ms": visitor.written_ms if visitor else 0,
    }


def click_from(request: WebRequest, kept: Click | None, now_ms: int) -> Click | None:
    """The click behind *request*: the URL's, else the one *kept* in a cookie, else that of the page before."""
    ttclid = _click_id_in(request.query)
    if ttclid is None:
        return kept or _click_of_referrer(request, now_ms)
    return kept if kept and kept.ttclid == ttclid else Click(ttclid, now_ms)


def _click_id_in(query: str) -> str | None:
    if "ttclid=" not in query:
        return None
    try:
        values = [value for name, value in parse_qsl(query, max_num_fields=500) if name == "ttclid"]
    except ValueError:
        return None
    return next(filter(None, map(cookies.valid_click_id, values)), None)


def _click_of_referrer(request: WebRequest, now_ms: int) -> Click | None:
    # A prerendered or redirected landing, or consent given on it: the page before, of this host, still has the id.
    referrer = request.header("referer")
    if "ttclid=" not in referrer or _hostname(referrer) != request.hostname:
        return None
    ttclid = _click_id_in(referrer.partition("#")[0].partition("?")[2])
    return Click(ttclid, now_ms) if ttclid else None


def _page_url(request: WebRequest, own_domains: Sequence[str]) -> str | None:
    """The page the visitor looks at: what was navigated to, else the page that asked for a fragment."""
    if request_kind.is_fragment(request):
        for name in ("hx-current-url", "referer"):
            page = request.header(name)
            host = _hostname(page)
            if host and (host == request.hostname or cookies.cookie_domain(host, own_domains)):
                return _clean_url(page)
    return _clean_url(request.url)


def _referrer(request: WebRequest) -> str | None:
    return _clean_url(request.header("referer"))


def _clean_url(url: str | None) -> str | None:
    if not url or len(url) > _LONGEST_URL:
        url = url[:_LONGEST_URL].partition("?")[0] if url else None
    if not url or not url.isascii() or not urls.is_full(url):
        return None
    return urls.without_secrets(url.partition("#")[0])


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _text(value: str | None, longest: int) -> str | None:
    if not value or not value.isprintable():
        return None
    return value[:longest]


def _locale(header: str) -> str | None:
    tag = header.partition(",")[0].partition(";")[0].strip()
    return tag if len(tag) <= 35 and is_locale(tag) else None
