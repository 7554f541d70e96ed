"""One request's visitor: what they allow, what is known of them, and which cookies keep it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Unpack

from tiktok_events._events.build import Wire
from tiktok_events._events.normalize import hash_external_id
from tiktok_events._events.typed import UserFields
from tiktok_events._events.user import User
from tiktok_events._events.wire import wire_of
from tiktok_events._rules.problem import Problem
from tiktok_events.web import _cookies as cookies
from tiktok_events.web import _visits as visits
from tiktok_events.web._consent import Consent, ask, say_once
from tiktok_events.web._context import Context, context_from
from tiktok_events.web._cookies import SetCookie
from tiktok_events.web._request import WebRequest
from tiktok_events.web._site import Site


class Visit:
    """The visitor of one request, seen through its site's settings. Everything is asked or made on first use."""

    __slots__ = ("_asked_now", "_consent", "_context", "_known", "_resumed", "request", "site", "touched")

    def __init__(
        self, site: Site, request: WebRequest, *, context: Context | None = None, consent: Consent | None = None
    ) -> None:
        self.site = site
        self.request = request
        self.touched = False
        """Whether anything of this visitor's was made or read for the page: then it is no page for a shared cache."""
        self._context = context
        self._resumed = context is not None
        self._consent = consent
        self._asked_now = False
        self._known: Wire | None = None

    @property
    def consent(self) -> Consent:
        """What the visitor has said; asked once a request, on first use."""
        if self._consent is None:
            self._consent = ask(self.site.consent, self.request)
            opted_out = self.site.gpc == "deny" and self.request.headers.get("sec-gpc", "").strip() == "1"
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
                dice=site.dice,
                consent=self.consent,
                may_write=self._may_write_cookies(),
                own_domains=site.cookie_domains,
                trusted=site.trusted_proxies,
                gpc=site.gpc != "ignore",
            )
        return self._context

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
        if not self.enabled or self.site.excludes(self.request):
            return []
        secure, domain = self.site.is_secure(self.request), self.site.domain_for(self.request)
        if self.consent is Consent.DENIED:
            present = self.request.all_cookies
            ours = (self.site.cookies.visitor_name, cookies.CLICK_COOKIE, cookies.REDIRECT_COOKIE)
            names = [name for name in ours if name in present]
            return cookies.expired(names, secure=secure, domain=domain)
        anywhere = self._asked_now or self.site.cookies.write_on == "any"
        if not (is_page or anywhere) or not self._may_write_cookies():
            return []
        context = self.context
        return cookies.identifier_cookies(
            policy=self.site.cookies,
            present=self.request.all_cookies,
            visitor=context.visitor,
            click=context.click,
            now_ms=int(self.site.clock() * 1000),
            secure=secure,
            domain=domain,
        )

    def _set_consent(self, consent: Consent) -> None:
        self._consent, self._asked_now, self.touched = consent, True, True
        if not self._resumed:
            self._context = None

    def _may_write_cookies(self) -> bool:
        request = self.request
        if self.consent is not Consent.GRANTED or visits.is_prefetch(request) or visits.is_bot(request):
            return False
        if self._asked_now:
            return True  # grant_consent(), perhaps on a banner's POST
        if request.method != "GET" or self.site.excludes(request):
            return False
        return visits.is_navigation(request) or (self.site.cookies.write_on == "any" and visits.is_same_site(request))

    @property
    def _identified(self) -> Wire:
        """Who the visitor is, in wire form; the site is asked once a request, and only with consent."""
        if self._known is None:
            self._known = {}
            if self.site.identify is not None and not self._resumed and self.consent is Consent.GRANTED:
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
