"""E-mail addresses and phone numbers as people type them and systems export them: good values, and noise around them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

import phonenumbers
from faker import Faker

SEED = 2026
LOCALES = (
    "ar_AE ar_EG cs_CZ da_DK de_AT de_DE en_AU en_CA en_GB en_IN en_NZ en_US es_ES es_MX fi_FI fr_FR fr_CA hi_IN id_ID it_IT "
    "ja_JP ko_KR nl_NL no_NO pl_PL pt_BR sv_SE th_TH tr_TR vi_VN"
).split()
_ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")
_WIDE = {ord(char): ord(char) + 0xFEE0 for char in "abcdefghijklmnopqrstuvwxyz0123456789@."}


class Soiled(NamedTuple):
    """A value as it arrives: its kind of noise, the text, the region that is known, and the good value."""

    kind: str
    text: str
    region: str
    good: str


def _inside(text: str, noise: str) -> str:
    return text[:2] + noise + text[2:]


EMAIL_NOISE: dict[str, Callable[[str], str]] = {
    "clean": lambda email: email,
    "capitals and blanks": lambda email: f"  {email.title()} ",
    "mailto:": lambda email: f"mailto:{email}?subject=Hello",
    "zero-width and bidi": lambda email: f"\u202a{_inside(email, chr(0x200B))}\u202c",
    "full-width letters": lambda email: email.translate(_WIDE),
    "quotes": lambda email: f"'{email}'",
    "display name": lambda email: f'"Lee, Anna" <{email}>',
    "punctuation at the end": lambda email: f"{email};",
    "blanks beside the @": lambda email: email.replace("@", " @ "),
    "percent-encoded": lambda email: email.replace("@", "%40"),
}


def _national(number: str, region: str) -> str:
    parsed = phonenumbers.parse(number, region)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)


def _international(number: str, region: str) -> str:
    parsed = phonenumbers.parse(number, region)
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def _trunk_zero(number: str, region: str) -> str:
    code = str(phonenumbers.country_code_for_region(region))
    return f"+{code} 0{number.removeprefix('+' + code)}"


PHONE_NOISE: dict[str, Callable[[str, str], str]] = {
    "clean": lambda number, region: number,
    "groups and brackets": _international,
    "national, region known": _national,
    "00 in place of +": lambda number, region: f"00{number[1:]}",
    "Arabic digits": lambda number, region: number.translate(_ARABIC),
    "Devanagari digits": lambda number, region: number.translate(_DEVANAGARI),
    "extension": lambda number, region: f"{_international(number, region)} ext. 5",
    "tel:, whatsapp:, p:": lambda number, region: ("tel:", "whatsapp:", "p:")[int(number[-1]) % 3] + number,
    "apostrophe of a spreadsheet": lambda number, region: f"'{number}",
    "trunk zero after the code": _trunk_zero,
}
TRUNK_ZERO_REGIONS = frozenset("AE AT AU DE EG FI FR GB ID IN JP KR NL NZ SE TH TR VN".split())
"""Regions of the locales whose numbers have a trunk zero, which is not dialled after the country code."""


def emails(number: int) -> Iterator[Soiled]:
    """*number* addresses, a fifth of them clean."""
    chance = random.Random(SEED)
    fakers = _fakers()
    for index in range(number):
        good = _ascii_email(fakers[index % len(fakers)][1])
        kind = "clean" if index % 5 == 0 else chance.choice(list(EMAIL_NOISE)[1:])
        yield Soiled(kind, EMAIL_NOISE[kind](good), "", good)


def phones(number: int) -> Iterator[Soiled]:
    """*number* valid numbers of the locales' countries, a fifth of them clean. The region is given for national ones."""
    chance = random.Random(SEED)
    for index in range(number):
        region = LOCALES[index % len(LOCALES)][3:]
        good = _valid_number(region, chance)
        kinds = [
            kind for kind in PHONE_NOISE if kind != "clean" and (kind[:5] != "trunk" or region in TRUNK_ZERO_REGIONS)
        ]
        kind = "clean" if index % 5 == 0 else chance.choice(kinds)
        yield Soiled(kind, PHONE_NOISE[kind](good, region), region if kind.startswith("national") else "", good)


def _fakers() -> list[tuple[str, Faker]]:
    fakers = [(locale, Faker(locale)) for locale in LOCALES]
    for index, (_, faker) in enumerate(fakers):
        faker.seed_instance(SEED + index)
    return fakers


def _ascii_email(faker: Faker) -> str:
    while True:
        email: str = faker.email(domain="example.com").lower()
        if email.isascii():
            return email


def _valid_number(region: str, chance: random.Random) -> str:
    """A valid number: that of an example of the region, with other last digits."""
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    while True:
        number = text[:-4] + f"{chance.randrange(10_000):04d}"
        if phonenumbers.is_valid_number(phonenumbers.parse(number, None)):
            return number
