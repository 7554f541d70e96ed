"""Check page URLs, and remove secrets and personal data from them."""

from __future__ import annotations

import re
from urllib.parse import unquote

_ASCII_FULL = re.compile(r"https?://[!\"$-.0->@-~][!-~]*")
_FULL = re.compile(r"[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#]\S*")
_ANY = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://\S+")
_UNWANTED = (
    "token|access_token|id_token|refresh_token|auth|auth_token|api_?key|password|passwd|pwd|secret|code|otp|"
    "session|session_?id|sid|sig|signature|e-?mail|mail|phone"
)
_UNWANTED_PARAMETER = re.compile(rf"[?&#;](?:{_UNWANTED})=")
_UNWANTED_NAME = re.compile(_UNWANTED, re.IGNORECASE)
_USERINFO = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*://)[^/?#@]*@")


def is_full(url: str) -> bool:
    """Whether *url* is an http or https address with a host."""
    return _ASCII_FULL.fullmatch(url) is not None or _FULL.fullmatch(url) is not None


def is_absolute(url: str) -> bool:
    """Whether *url* has a scheme and a rest, as the referrer of an app has."""
    return _ANY.fullmatch(url) is not None


def holds_secret(url: str) -> bool:
    """Whether *url* names a secret or an e-mail address, or carries a password."""
    return without_secrets(url) != url


def without_secrets(url: str) -> str:
    """*url* without user name, password and parameters that look secret; the rest is unchanged byte for byte."""
    if "@" in url:
        url = _USERINFO.sub(r"\1", url)
    elif "=" not in url or ("%" not in url and _UNWANTED_PARAMETER.search(url.lower()) is None):
        return url
    address, hash_mark, fragment = url.partition("#")
    path, question_mark, query = address.partition("?")
    kept, kept_fragment = _kept(query), _kept(fragment) if "=" in fragment else fragment
    return path + (question_mark + kept if kept else "") + (hash_mark + kept_fragment if kept_fragment else "")


def _kept(query: str) -> str:
    return "&".join(parameter for parameter in query.split("&") if not _is_secret(parameter))


def _is_secret(parameter: str) -> bool:
    name, _, value = unquote(parameter).partition("=")
    return _UNWANTED_NAME.fullmatch(name) is not None or "@" in value
