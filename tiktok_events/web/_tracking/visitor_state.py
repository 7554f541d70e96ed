"""One request's visitor: what they allow, what is known of them, and which cookies keep it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Self, Unpack

from tiktok_events._events.field_plan import Wire
from tiktok_events._events.normalize.identifiers import hash_external_id
from tiktok_events._events.user import User, UserFields
from tiktok_events._events.wire_object import wire_of
from tiktok_events._runtime.log_once import log_once
from tiktok_events._spec.problem import Problem
from tiktok_events.web._request import request_kind
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._tracking.settings import SiteSettings
from tiktok_events.web._visitor import cookies
from tiktok_events.web._visitor.consent import Consent, ask
from tiktok_events.web._visitor.context import Context, click_from, context_from
from tiktok_events.web._visitor.cookies import SetCookie, Visitor


class VisitorState:
    """The visitor of one request, seen through its site's settings. Everything is asked or made on first use."""

    is_visitor_specific = False
    """Whether anything of this visitor's was made or read for the page: then it is no page for a shared cache."""
    _consent: Consent | None = None
    _context: Context | None = None
    is_resumed = False
    _consent_changed = False
    _is_bot_or_prefetch: bool | None = None
    _identified_user: Wire | None = None
    _new_id: str | None = None

    def __init__(self, site: SiteSettings, request: WebRequest) -> None:
        self.site = site
        self.request = request

    @classmethod
    def resumed(cls, site: SiteSettings, request: WebRequest, context: Context, consent: Consent) -> Self:
        """A visitor who is known from an earlier request: *context* and *consent* are what that one knew."""
        state = cls(site, request)
        state._context, state._consent, state.is_resumed = context, consent, True
        return state

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
                new_id=self._new_visitor_id,
                consent=self.consent,
                may_write=self._may_write_cookies(),
                own_domains=site.cookie_domains,
                trusted=site.trusted_proxies,
                gpc=site.gpc != "ignore",
            )
        return self._context

    @property
    def is_bot_or_prefetch(self) -> bool:
        """Whether a bot asks, or a browser that only fetches ahead; judged once a request."""
        if self._is_bot_or_prefetch is None:
            self._is_bot_or_prefetch = request_kind.is_prefetch(self.request) or request_kind.is_bot(self.request)
        return self._is_bot_or_prefetch

    @property
    def enabled(self) -> bool:
        """Whether anything happens here at all."""
        return self.site.enabled and self.site.source is not None

    def identify(self, **user: Unpack[UserFields]) -> None:
        """Say who the visitor is; fills what this request's events leave out. Takes `User`'s fields, hashed here.

        Raises:
            TypeError, ValueError: With `Site(strict=True)`, for what elsewhere is left out and logged.
        """
        known = dict(self.identified_user)
        self._identified_user = {**known, **self._hashed(user)}

    def digests(self) -> dict[str, str]:
        """What advanced matching prints of the visitor: digests made here, under the pixel's names."""
        known = self.identified_user
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
        may_add = is_page or self._consent_changed or self.site.cookies.write_on == "any"
        if may_add and self.consent is Consent.GRANTED:
            return self._identifier_cookies()
        return self._expiries()

    def _identifier_cookies(self) -> list[SetCookie]:
        site, request, policy = self.site, self.request, self.site.cookies
        now_ms = int(site.clock() * 1000)
        kept = cookies.read_stored_identifiers(request, now_ms=now_ms, policy=policy)
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
            self._new_id = self.site.new_id()
        return self._new_id

    def _set_consent(self, consent: Consent) -> None:
        self._consent, self._consent_changed, self.is_visitor_specific = consent, True, True
        if not self.is_resumed:
            self._context = None

    def _may_write_cookies(self) -> bool:
        if self.consent is not Consent.GRANTED:
            return False
        # grant_consent() says so, perhaps on a banner's POST; anything else must look like a visit.
        return (
            (self._consent_changed or self._is_visit())
            and not self.is_bot_or_prefetch
            and not self.site.excludes(self.request)
        )

    def _is_visit(self) -> bool:
        request, anywhere = self.request, self.site.cookies.write_on == "any"
        return request.method == "GET" and (
            request_kind.is_navigation(request) or (anywhere and request_kind.is_same_site(request))
        )

    @property
    def identified_user(self) -> Wire:
        """Who the visitor is, in wire form; the site is asked once a request, and only with consent."""
        if self._identified_user is None:
            self._identified_user = {}
            if self.site.identify is not None and not self.is_resumed and self.consent is Consent.GRANTED:
                try:
                    self._identified_user = self._hashed(self.site.identify(self.request.native) or {})
                except Exception as error:
                    if self.site.is_strict(self.request):
                        raise
                    log_once(f"identify raised {type(error).__name__}", logging.ERROR)
        return self._identified_user

    def _hashed(self, user: Mapping[str, Any]) -> Wire:
        found: list[Problem] = []
        try:
            wire = wire_of(User, self.site.with_phone_region(user), found)
        except (TypeError, ValueError) as error:
            if self.site.is_strict(self.request):
                raise
            log_once(f"identify: {error}", logging.ERROR)
            return {}
        for one in found:
            log_once(f"left out: {one}", logging.WARNING)
        return wire
