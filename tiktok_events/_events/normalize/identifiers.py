"""Normalise and hash identifiers: one function each. Nothing else in this package hashes them.

Each takes text and returns what is sent, or "" for an absent value, or raises `Refused` with the id of a rule. A
SHA-256 digest is returned in lower case, so hashing twice gives the same result as hashing once.
Source: endpoint page and Parameters page; test vectors in tests/vectors.py.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from tiktok_events._events.normalize.email import read_email
from tiktok_events._events.normalize.phone import E164, has_trunk_zero, read_phone
from tiktok_events._spec.countries import ALIASES, ALPHA_2_OF, COUNTRIES
from tiktok_events._spec.problem import Refused

_HEX = re.compile(r"[0-9A-Fa-f]+")
# The usual address in lower case, without characters that may be noise: `read_email` reads the others.
_PLAIN_EMAIL = re.compile(r"[0-9a-z!#$&*+\-/=?^_{|}~][0-9a-z!#$&'*+\-./=?^_{|}~]*@[0-9a-z-]+(?:\.[0-9a-z-]+)+")
_OPTIONAL_ZERO = "(0)"
_KEPT = ("L", "M", "N")  # Unicode letters, their marks, and digits
_OTHER_DIGEST_LENGTHS = (32, 40)  # MD5, SHA-1
_NO_ADVERTISING_ID = "00000000-0000-0000-0000-000000000000"


def digest(text: str) -> str:
    """The SHA-256 of *text* in lower-case hex."""
    return sha256(text.encode()).hexdigest()


NOTHING = digest("")
PLACEHOLDERS = frozenset(
    map(digest, ("0", "-1", "null", "none", "None", "NULL", "nil", "undefined", "nan", "NaN", "n/a", "(null)", "guest"))
)


def hash_email(value: str) -> str:
    """Hash an e-mail address: lower case, without noise around it (`read_email`), its host in ASCII."""
    text = value.strip().lower()
    if _PLAIN_EMAIL.fullmatch(text) is not None:
        return sha256(text.encode()).hexdigest()
    if "@" in text or "%40" in text or not text.isascii():
        address = read_email(text)
        return digest(address) if address else ""
    return _ready_digest(text, "email-malformed")


def hash_phone(value: str, region: str | None = None) -> str:
    """Hash a phone number in E.164 form: plus sign, country code, digits only.

    A number without a country code is read by the rules of *region* (two letters) with the extra `phone`, and
    refused without it.
    """
    text = value.strip()
    if "+" in text and text.isascii():
        number = text.replace(" ", "")
        if not number[1:].isdigit():
            # Chained, since each costs next to nothing where there is nothing to replace.
            number = number.replace(_OPTIONAL_ZERO, "").replace("-", "").replace(".", "").replace("/", "")
            number = number.replace("(", "").replace(")", "")
        if E164.fullmatch(number) is not None and ("0" not in number[2:5] or not has_trunk_zero(number)):
            return sha256(number.encode()).hexdigest()
    elif text and text.isascii() and len(text) in (32, 40, 64):
        return _ready_digest(text, "phone-malformed")
    try:
        number = read_phone(text, region)
    except Refused as refused:
        raise Refused(
            refused.rule, detail=refused.detail, instead=refused.instead and digest(refused.instead)
        ) from None
    return digest(number) if number else ""


def hash_external_id(value: str) -> str:
    """Hash an id of your own: trimmed only, since pixel and server must agree on its case."""
    text = value.strip()
    if len(text) == 64 and is_digest(text):
        return _ready_digest(text, "")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    hashed = sha256(text.encode()).hexdigest()
    if hashed in PLACEHOLDERS:
        raise Refused("placeholder")
    return hashed if text else ""


def hash_name(value: str) -> str:
    """Hash a first or last name: lower case, no punctuation, single spaces, letters of every script."""
    text = value.strip().lower()
    if len(text) > 31 or not (text.isascii() and text.isalpha()):
        _refuse_digest_lookalike(text)
        if is_digest(text):
            return _unless_of_nothing(text)
        text = " ".join("".join(c for c in _composed(text) if _is_kept(c) or c.isspace()).split())
        if not text:
            return _nothing_left(value)
    return sha256(text.encode()).hexdigest()  # People are called Null, so no placeholder is refused here.


def hash_zip_code(value: str, country: str | None = None) -> str:
    """Hash a postal code: lower case, no spaces or dashes; the first five digits where *country* is "us".

    A code that a spreadsheet has read as a number ("10115.0") is read without the decimal.
    """
    text = value.strip().lower()
    if text.endswith(".0") and text[:-2].isdecimal():
        text = text[:-2]
    if not (text.isascii() and text.isalnum()):
        text = "".join(c for c in unicodedata.normalize("NFKC", text) if _is_kept(c))
        if not text:
            return _nothing_left(value)
    elif len(text) == 64 and is_digest(text):
        return _unless_of_nothing(text)
    return sha256((text[:5] if country == "us" else text).encode()).hexdigest()


def hash_idfa(value: str) -> str:
    """Hash an Apple advertising id: upper case going in (TikTok's own vector), lower-case hex coming out."""
    return _hash_device_id(value.strip().upper())


def hash_gaid(value: str) -> str:
    """Hash a Google advertising id: lower case. TikTok's own sample is no UUID, so its form is not checked."""
    return _hash_device_id(value.strip().lower())


def _hash_device_id(text: str) -> str:
    if is_digest(text):
        return _unless_of_nothing(text.lower())
    if text == _NO_ADVERTISING_ID:
        raise Refused("placeholder")
    return digest(text) if text else ""


def plain_place(value: str) -> str:
    """A city or state, which TikTok takes in plain: lower case, letters and digits of every script, nothing else."""
    text = value.strip().lower()
    if not (text.isascii() and text.isalpha()):
        text = "".join(c for c in _composed(text) if _is_kept(c))
        if not text:
            return _nothing_left(value)
    if len(text) > 31:
        _refuse_plain_digest(text)
    return text


def plain_country(value: str) -> str:
    """A country, in plain: the two letters of ISO 3166-1 in lower case; three letters, UK and EL are read too."""
    text = value.strip().lower()
    if text in COUNTRIES or not text:
        return text
    _refuse_plain_digest(text)
    if (code := ALPHA_2_OF.get(text) or ALIASES.get(text)) is None:
        raise Refused("country-malformed")
    return code


def looks_like_other_digest(text: str) -> bool:
    """Whether *text* has the shape of an MD5 or SHA-1 digest."""
    return len(text) in _OTHER_DIGEST_LENGTHS and _HEX.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether *text* has the shape of a SHA-256 digest."""
    return len(text) == 64 and _HEX.fullmatch(text) is not None


def _composed(text: str) -> str:
    # Lower-casing can decompose (the Turkish dotted I), so compose on both sides of it.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _is_kept(character: str) -> bool:
    return unicodedata.category(character)[0] in _KEPT


def _ready_digest(text: str, otherwise: str) -> str:
    if not text:
        return ""
    if is_digest(text):
        return _worth_sending(text.lower())
    _refuse_digest_lookalike(text)
    raise Refused(otherwise)


def _unless_of_nothing(hashed: str) -> str:
    if hashed == NOTHING:
        raise Refused("hash-of-nothing")
    return hashed


def _worth_sending(hashed: str) -> str:
    _unless_of_nothing(hashed)
    if hashed in PLACEHOLDERS:
        raise Refused("placeholder")
    return hashed


def _refuse_digest_lookalike(text: str) -> None:
    if looks_like_other_digest(text):
        raise Refused("other-hash")


def _refuse_plain_digest(text: str) -> None:
    if is_digest(text) or looks_like_other_digest(text):
        raise Refused("address-hashed")


def _nothing_left(value: str) -> str:
    if value.strip():
        raise Refused("nothing-left")
    return ""
