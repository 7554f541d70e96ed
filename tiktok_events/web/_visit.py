"""One request's visitor: what they allow, what is known of them, and which cookies keep it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Self, Unpack

from tiktok_events._events.build import Wire
from tiktok_events._events.normalize import hash_external_id
from tiktok_events._events.typed import UserFields
from tiktok_events._events.user import User
from tiktok_events._events.wire import wire_of
from tiktok_events._rules.problem import Problem
from tiktok_events.web import _cookies as cookies
from tiktok_events.web import _visits as visits
from tiktok_events.web._consent import Consent, ask, say_once
from tiktok_events.web._context import Context, click_from, context_from
from tiktok_events.web._cookies import SetCookie, Visitor
from tiktok_events.web._request import WebRequest
from tiktok_events.web._site import Site


class Visit:
    """The visitor of one request, seen through its site's settings. Everything is asked or made on first use."""

    touched = False
    """Whether anything of this visitor's was made or read for the page: then it is no page for a shared cache."""
    _consent: Consent | None = None
    _context: Context | None = None
    _is_resumed = False
    _asked_now = False
    _is_nobody: bool | None = None
    _known: Wire | None = None
    _new_id: str | None = None

    def __init__(self, site: Site, request: WebRequest) -> None:
        self.site = site
        self.request = request

    @classmethod
    def of_earlier(cls, site: Site, request: WebRequest, context: Context, consent: Consent) -> Self:
        """A visitor who is known from an earlier request: *context* and *consent* are what that one knew."""
        visit = cls(site, request)
        visit._context, visit._consent, visit._is_resumed = context, consent, True
        return visit

    @property
    def consent(self) -> Consent:
        """What the visitor has said; asked once a request, on first use."""
        if self._consent is None:
            self._consent = ask(self.site.consent, self.request)
            opted_out = self.site.gpc == "deny" and self.request.header("sec-gpc").strip() == "1"
            if opted_out and (self.site.consent is None or self._consent is Consent.UNKNOWN):
                self._consent = Consent.DENIED  # only a yes of the visitor's own beats the browser's no
        return self._consent

    @property
    def context(self) -> Context:
        """What this request tells TikTok."""
        if self._context is None:
            site, request = self.site, self.request
            self._context = context_from(
                request,
                site.cookies,
                now=site.clock(),
                dice=self._new_visitor_id,
                consent=self.consent,
                may_write=self._may_write_cookies(),
                own_domains=site.cookie_domains,
                trusted=site.trusted_proxies,
                gpc=site.gpc != "ignore",
            )
        return self._context

    @property
    def is_nobody(self) -> bool:
        """Whether a bot asks, or a browser that only fetches ahead; judged once a request."""
        if self._is_nobody is None:
            self._is_nobody = visits.is_prefetch(self.request) or visits.is_bot(self.request)
        return self._is_nobody

    @property
    def enabled(self) -> bool:
        """Whether anything happens here at all."""
        return self.site.enabled and self.site.source is not None

    def identify(self, **user: Unpack[UserFields]) -> None:
        """Say who the visitor is; fills what this request's events leave out. Takes `User`'s fields, hashed here.

        Raises:
            TypeError, ValueError: With `Site(strict=True)`, for what elsewhere is left out and logged.
        """
        known = dict(self._identified)
        self._known = {**known, **self._hashed(user)}

    def digests(self) -> dict[str, str]:
        """What advanced matching prints of the visitor: digests made here, under the pixel's names."""
        known = self._identified
        visitor = hash_external_id(self.context.visitor_id) if self.context.visitor_id else None
        named = {
            "sha256_email": known.get("email"),
            "sha256_phone_number": known.get("phone"),
            "external_id": known.get("external_id") or visitor,
        }
        return {name: one if isinstance(one, str) else one[0] for name, one in named.items() if one}

    def grant_consent(self) -> None:
        """The visitor has just agreed: cookies may be written from this very response on."""
        self._set_consent(Consent.GRANTED)

    def revoke_consent(self) -> None:
        """The visitor has just refused: our cookies are expired in this very response."""
        self._set_consent(Consent.DENIED)

    def cookies(self, *, is_page: bool) -> list[SetCookie]:
        """The identifier cookies of this response; *is_page* says that it is HTML, or a redirect."""
        if not self.enabled:
            return []
        may_add = is_page or self._asked_now or self.site.cookies.write_on == "any"
        if may_add and self.consent is Consent.GRANTED:
            return self._identifier_cookies()
        return self._expiries()

    def _identifier_cookies(self) -> list[SetCookie]:
        site, request, policy = self.site, self.request, self.site.cookies
        now_ms = int(site.clock() * 1000)
        kept = cookies.read_kept(request, now_ms=now_ms, policy=policy)
        click = click_from(request, kept.click, now_ms)
        if cookies.is_current(kept, click, now_ms=now_ms, policy=policy) or not self._may_write_cookies():
            return []
        return cookies.identifier_cookies(
            kept,
            visitor=kept.visitor or Visitor(self._new_visitor_id(), now_ms),
            click=click,
            now_ms=now_ms,
            policy=policy,
            secure=site.is_secure(request),
            domain=site.domain_for(request),
        )

    def _expiries(self) -> list[SetCookie]:
        """Of the cookies of ours that are there, if the visitor has refused them."""
        site, request = self.site, self.request
        ours = (site.cookies.visitor_name, cookies.CLICK_COOKIE, cookies.REDIRECT_COOKIE)
        present = [name for name in ours if request.cookie_values(name)]
        if not present or self.consent is not Consent.DENIED or site.excludes(request):
            return []
        return cookies.expired(present, secure=site.is_secure(request), domain=site.domain_for(request))

    def _new_visitor_id(self) -> str:
        """The id of a new visitor: rolled once, for the context and the cookie alike."""
        if self._new_id is None:
            self._new_id = self.site.dice()
        return self._new_id

    def _set_consent(self, consent: Consent) -> None:
        self._consent, self._asked_now, self.touched = consent, True, True
        if not self._is_resumed:
            self._context = None

    def _may_write_cookies(self) -> bool:
        if self.consent is not Consent.GRANTED:
            return False
        # grant_consent() says so, perhaps on a banner's POST; anything else must look like a visit.
        return (self._asked_now or self._is_visit()) and not self.is_nobody and not self.site.excludes(self.request)

    def _is_visit(self) -> bool:
        request, anywhere = self.request, self.site.cookies.write_on == "any"
        return request.method == "GET" and (
            visits.is_navigation(request) or (anywhere and visits.is_same_site(request))
        )

    @property
    def _identified(self) -> Wire:
        """Who the visitor is, in wire form; the site is asked once a request, and only with consent."""
        if self._known is None:
            self._known = {}
            if self.site.identify is not None and not self._is_resumed and self.consent is Consent.GRANTED:
                try:
                    self._known = self._hashed(self.site.identify(self.request.native) or {})
                except Exception as error:
                    if self.site.is_strict(self.request):
                        raise
                    say_once(f"identify raised {type(error).__name__}", logging.ERROR)
        return self._known

    def _hashed(self, user: Mapping[str, Any]) -> Wire:
        found: list[Problem] = []
        try:
            wire = wire_of(User, self._with_region(user), found)
        except (TypeError, ValueError) as error:
            if self.site.is_strict(self.request):
                raise
            say_once(f"identify: {error}", logging.ERROR)
            return {}
        for one in found:
            say_once(f"left out: {one}", logging.WARNING)
        return wire

    def _with_region(self, user: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"phone_region": self.site.phone_region, **user} if self.site.phone_region and "phone" in user else user
