"""Content-Security-Policy sources that the pixel needs. TikTok changes its hosts from time to time."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from tiktok_events.errors import ConfigurationError
from tiktok_events.web._page.pixel import checked_script_url

_HOSTS = (
    "https://analytics.tiktok.com",
    "https://analytics.us.tiktok.com",
    "https://analytics-ipv6.tiktokw.us",
    "https://ads.tiktok.com",
)
SOURCES: dict[str, tuple[str, ...]] = {
    "script-src": _HOSTS,
    "connect-src": _HOSTS,
    "img-src": _HOSTS,
    "frame-src": ("bytedance:", "sslocal:"),
}
"""Source: TikTok's portal page 1739585704427522, as a preset quotes it. The frames are web views of TikTok's app.

A (November 2026) for `analytics.us.tiktok.com`, from which a pixel of the United States may be loaded: nuxt/scripts has
it as an option, Pixellint and presets of policies list it.
"""

_DIRECTIVE = re.compile(r"[a-z]+(-[a-z]+)*")
_SOURCE = re.compile(r"[!-+\--:<-~]+")  # printable ASCII without space, comma and semicolon


def csp_sources(script_url: str, overrides: Mapping[str, Iterable[str]] | None = None) -> dict[str, tuple[str, ...]]:
    """The sources by directive that the pixel needs when it is loaded from *script_url*.

    A directive in *overrides* replaces the default; an empty one removes it.

    Raises:
        ConfigurationError: If an override is not valid in the header, or *script_url* is not valid.
    """
    parts = urlsplit(checked_script_url(script_url))
    origin = f"{parts.scheme}://{parts.netloc}"
    sources = {
        directive: hosts if origin in hosts or directive == "frame-src" else (origin, *hosts)
        for directive, hosts in SOURCES.items()
    }
    for directive, values in (overrides or {}).items():
        if isinstance(values, str):
            raise ConfigurationError(f"the sources of {directive} must be a list of strings")
        sources[directive] = tuple(values)
        if not _DIRECTIVE.fullmatch(directive) or not all(map(_SOURCE.fullmatch, sources[directive])):
            raise ConfigurationError(
                "a directive must be lower-case letters and hyphens, and a source must not contain spaces, commas or semicolons"
            )
    return {directive: hosts for directive, hosts in sources.items() if hosts}
