"""What a Content-Security-Policy has to allow for the pixel. TikTok moves hosts now and then."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from tiktok_events.errors import ConfigurationError
from tiktok_events.web._page.pixel import checked_script_url

_HOSTS = ("https://analytics.tiktok.com", "https://analytics-ipv6.tiktokw.us", "https://ads.tiktok.com")
SOURCES: dict[str, tuple[str, ...]] = {
    "script-src": _HOSTS,
    "connect-src": _HOSTS,
    "img-src": _HOSTS,
    "frame-src": ("bytedance:", "sslocal:"),
}
"""Reference: TikTok's portal page 1739585704427522, as a preset quotes it. The frames are the app's own web views."""

_DIRECTIVE = re.compile(r"[a-z]+(-[a-z]+)*")
_SOURCE = re.compile(r"[!-+\--:<-~]+")  # printable ASCII without space, comma and semicolon


def csp_sources(script_url: str, overrides: Mapping[str, Iterable[str]] | None = None) -> dict[str, tuple[str, ...]]:
    """Directive by directive, the sources that the pixel loaded from *script_url* needs.

    A directive in *overrides* replaces ours; an empty one leaves it out.

    Raises:
        ConfigurationError: If an override cannot stand in the header, or *script_url* is none.
    """
    parts = urlsplit(checked_script_url(script_url))
    origin = f"{parts.scheme}://{parts.netloc}"
    sources = {
        directive: hosts if origin in hosts or directive == "frame-src" else (origin, *hosts)
        for directive, hosts in SOURCES.items()
    }
    for directive, given in (overrides or {}).items():
        if isinstance(given, str):
            raise ConfigurationError(f"the sources of {directive} must be a list of strings")
        sources[directive] = tuple(given)
        if not _DIRECTIVE.fullmatch(directive) or not all(map(_SOURCE.fullmatch, sources[directive])):
            raise ConfigurationError("a directive is lower-case letters, a source has no spaces, commas or semicolons")
    return {directive: hosts for directive, hosts in sources.items() if hosts}
