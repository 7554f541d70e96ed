"""Read phone numbers in their national form. Only this module imports the phonenumbers package."""

from __future__ import annotations

import functools
from types import ModuleType

from tiktok_events._spec.problem import Refused


@functools.cache
def _phonenumbers() -> ModuleType | None:
    try:
        import phonenumbers
    except ImportError:
        return None
    return phonenumbers


def to_e164(text: str, region: str) -> str:
    """*text* as E.164, read as somebody in *region* (two letters) would dial it. Raises `Refused`."""
    package = _phonenumbers()
    if package is None:
        raise Refused("phone-package")
    try:
        number = package.parse(text, region.strip().upper())
    except package.NumberParseException as error:
        unknown_region = error.error_type == package.NumberParseException.INVALID_COUNTRY_CODE
        raise Refused("phone-country-code" if unknown_region else "phone-malformed") from None
    # Possible, not valid: numbering plans grow faster than any package's tables.
    if not package.is_possible_number(number):
        raise Refused("phone-malformed")
    return str(package.format_number(number, package.PhoneNumberFormat.E164))
