"""Check page URLs, and remove secrets and personal data from them."""

from __future__ import annotations

import re
from urllib.parse import unquote

_ASCII_HTTP_URL = re.compile(r"https?://[!\"$-.0->@-~][!-~]*")
_HTTP_URL = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#]\S*")
_ABSOLUTE_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://\S+")
_SENSITIVE_NAMES = (
    "token|access_token|id_token|refresh_token|auth|auth_token|api_?key|password|passwd|pwd|secret|code|otp|"
    "session|session_?id|sid|sig|signature|e-?mail|mail|phone"
)
_SECRET_PARAMETER = re.compile(rf"[?&#;](?:{_SENSITIVE_NAMES})=")
_SECRET_NAME = re.compile(_SENSITIVE_NAMES, re.IGNORECASE)
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*://)[^/?#@]*@")


def is_http_url(url: str) -> bool:
    """Whether *url* is an http or https URL with a host."""
    return _ASCII_HTTP_URL.fullmatch(url) is not None or _HTTP_URL.fullmatch(url) is not None


def is_absolute_url(url: str) -> bool:
    """Whether *url* is an absolute URL of any scheme, such as the referrer of an app (`android-app://...`)."""
    return _ABSOLUTE_URL.fullmatch(url) is not None


def contains_secret(url: str) -> bool:
    """Whether *url* contains a user name, a password, or a parameter that looks secret."""
    return without_secrets(url) != url


def without_secrets(url: str) -> str:
    """*url* without user name, password and parameters that look secret. The rest stays unchanged, byte for byte."""
    if "@" in url:
        url = _USERINFO.sub(r"\1", url)
    elif "=" not in url or ("%" not in url and _SECRET_PARAMETER.search(url.lower()) is None):
        return url
    base, hash_mark, fragment = url.partition("#")
    path, question_mark, query = base.partition("?")
    query = _without_secret_parameters(query)
    fragment = _without_secret_parameters(fragment) if "=" in fragment or "@" in fragment else fragment
    return path + (question_mark + query if query else "") + (hash_mark + fragment if fragment else "")


def _without_secret_parameters(query: str) -> str:
    return "&".join(parameter for parameter in query.split("&") if not _is_secret(parameter))


def _is_secret(parameter: str) -> bool:
    text = unquote(parameter)
    return _SECRET_NAME.fullmatch(text.partition("=")[0]) is not None or "@" in text
