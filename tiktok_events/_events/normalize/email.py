"""Parse an e-mail address as people type it and as systems export it.

Surrounding text is removed only where one address is certain. Text that could mean two different addresses is refused:
a wrong digest matches no person or another one, and TikTok reports no error.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from tiktok_events._spec.problem import Refused

_ADDRESS = re.compile(
    r"""[^\s@<>,;:"()\x00-\x1f\x7f]+@[^\s@<>,;:/?#&=%"'()\x00-\x1f\x7f.]+(?:\.[^\s@<>,;:/?#&=%"'()\x00-\x1f\x7f.]+)+"""
)
_INVISIBLE = re.compile(
    r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
"""Soft hyphens, zero-width characters, bidirectional marks and variation selectors: all are invisible."""
_AT_SIGNS = str.maketrans({"\uff20": "@", "\ufe6b": "@"})  # full-width and small
_NAME_AND_ADDRESS = re.compile(r"([^<>]*)<([^<>]*)>")
_BLANK_AT = re.compile(r"\s*@\s*")
_BLANK_DOT = re.compile(r"\s+\.\s*|\.\s+")
_PAIRS = {"'": "'", '"': '"', "`": "`", "\u2018": "\u2019", "\u201c": "\u201d", "\u201e": "\u201c", "(": ")", "[": "]"}


def read_email(text: str) -> str:
    """The one address in *text* (lower case), its host in ASCII; "" if *text* holds no visible character.

    Accepted are also `mailto:` links, a display name with the address in angle brackets, surrounding quotes and
    brackets, trailing punctuation, `%40`, blanks next to the at sign or a dot, full-width letters, and invisible
    characters.

    Raises:
        Refused: `email-several` for more than one address, `email-malformed` for none.
    """
    text = _INVISIBLE.sub("", text).translate(_AT_SIGNS).strip()
    if not text:
        return ""
    if text.startswith("mailto:"):
        text = unquote(text.removeprefix("mailto:").partition("?")[0]).lower()
    elif "@" not in text:
        text = text.replace("%40", "@")
    if match := _NAME_AND_ADDRESS.fullmatch(text.rstrip(" .,;")):
        name, text = map(_without_wrapping, match.groups())
        if "@" in name and name != text:  # many systems export the address as its own display name
            raise Refused("email-several")
    text = _without_wrapping(text)
    if text.count("@") > 1:
        raise Refused("email-several" if len(_ADDRESS.findall(text)) > 1 else "email-malformed")
    text = _without_blanks_at_dots(_BLANK_AT.sub("@", text))
    local, _, host = text.rpartition("@")
    address = f"{_normalised_local(local)}@{_ascii_host(host)}"
    if _ADDRESS.fullmatch(address) is None:
        raise Refused("email-malformed")
    return address


def _without_wrapping(text: str) -> str:
    """*text* without surrounding quotes and brackets, a spreadsheet's leading apostrophe, and trailing punctuation."""
    while text:
        stripped = text.strip().strip(",;").rstrip(".").strip()
        if len(stripped) > 1 and _PAIRS.get(stripped[0]) == stripped[-1]:
            stripped = stripped[1:-1]
        stripped = stripped.removeprefix("'").removeprefix("mailto:")
        if stripped == text:
            break
        text = stripped
    return text


def _without_blanks_at_dots(text: str) -> str:
    """*text* without blanks next to a dot. Refused if the text on one side of a blank is an address by itself."""
    blanks = list(_BLANK_DOT.finditer(text))
    for blank in blanks:
        if any(_ADDRESS.fullmatch(part.strip(" .")) for part in (text[: blank.start()], text[blank.end() :])):
            raise Refused("email-malformed")
    return _BLANK_DOT.sub(".", text) if blanks else text


def _normalised_local(local: str) -> str:
    """*local* with full-width and other compatibility letters as ASCII (NFKC); composed (NFC) if that is not ASCII."""
    if local.isascii():
        return local
    ascii_form = unicodedata.normalize("NFKC", local).lower()
    if ascii_form.isascii():
        return ascii_form
    # Lower-casing can decompose (the Turkish dotted I), so compose on both sides of it.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).lower())


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    import idna  # a dependency of httpx; imported only for hosts that need it

    try:
        # Which form TikTok hashes is unverified; browsers and mail servers exchange the ASCII form.
        return idna.encode(host, uts46=True).decode()
    except UnicodeError:  # idna's own error is one
        raise Refused("email-malformed") from None
