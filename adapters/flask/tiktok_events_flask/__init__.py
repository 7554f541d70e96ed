"""TikTok events in Flask: an extension whose methods act on the current request, and the Jinja global `tiktok`."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Mapping
from typing import Any, Unpack
from weakref import WeakKeyDictionary

from flask import Flask, current_app, g, has_app_context, has_request_context, request
from werkzeug.local import LocalProxy

from tiktok_events import Event, EventFields, UserFields, web
from tiktok_events.errors import ConfigurationError
from tiktok_events_flask.commands import commands

__version__ = "0.1.0"
__all__ = ["TikTokEvents"]

_SETTINGS = frozenset(inspect.signature(web.Site).parameters) - {"deliver", "enabled"}  # `from_env` reads their words


class _Request(web.WebRequest):
    # Flask's proxies, since the middleware comes before its request: they are asked when there is one.
    __slots__ = ()

    @property
    def native(self) -> Any:
        return request

    @property
    def debug(self) -> bool:
        return has_app_context() and (current_app.debug or current_app.testing)

    @property
    def csp_nonce(self) -> Any:
        if not has_request_context():
            return None
        given = current_app.jinja_env.globals.get("csp_nonce")
        called = given() if callable(given) else given  # Talisman's form, and of those who imitate it
        return getattr(request, "csp_nonce", None) or g.get("csp_nonce") or called


class TikTokEvents:
    """The extension. Its methods act on the current request; the Jinja global `tiktok` renders that request's calls.

    Without a *site*, one is made from `Site`'s *options*, else `TIKTOK_*` of the app's config (`TIKTOK_PIXEL_CODE`,
    `TIKTOK_ACCESS_TOKEN`, `TIKTOK_CONSENT`, ...), else the environment. What it signs is signed with
    `TIKTOK_SECRET_KEY`, else the app's own `SECRET_KEY`. *site*'s callables (`consent`, `identify`, `nonce`) are
    given the Flask request. Without an answer of *site*'s, mistakes raise where the app is in debug mode or under
    test, and a nonce is looked for where Talisman puts it, at `g.csp_nonce`, and at the Jinja global `csp_nonce()`.
    """

    def __init__(self, app: Flask | None = None, site: web.Site | None = None, **options: Any) -> None:
        self._given = site
        self._options = options
        self._sites: WeakKeyDictionary[Flask, web.Site] = WeakKeyDictionary()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Add middleware, Jinja global, command and `app.extensions["tiktok_events"]`; the config is read now."""
        site = self._given or _site_of(app, self._options)
        self._sites[app] = site
        app.extensions["tiktok_events"] = self
        app.cli.add_command(commands(lambda: self.site))
        app.jinja_env.globals["tiktok"] = LocalProxy(lambda: web.TemplateVariable(self.tracker))
        app.wsgi_app = web.WSGIMiddleware(app.wsgi_app, site, request=_Request)  # type: ignore[arg-type,method-assign]

    @property
    def site(self) -> web.Site:
        """The current app's site; outside of any app the only one there is."""
        found = self._sites.get(current_app._get_current_object()) if has_app_context() else None  # type: ignore[attr-defined]
        if found is None and len(self._sites) == 1:
            found = next(iter(self._sites.values()))
        if found is None:
            raise ConfigurationError("no site: TikTokEvents(app) or tiktok.init_app(app) is missing")
        return found

    @property
    def tracker(self) -> web.Tracker:
        """The current request's tracker; made here where no middleware ran, as under `test_request_context()`."""
        return web.tracker_from(request.environ, site=self.site, request=_Request)

    def track(
        self, event: Event | str, /, *, server: bool = True, browser: bool = True, **fields: Unpack[EventFields]
    ) -> web.Tracked:
        """`Tracker.track` for the current request."""
        return self.tracker.track(event, server=server, browser=browser, **fields)

    def identify(self, **user: Unpack[UserFields]) -> None:
        """`Tracker.identify` for the current request."""
        self.tracker.identify(**user)

    def snapshot(self) -> web.Snapshot:
        """`Tracker.snapshot` of the current request."""
        return self.tracker.snapshot()

    def resume(self, snapshot: str | Mapping[str, str] | None, **consent: Any) -> web.Tracker:
        """`Site.resume`: the tracker of the visitor in *snapshot*, in a webhook's request or in none."""
        return self.site.resume(snapshot, **consent)

    def grant_consent(self) -> None:
        """`Tracker.grant_consent` for the current request."""
        self.tracker.grant_consent()

    def revoke_consent(self) -> None:
        """`Tracker.revoke_consent` for the current request."""
        self.tracker.revoke_consent()


def _site_of(app: Flask, options: Mapping[str, Any]) -> web.Site:
    config = {key: value for key, value in app.config.items() if key.startswith("TIKTOK_") and value is not None}
    env = {**os.environ, **{key: str(value) for key, value in config.items()}}
    given = {key[7:].lower(): value for key, value in config.items() if key[7:].lower() in _SETTINGS}
    # Said now as well, for trackers that `resume` makes without a request of Flask's.
    settings: dict[str, Any] = {"strict": True if app.debug or app.testing else None}
    if not env.get("TIKTOK_SECRET_KEY") and app.secret_key:
        old = app.config.get("SECRET_KEY_FALLBACKS") or ()
        settings["secret_key"] = [_text(key) for key in (app.secret_key, *old)]
    return web.Site.from_env(env, **{**settings, **given, **options})


def _text(key: str | bytes) -> str:  # Flask takes bytes, and keys of any length
    return hashlib.sha256(key if isinstance(key, bytes) else key.encode()).hexdigest()
