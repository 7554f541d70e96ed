"""Countries, postal codes, IP addresses, locales, decimals and ids as people type them and as systems export them."""

import pytest
from typed_rows import digest, ids

import tiktok_events as tt

COUNTRIES = [
    ("UK", "gb"),
    ("uk", "gb"),
    ("EL", "gr"),
    ("USA", "us"),
    ("usa", "us"),
    ("DEU", "de"),
    ("GBR", "gb"),
    (" De ", "de"),
    ("us", "us"),
    ("xx", None),
    ("zz", None),
    ("QQQ", None),
    ("Germany", None),
    ("49", None),
]
ZIP_CODES = [
    ("10115.0", "10115"),
    ("1234.0", "1234"),
    ("10115", "10115"),
    ("SW1A 1AA", "sw1a1aa"),
    ("D-10115", "d10115"),
]
ADDRESSES = [
    ("8.8.8.8:1234", "8.8.8.8"),
    ("[2001:4860:4860::8888]", "2001:4860:4860::8888"),
    ("[2001:4860:4860::8888]:443", "2001:4860:4860::8888"),
    ("::ffff:8.8.8.8", "8.8.8.8"),
    ("::FFFF:8.8.8.8", "8.8.8.8"),
    ("[::ffff:8.8.8.8]:80", "8.8.8.8"),
    (" 8.8.8.8 ", "8.8.8.8"),
    ("8.8.8.8", "8.8.8.8"),
    ("8.8.8.8, 8.8.4.4", None),
    ("8.8.8.8:", None),
    ("8.8.8", None),
]
LOCALES = [("en-US,en;q=0.9", "en-US"), ("de;q=0.8", "de"), ("en_US.UTF-8", "en-US"), ("pt-BR", "pt-BR")]


@pytest.mark.parametrize(("typed", "code"), COUNTRIES, ids=ids(COUNTRIES))
def test_a_country_is_read(typed, code):
    """Alpha-3 codes become alpha-2; a code that ISO 3166-1 does not know is left out."""
    user = tt.User(country=typed)

    assert user.country == code
    assert bool(user.problems) == (code is None)


@pytest.mark.parametrize(("typed", "code"), ZIP_CODES, ids=ids(ZIP_CODES))
def test_a_postal_code_is_read(typed, code):
    """Also one that a spreadsheet has read as a number."""
    assert tt.User(zip_code=typed).zip_code == digest(code)


@pytest.mark.parametrize(("typed", "address"), ADDRESSES, ids=ids(ADDRESSES))
def test_an_ip_address_is_read(typed, address):
    """Without port and brackets, and as IPv4 if it is mapped into IPv6."""
    user = tt.User(ip=typed)

    assert user.ip == address
    assert ("ip-malformed" in [one.rule for one in user.problems]) == (address is None)


@pytest.mark.parametrize(("typed", "tag"), LOCALES, ids=ids(LOCALES))
def test_a_locale_is_read(typed, tag):
    """Also from an Accept-Language header."""
    assert tt.User(locale=typed).locale == tag


@pytest.mark.parametrize(("typed", "value"), [("+5", 5), (".5", 0.5), ("5.", 5), ("-.5", -0.5), ("+46.00", 46)])
def test_a_decimal_is_read(typed, value):
    """A sign, a leading and a trailing point are plain decimals; symbols and separators are not."""
    properties = tt.Properties(value=typed)

    assert properties.value == value
    assert properties.problems == ()


@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_id_is_a_mistake(blank):
    """On every path that makes an id."""
    with pytest.raises(ValueError, match="empty"):
        tt.Event("Purchase", key=blank)
    with pytest.raises(ValueError, match="empty"):
        tt.Event("Purchase", event_id=blank)
    with pytest.raises(ValueError, match="empty"):
        tt.event_id("Purchase", blank)


def test_blanks_around_an_id_are_removed():
    """ " 5 " and "5" are the same order."""
    assert tt.Event("Purchase", event_id=" 5 ").event_id == "5"
    assert tt.Event("Purchase", key=" 5 ").key == "5"
    assert tt.event_id("Purchase", " 5 ") == tt.event_id("Purchase", "5") == tt.event_id("Purchase", 5)
