"""TikTok events in Flask: an extension with middleware, `track` for the current request, and a template variable."""

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

_SETTINGS = frozenset(inspect.signature(web.Site).parameters) - {
    "deliver",
    "enabled",
}  # `from_env` parses the values of these two


class _Request(web.WebRequest):
    # Uses Flask's proxies, because the middleware runs before Flask makes its request.
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
        template_global = current_app.jinja_env.globals.get("csp_nonce")  # a function in Flask-Talisman
        global_nonce = template_global() if callable(template_global) else template_global
        return getattr(request, "csp_nonce", None) or g.get("csp_nonce") or global_nonce


class TikTokEvents:
    """Flask extension. Its methods use the tracker of the current request; the Jinja global `tiktok` renders its calls.

    Without *site*, the extension makes one per app. Each setting of `Site` comes from *options*, else from the app's
    config (`TIKTOK_PIXEL_CODE`, `TIKTOK_ACCESS_TOKEN`, `TIKTOK_CONSENT`, ...), else from the environment. The secret key
    is `TIKTOK_SECRET_KEY`, else the app's `SECRET_KEY`.

    The callables of the site (`consent`, `identify`, `nonce`) get the Flask request. `Site(strict=None)` is True if
    the app is in debug mode or under test. Without `Site(nonce=...)`, the nonce is read from `request.csp_nonce`,
    `g.csp_nonce` or the Jinja global `csp_nonce`, where Flask-Talisman stores it.
    """

    def __init__(self, app: Flask | None = None, site: web.Site | None = None, **options: Any) -> None:
        self._site = site
        self._options = options
        self._sites: WeakKeyDictionary[Flask, web.Site] = WeakKeyDictionary()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the config, and add middleware, Jinja global, commands and `app.extensions["tiktok_events"]`."""
        site = self._site or _site_from_config(app, self._options)
        self._sites[app] = site
        app.extensions["tiktok_events"] = self
        app.cli.add_command(commands(lambda: self.site))
        app.jinja_env.globals["tiktok"] = LocalProxy(lambda: web.TemplateVariable(self.tracker))
        app.wsgi_app = web.WSGIMiddleware(app.wsgi_app, site, request=_Request)  # type: ignore[arg-type,method-assign]

    @property
    def site(self) -> web.Site:
        """The site of the current app. Without an app context, the only site, if there is one.

        Raises:
            ConfigurationError: If `init_app` was not called for the app.
        """
        site = self._sites.get(current_app._get_current_object()) if has_app_context() else None  # type: ignore[attr-defined]
        if site is None and len(self._sites) == 1:
            site = next(iter(self._sites.values()))
        if site is None:
            raise ConfigurationError("no site for this app: call TikTokEvents(app) or tiktok.init_app(app)")
        return site

    @property
    def tracker(self) -> web.Tracker:
        """The tracker of the current request. It is made here if no middleware ran, as in `test_request_context()`."""
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
        """`Site.resume`: a tracker with the visitor of *snapshot*, for webhooks and tasks."""
        return self.site.resume(snapshot, **consent)

    def grant_consent(self) -> None:
        """`Tracker.grant_consent` for the current request."""
        self.tracker.grant_consent()

    def revoke_consent(self) -> None:
        """`Tracker.revoke_consent` for the current request."""
        self.tracker.revoke_consent()


def _site_from_config(app: Flask, options: Mapping[str, Any]) -> web.Site:
    config = {key: value for key, value in app.config.items() if key.startswith("TIKTOK_") and value is not None}
    env = {**os.environ, **{key: str(value) for key, value in config.items()}}
    configured = {key[7:].lower(): value for key, value in config.items() if key[7:].lower() in _SETTINGS}
    # `WebRequest.debug` is enough for requests of Flask; the trackers of `resume` have none.
    settings: dict[str, Any] = {"strict": True if app.debug or app.testing else None}
    if not env.get("TIKTOK_SECRET_KEY") and app.secret_key:
        old = app.config.get("SECRET_KEY_FALLBACKS") or ()
        settings["secret_key"] = [_text(key) for key in (app.secret_key, *old)]
    return web.Site.from_env(env, **{**settings, **configured, **options})


def _text(key: str | bytes) -> str:  # Flask allows bytes, and keys shorter than 16 characters
    return hashlib.sha256(key if isinstance(key, bytes) else key.encode()).hexdigest()
