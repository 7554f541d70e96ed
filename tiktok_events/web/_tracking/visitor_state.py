"""`VisitorState`: the visitor of one request, with consent, context and cookies."""

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
from tiktok_events.web._request.client_address import proxy_problems
from tiktok_events.web._request.request import WebRequest
from tiktok_events.web._tracking.settings import SiteSettings
from tiktok_events.web._visitor import cookies
from tiktok_events.web._visitor.consent import Consent, consent_from_rule
from tiktok_events.web._visitor.context import Context, click_from, context_from
from tiktok_events.web._visitor.cookies import SetCookie, Visitor


class VisitorState:
    """The visitor of one request under the settings of its site. Every value is computed on first use."""

    is_visitor_specific = False
    """Whether the response depends on this visitor, so that no shared cache may store it."""
    _consent: Consent | None = None
    _context: Context | None = None
    is_resumed = False
    """Whether context and consent come from a snapshot instead of this request."""
    _consent_changed = False
    _is_bot_or_prefetch: bool | None = None
    _identified_user: Wire | None = None
    _new_id: str | None = None

    def __init__(self, site: SiteSettings, request: WebRequest) -> None:
        self.site = site
        self.request = request
        if site.proxies is not None:
            request.proxies = site.proxies

    @classmethod
    def resumed(cls, site: SiteSettings, request: WebRequest, context: Context, consent: Consent) -> Self:
        """The visitor of an earlier request, with its *context* and *consent*."""
        state = cls(site, request)
        state._context, state._consent, state.is_resumed = context, consent, True
        return state

    @property
    def consent(self) -> Consent:
        """The visitor's consent; the rule is called once per request, on first use."""
        if self._consent is None:
            self._consent = consent_from_rule(self.site.consent, self.request)
            opted_out = self.site.gpc == "deny" and self.request.header("sec-gpc").strip() == "1"
            if opted_out and (self.site.consent is None or self._consent is Consent.UNKNOWN):
                self._consent = Consent.DENIED  # only an explicit grant overrides `Sec-GPC`
        return self._consent

    @property
    def context(self) -> Context:
        """The visitor's data for events, from this request."""
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
                gpc=site.gpc != "ignore",
            )
            for found in proxy_problems(request, self._context.ip):
                site.count_problem(found)
        return self._context

    @property
    def is_bot_or_prefetch(self) -> bool:
        """Whether the request comes from a bot or is a prefetch; computed once per request."""
        if self._is_bot_or_prefetch is None:
            self._is_bot_or_prefetch = request_kind.is_prefetch(self.request) or request_kind.is_bot(self.request)
        return self._is_bot_or_prefetch

    @property
    def enabled(self) -> bool:
        """Whether the site is on."""
        return self.site.enabled and self.site.source is not None

    def identify(self, **user: Unpack[UserFields]) -> None:
        """Set identifiers of the visitor, which are added to this request's events. Takes the fields of `User`.

        Raises:
            TypeError, ValueError: With `Site(strict=True)`, for what is otherwise left out and logged.
        """
        known = dict(self.identified_user)
        self._identified_user = {**known, **self._wire_user(user)}

    def digests(self) -> dict[str, str]:
        """The visitor's digests for advanced matching, under the pixel's names."""
        known = self.identified_user
        visitor = hash_external_id(self.context.visitor_id) if self.context.visitor_id else None
        named = {
            "sha256_email": known.get("email"),
            "sha256_phone_number": known.get("phone"),
            "external_id": known.get("external_id") or visitor,
        }
        return {name: value if isinstance(value, str) else value[0] for name, value in named.items() if value}

    def grant_consent(self) -> None:
        """Record that the visitor has granted consent; this response may write cookies."""
        self._set_consent(Consent.GRANTED)

    def revoke_consent(self) -> None:
        """Record that the visitor has denied consent; this response expires our cookies."""
        self._set_consent(Consent.DENIED)

    @property
    def has_revoked_consent(self) -> bool:
        """Whether this request has called `revoke_consent`."""
        return self._consent_changed and self._consent is Consent.DENIED

    def cookies(self, *, is_page: bool) -> list[SetCookie]:
        """The identifier cookies of this response. *is_page* is True for HTML and redirects."""
        if not self.enabled:
            return []
        may_add = is_page or self._consent_changed or self.site.cookies.write_on == "any"
        if may_add and self.consent is Consent.GRANTED:
            return self._identifier_cookies()
        return self._expired_cookies()

    def _identifier_cookies(self) -> list[SetCookie]:
        site, request, policy = self.site, self.request, self.site.cookies
        now_ms = int(site.clock() * 1000)
        stored = cookies.read_stored_identifiers(request, now_ms=now_ms, policy=policy)
        click = click_from(request, stored.click, now_ms)
        if cookies.is_up_to_date(stored, click, now_ms=now_ms, policy=policy) or not self._may_write_cookies():
            return []
        return cookies.identifier_cookies(
            stored,
            visitor=stored.visitor or Visitor(self._new_visitor_id(), now_ms),
            click=click,
            now_ms=now_ms,
            policy=policy,
            secure=site.is_secure(request),
            domain=site.cookie_domain_for(request),
        )

    def _expired_cookies(self) -> list[SetCookie]:
        """Set-Cookie headers that delete the package's cookies of this request, if consent is denied."""
        site, request = self.site, self.request
        names = (site.cookies.visitor_name, cookies.CLICK_COOKIE, cookies.REDIRECT_COOKIE)
        present = [name for name in names if request.cookie_values(name)]
        if not present or self.consent is not Consent.DENIED or site.excludes(request):
            return []
        return cookies.expired_cookies(present, secure=site.is_secure(request), domain=site.cookie_domain_for(request))

    def _new_visitor_id(self) -> str:
        """The id of a new visitor: one per request, the same in the context and in the cookie."""
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
        # The POST of a consent banner calls grant_consent() and may write, too.
        return (
            (self._consent_changed or self._matches_write_on())
            and not self.is_bot_or_prefetch
            and not self.site.excludes(self.request)
        )

    def _matches_write_on(self) -> bool:
        """Whether `CookiePolicy.write_on` allows identifier cookies on a request of this kind."""
        request, on_any = self.request, self.site.cookies.write_on == "any"
        return request.method == "GET" and (
            request_kind.is_navigation(request) or (on_any and request_kind.is_same_site(request))
        )

    @property
    def identified_user(self) -> Wire:
        """The visitor's identifiers in wire form. `Site(identify=...)` is called once per request, and only with consent."""
        if self._identified_user is None:
            self._identified_user = {}
            if self.site.identify is not None and not self.is_resumed and self.consent is Consent.GRANTED:
                try:
                    self._identified_user = self._wire_user(self.site.identify(self.request.native) or {})
                except Exception as error:
                    if self.site.is_strict(self.request):
                        raise
                    log_once(
                        f"identify raised {type(error).__name__}: events are sent without its identifiers",
                        logging.ERROR,
                    )
        return self._identified_user

    def _wire_user(self, user: Mapping[str, Any]) -> Wire:
        """*user* in wire form, normalized and hashed. An invalid identifier is left out and logged."""
        problems: list[Problem] = []
        try:
            wire = wire_of(User, self.site.with_phone_region(user), problems)
        except (TypeError, ValueError) as error:
            if self.site.is_strict(self.request):
                raise
            log_once(f"identify: {error}", logging.ERROR)
            return {}
        for problem in problems:
            log_once(f"field left out: {problem}", logging.WARNING)
        return wire
