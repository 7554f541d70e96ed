"""Normalise and hash identifiers, with one function for each. No other module of this package hashes them.

Each function takes text and returns what is sent, or "" for an absent value. It raises `Refused` with the id of a rule
for an invalid one. It returns a SHA-256 digest in lower case, so hashing twice gives the same result as hashing once.
Source: endpoint page and Parameters page; test vectors in tests/vectors.py.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256

from tiktok_events._events.normalize.email import read_email
from tiktok_events._events.normalize.phone import E164, has_trunk_zero, read_phone
from tiktok_events._spec.countries import ALIASES, ALPHA_2_OF, COUNTRIES
from tiktok_events._spec.fields import MAX_EMAIL, MAX_PHONE, MAX_TEXT
from tiktok_events._spec.problem import Refused

_HEX = re.compile(r"[0-9A-Fa-f]+")
# The usual form of an address, in lower case; `read_email` handles all other forms.
_PLAIN_EMAIL = re.compile(r"[0-9a-z!#$&*+\-/=?^_{|}~][0-9a-z!#$&'*+\-./=?^_{|}~]*@[0-9a-z-]+(?:\.[0-9a-z-]+)+")
_OPTIONAL_ZERO = "(0)"
_KEPT_CATEGORIES = ("L", "M", "N")  # Unicode letters, their marks, and digits
_OTHER_DIGEST_LENGTHS = (32, 40)  # MD5, SHA-1
_NO_ADVERTISING_ID = "00000000-0000-0000-0000-000000000000"


def digest(text: str) -> str:
    """The SHA-256 of *text* in lower-case hex."""
    return sha256(text.encode()).hexdigest()


EMPTY_DIGEST = digest("")
PLACEHOLDER_DIGESTS = frozenset(
    map(digest, ("0", "-1", "null", "none", "None", "NULL", "nil", "undefined", "nan", "NaN", "n/a", "(null)", "guest"))
)


def hash_email(value: str) -> str:
    """Hash an e-mail address in lower case, without the surrounding text that `read_email` removes."""
    text = value.strip()
    if len(text) > MAX_EMAIL:
        raise Refused("too-long", detail=str(MAX_EMAIL))
    text = text.lower()
    if _PLAIN_EMAIL.fullmatch(text) is not None:
        return sha256(text.encode()).hexdigest()
    if "@" in text or "%40" in text or not text.isascii():
        address = read_email(text)
        return digest(address) if address else ""
    return _existing_digest(text, "email-malformed")


def hash_phone(value: str, region: str | None = None) -> str:
    """Hash a phone number in E.164 form: plus sign, country code, digits only.

    A number without a country code is read by the rules of *region* (two letters), which needs the extra `phone`.
    Without region or extra it is refused.
    """
    text = value.strip()
    if len(text) > MAX_PHONE:
        raise Refused("too-long", detail=str(MAX_PHONE))
    if "+" in text and text.isascii():
        number = text.replace(" ", "")
        if not number[1:].isdigit():
            # A chain of replace calls: each costs almost nothing if the character does not occur.
            number = number.replace(_OPTIONAL_ZERO, "").replace("-", "").replace(".", "").replace("/", "")
            number = number.replace("(", "").replace(")", "")
        if E164.fullmatch(number) is not None and ("0" not in number[2:5] or not has_trunk_zero(number)):
            return sha256(number.encode()).hexdigest()
    elif text and text.isascii() and len(text) in (32, 40, 64):
        return _existing_digest(text, "phone-malformed")
    try:
        number = read_phone(text, region)
    except Refused as refused:
        raise Refused(
            refused.rule, detail=refused.detail, instead=refused.instead and digest(refused.instead)
        ) from None
    return digest(number) if number else ""


def hash_external_id(value: str) -> str:
    """Hash an id of your own system. It is only stripped of blanks, because pixel and server must agree on its case."""
    text = _short(value)
    if len(text) == 64 and is_digest(text):
        return _existing_digest(text, "")
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    hashed = sha256(text.encode()).hexdigest()
    if hashed in PLACEHOLDER_DIGESTS:
        raise Refused("placeholder")
    return hashed if text else ""


def hash_name(value: str) -> str:
    """Hash a first or last name: letters of every script in lower case, single spaces, no punctuation."""
    text = _short(value).lower()
    if len(text) > 31 or not (text.isascii() and text.isalpha()):
        _refuse_digest_lookalike(text)
        if is_digest(text):
            return _refuse_empty_digest(text)
        text = " ".join("".join(c for c in _lower_composed(text) if _is_kept(c) or c.isspace()).split())
        if not text:
            return _empty_or_refuse(value)
    return sha256(text.encode()).hexdigest()  # placeholders are not refused: Null is a real surname


def hash_zip_code(value: str, country: str | None = None) -> str:
    """Hash a postal code: lower case, no spaces or dashes; the first five digits where *country* is "us".

    Of a code that a spreadsheet turned into a number ("10115.0"), the decimal is removed.
    """
    text = _short(value).lower()
    if text.endswith(".0") and text[:-2].isdecimal():
        text = text[:-2]
    if not (text.isascii() and text.isalnum()):
        text = "".join(c for c in unicodedata.normalize("NFKC", text) if _is_kept(c))
        if not text:
            return _empty_or_refuse(value)
    elif len(text) == 64 and is_digest(text):
        return _refuse_empty_digest(text)
    return sha256((text[:5] if country == "us" else text).encode()).hexdigest()


def hash_idfa(value: str) -> str:
    """Hash an Apple advertising id in upper case, as in TikTok's own test vector."""
    return _hash_device_id(_short(value).upper())


def hash_gaid(value: str) -> str:
    """Hash a Google advertising id in lower case. Its form is not checked: TikTok's own sample is not a UUID."""
    return _hash_device_id(_short(value).lower())


def _hash_device_id(text: str) -> str:
    if is_digest(text):
        return _refuse_empty_digest(text.lower())
    if text == _NO_ADVERTISING_ID:
        raise Refused("placeholder")
    return digest(text) if text else ""


def plain_place(value: str) -> str:
    """A city or state, which is sent in plain: only letters and digits of every script, in lower case."""
    text = _short(value).lower()
    if not (text.isascii() and text.isalpha()):
        text = "".join(c for c in _lower_composed(text) if _is_kept(c))
        if not text:
            return _empty_or_refuse(value)
    if len(text) > 31:
        _refuse_plain_digest(text)
    return text


def plain_country(value: str) -> str:
    """A country (sent in plain) as two lower-case letters of ISO 3166-1; three letters, UK and EL are converted."""
    text = _short(value).lower()
    if text in COUNTRIES or not text:
        return text
    _refuse_plain_digest(text)
    if (code := ALPHA_2_OF.get(text) or ALIASES.get(text)) is None:
        raise Refused("country-malformed")
    return code


def _short(value: str) -> str:
    """*value* without blanks around it; refused if that is longer than `MAX_TEXT`."""
    text = value.strip()
    if len(text) > MAX_TEXT:
        raise Refused("too-long", detail=str(MAX_TEXT))
    return text


def looks_like_other_digest(text: str) -> bool:
    """Whether *text* has the form of an MD5 or SHA-1 digest."""
    return len(text) in _OTHER_DIGEST_LENGTHS and _HEX.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether *text* has the form of a SHA-256 digest."""
    return len(text) == 64 and _HEX.fullmatch(text) is not None


def _lower_composed(text: str) -> str:
    # Lower-casing can decompose (the Turkish dotted I), so compose on both sides of it.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())


def _is_kept(character: str) -> bool:
    return unicodedata.category(character)[0] in _KEPT_CATEGORIES


def _existing_digest(text: str, rule: str) -> str:
    if not text:
        return ""
    if is_digest(text):
        return _checked_digest(text.lower())
    _refuse_digest_lookalike(text)
    raise Refused(rule)


def _refuse_empty_digest(hashed: str) -> str:
    if hashed == EMPTY_DIGEST:
        raise Refused("hash-of-nothing")
    return hashed


def _checked_digest(hashed: str) -> str:
    _refuse_empty_digest(hashed)
    if hashed in PLACEHOLDER_DIGESTS:
        raise Refused("placeholder")
    return hashed


def _refuse_digest_lookalike(text: str) -> None:
    if looks_like_other_digest(text):
        raise Refused("other-hash")


def _refuse_plain_digest(text: str) -> None:
    if is_digest(text) or looks_like_other_digest(text):
        raise Refused("address-hashed")


def _empty_or_refuse(value: str) -> str:
    if value.strip():
        raise Refused("nothing-left")
    return ""
