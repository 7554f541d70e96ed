"""Read a phone number as people type it and as systems export it. Only this module imports the phonenumbers package."""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import Any

from tiktok_events._spec.countries import ALIASES, COUNTRIES
from tiktok_events._spec.problem import Refused

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Italy, San Marino, the Vatican, Ivory Coast, Gabon and Congo keep a leading zero after their country code.
_CODES_WITH_LEADING_ZERO = "39|378|379|225|241|242"
_COUNTRY_CODE = "1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9][0-9]{2}"  # ITU-T E.164
_TRUNK_ZERO = re.compile(rf"\+(?!{_CODES_WITH_LEADING_ZERO})(?>{_COUNTRY_CODE})0")
_OPTIONAL_ZERO = "(0)"
_SCHEME = re.compile(r"(?:tel|sms|callto|whatsapp|phone|p):\s*", re.IGNORECASE)
_EXTENSION = re.compile(r"[\s,]*(?:;\s*ext=|(?:extension|extn|ext|x)[.:\s]*)[0-9]{1,7}\s*$", re.IGNORECASE)
_QUOTES = "'\"`\u2018\u2019\u201c\u201d"
# Blanks, brackets, dots, dashes of any script, and invisible characters that are copied from address books.
_SEPARATORS = re.compile(r"[\s().\-/\u00ad\u061c\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\u2212\ufeff]+")


def has_trunk_zero(number: str) -> bool:
    """Whether *number* (E.164) has a trunk zero after its country code: a zero that no number of that country has."""
    return _TRUNK_ZERO.match(number) is not None


def read_phone(text: str, region: str | None) -> str:
    """The number in *text* as E.164; "" if *text* holds no visible character.

    Digits of any script are accepted; `tel:` and other schemes, quotes and extensions are removed. With the extra
    `phone`, three more forms are accepted: the national form of *region* (two letters), the prefix `00`, and a trunk
    zero after the country code.

    Raises:
        Refused: `phone-malformed`, `phone-country-code`, `phone-region-unknown` or `phone-package`; with
            `phone-trunk-zero` the number is sent unchanged.
    """
    if not _SEPARATORS.sub("", text):
        return ""
    text = _with_ascii_digits(unicodedata.normalize("NFKC", text)).strip().strip(_QUOTES)
    text = _EXTENSION.sub("", _SCHEME.sub("", text, count=1), count=1).strip()
    if text.startswith(("+", "(+")):
        text = text.replace(_OPTIONAL_ZERO, "")
    text = _SEPARATORS.sub("", text).strip(_QUOTES)
    if E164.fullmatch(text):
        return without_trunk_zero(text) if has_trunk_zero(text) else text
    if not text.isascii() or not text.isdigit():
        raise Refused("phone-malformed")
    if region:
        return _parse_national(text, _region_code(region))
    package = _phonenumbers()
    if package is not None and text.startswith("00"):
        number = _parse(package, f"+{text[2:]}", None)
        if number is not None and package.is_valid_number(number):
            return _to_e164(package, number)
    raise Refused("phone-country-code")


def without_trunk_zero(number: str) -> str:
    """*number* (E.164) without its trunk zero, which needs the extra `phone`.

    Raises:
        Refused: `phone-trunk-zero` without the extra. The number is sent unchanged.
    """
    package = _phonenumbers()
    if package is not None:
        parsed = _parse(package, number, None)
        if parsed is not None and package.is_possible_number(parsed):
            return _to_e164(package, parsed)
    raise Refused("phone-trunk-zero", instead=number)


def _with_ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _region_code(region: str) -> str:
    code = region.strip().lower()
    code = ALIASES.get(code, code)
    if code not in COUNTRIES:
        detail = region.strip() if len(region.strip()) <= 3 and region.strip().isascii() else "as given"
        raise Refused("phone-region-unknown", detail=detail)
    return code.upper()


def _parse_national(text: str, region: str) -> str:
    package = _phonenumbers()
    if package is None:
        raise Refused("phone-package")
    number = _parse(package, text, region)
    # Check for possible, not for valid: numbering plans change faster than the tables of the package.
    if number is None or not package.is_possible_number(number):
        raise Refused("phone-malformed")
    formatted = _to_e164(package, number)
    if E164.fullmatch(formatted) is None:
        raise Refused("phone-malformed")
    return formatted


@functools.cache
def _phonenumbers() -> Any:
    try:
        import phonenumbers
    except ImportError:
        return None
    return phonenumbers


def _parse(package: Any, text: str, region: str | None) -> Any:
    try:
        return package.parse(text, region)
    except package.NumberParseException:
        return None


def _to_e164(package: Any, number: Any) -> str:
    return str(package.format_number(number, package.PhoneNumberFormat.E164))
