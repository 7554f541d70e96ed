"""Addresses and phone numbers as people type them and as systems export them.

Each row has the plain text whose digest must be sent, written from the documentation of the field; None means that the
identifier is left out with a problem.
"""

from importlib.util import find_spec

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from typed_rows import digest, ids

import tiktok_events as tt
from tiktok_events._events.normalize.phone import has_trunk_zero

A = "a@example.com"
LEE = "anna.lee+shop@mail.example.com"
EMAILS = [
    # links
    ("mailto:a@example.com", A),
    ("MAILTO:a@example.com", A),
    ("mailto:a@example.com?subject=x", A),
    ("mailto:a%40example.com", A),
    ("mailto:anna.lee%2Bshop@mail.example.com?body=a@b", LEE),
    # invisible characters
    ("a\u200b@example.com", A),
    ("\ufeffa@example.com", A),
    ("a@exam\u00adple.com", A),
    ("\u202aa@example.com\u202c", A),
    ("a@\u2060example.com", A),
    ("a\u200d@example\u200c.com", A),
    ("a@example.com\u200e", A),
    ("\u061ca@example.com", A),
    # full-width letters
    ("\uff41@example.com", A),
    ("a\uff20example.com", A),
    ("\uff21\uff20\uff25xample.com", A),
    ("a@example\uff0ecom", A),
    ("a\ufe6bexample.com", A),
    # quotes and brackets
    ("'a@example.com'", A),
    ('"a@example.com"', A),
    ("`a@example.com`", A),
    ("\u201ca@example.com\u201d", A),
    ("\u2018a@example.com\u2019", A),
    ("\u201ea@example.com\u201c", A),
    ("(a@example.com)", A),
    ("[a@example.com]", A),
    ("'a@example.com", A),
    ("' a@example.com '", A),
    # display names
    ("Anna <a@example.com>", A),
    ("<a@example.com>", A),
    ('"Lee, Anna" <a@example.com>', A),
    ("Lee, Anna <a@example.com>", A),
    ("Anna Lee<a@example.com>", A),
    ('"a@example.com" <a@example.com>', A),
    ("<a@example.com>,", A),
    ("< a@example.com >", A),
    # punctuation and blanks
    ("a@example.com.", A),
    ("a@example.com,", A),
    ("a@example.com;", A),
    ("a@example.com ;", A),
    (",a@example.com", A),
    ("a%40example.com", A),
    ("a @example.com", A),
    ("a@ example.com", A),
    ("a @ example.com", A),
    ("a@example .com", A),
    ("a@example. com", A),
    ("a@example . com", A),
    ("\ta@example.com\n", A),
    ("\u00a0a@example.com\u00a0", A),
    ("a\u00a0@example.com", A),
    (" A@EXAMPLE.COM ", A),
    # unchanged
    ("anna.lee+shop@mail.example.com", LEE),
    ("o'brien@example.com", "o'brien@example.com"),
    ("'o'brien@example.com'", "o'brien@example.com"),
    ("a@b\u00fccher.example", "a@xn--bcher-kva.example"),
    ("\u00fc@example.com", "\u00fc@example.com"),
    ("u\u0308@example.com", "\u00fc@example.com"),
    # left out
    ("a@example.com, b@example.com", None),
    ("a@example.com b@example.com", None),
    ("a@example.com;b@example.com", None),
    ("Anna <a@example.com>, Bob <b@example.com>", None),
    ("b@example.com <a@example.com>", None),
    ("a b@example.com", None),
    ("anna lee@example.com", None),
    ("anna. lee@example.com", None),
    ("a@example.com. Thanks", None),
    ("a@mail.example. com", None),
    ("a@example.com (home)", None),
    ("e-mail: a@example.com", None),
    ("a(at)example.com", None),
    ("a@example", None),
    ("@example.com", None),
    ("a@b@example.com", None),
    ("mailto:", None),
    ('"a b"@example.com', None),
]
US, DE, GB, AE, IT = "+12025550143", "+491701234567", "+447700900123", "+971501234567", "+390612345678"
PHONES = [
    ("+1 202 555 0143", US),
    ("+1 (202) 555-0143", US),
    ("(+1)2025550143", US),
    ("+1.202.555.0143", US),
    ("+1/202/5550143", US),
    ("+1\u00a0202\u2011555\u20110143", US),
    ("\u202a+1 202 555 0143\u202c", US),
    # digits of other scripts
    ("+\u0661\u0662\u0660\u0662\u0665\u0665\u0665\u0660\u0661\u0664\u0663", US),
    ("+\u06f1\u06f2\u06f0\u06f2\u06f5\u06f5\u06f5\u06f0\u06f1\u06f4\u06f3", US),
    ("+\u0967\u0968\u0966\u0968\u096b\u096b\u096b\u0966\u0967\u096a\u0969", US),
    ("\uff0b\uff11 \uff12\uff10\uff12 555 0143", US),
    ("+\u0e51 202 555 0143", US),
    # extensions
    ("+1 202 555 0143 ext. 5", US),
    ("+1 202 555 0143 ext 5", US),
    ("+1 202 555 0143 EXT:5", US),
    ("+1 202 555 0143 extension 512", US),
    ("+1 202 555 0143, ext. 5", US),
    ("+12025550143;ext=5", US),
    ("tel:+1-202-555-0143;ext=5", US),
    ("+12025550143x5", US),
    ("+1 202 555 0143 x 5", US),
    ("+1-202-555-0143 x1234567", US),
    # schemes and quotes
    ("tel:+12025550143", US),
    ("TEL: +1 202 555 0143", US),
    ("whatsapp:+12025550143", US),
    ("p:+12025550143", US),
    ("sms:+12025550143", US),
    ("callto:+12025550143", US),
    ("phone:+12025550143", US),
    ("'+12025550143", US),
    ("'+12025550143'", US),
    ('"+12025550143"', US),
    ("p:'+12025550143'", US),
    # the optional zero
    ("+49 (0)170 1234567", DE),
    ("+44 (0)7700 900123", GB),
    ("(+49) (0) 170 1234567", DE),
    # a zero that belongs to the number
    ("+39 06 12345678", IT),
    ("+378 0549 123456", "+3780549123456"),
    ("+379 06 69812345", "+3790669812345"),
    ("+225 01 23 45 67 89", "+2250123456789"),
    ("+241 06 12 34 56", "+24106123456"),
    ("+242 06 123 4567", "+242061234567"),
    ("+49 10 1234567", "+49101234567"),
    # left out
    ("+1 202 555 0143 / +1 202 555 0144", None),
    ("+1 202 555 0143 or later", None),
    ("+1-800-FLOWERS", None),
    ("202 555 0143", None),
    ("+", None),
    ("++12025550143", None),
    ("+1555", None),
    ("+1234567890123456", None),
    ("ext. 5", None),
    ("call me", None),
]
WITH_PACKAGE = [
    ("0049 170 1234567", None, DE),
    ("0044 20 7946 0018", None, "+442079460018"),
    ("0044 7700 900123", None, None),  # reserved for fiction, so not valid
    ("0000", None, None),
    ("00 1 555 010 0199", None, None),
    ("+49 0170 1234567", None, DE),
    ("+4901701234567", None, DE),
    ("+971 050 123 4567", None, AE),
    ("+44 07700 900123", None, GB),
    ("+33 06 12 34 56 78", None, "+33612345678"),
    ("+61 0412 345 678", None, "+61412345678"),
    ("0170 1234567", "DE", DE),
    ("0170 1234567", "de", DE),
    ("0170/1234567", "DE", DE),
    ("(0170) 1234567 ext. 5", "DE", DE),
    ("07700 900123", "UK", GB),
    ("07700 900123", "GB", GB),
    ("0044 7700 900123", "DE", GB),
    ("691 234 5678", "EL", "+306912345678"),
    ("691 234 5678", "GR", "+306912345678"),
    ("06 12345678", "IT", IT),
    ("0170 1234567", "XX", None),
    ("0170 1234567", "Germany", None),
]
needs_package = pytest.mark.skipif(not find_spec("phonenumbers"), reason="needs the extra phone")


@pytest.mark.parametrize(("typed", "address"), EMAILS, ids=ids(EMAILS))
def test_an_address_is_read(typed, address):
    """The digest is that of the address, or the field is left out with a problem."""
    user = tt.User(email=typed)

    assert user.email == digest(address)
    assert [one.rule for one in user.problems] == ([] if address else [one.rule for one in user.problems][:1])
    assert bool(user.problems) == (address is None)


@pytest.mark.parametrize(("typed", "number"), PHONES, ids=ids(PHONES))
def test_a_number_is_read(typed, number):
    """The digest is that of the number in E.164, or the field is left out with a problem."""
    user = tt.User(phone=typed)

    assert user.phone == digest(number)
    assert bool(user.problems) == (number is None)


@needs_package
@pytest.mark.parametrize(
    ("typed", "region", "number"), WITH_PACKAGE, ids=[f"{one[0]} {one[1]}" for one in WITH_PACKAGE]
)
def test_a_national_number_is_read(typed, region, number):
    """With the extra, a region, an international prefix and a trunk zero are understood."""
    user = tt.User(phone=typed, phone_region=region)

    assert user.phone == digest(number)
    assert bool(user.problems) == (number is None)


def test_a_trunk_zero_without_the_package_is_a_warning(monkeypatch):
    """The number is sent as it is."""
    monkeypatch.setattr("tiktok_events._events.normalize.phone._phonenumbers", lambda: None)
    user = tt.User(phone="+49 0170 1234567")

    assert user.phone == digest("+4901701234567")
    assert [(one.rule, one.severity) for one in user.problems] == [("phone-trunk-zero", "warning")]


def test_an_unknown_region_is_named():
    """The problem shows the code, which is a setting and no personal data."""
    (problem,) = tt.User(phone="0170 1234567", phone_region="XX").problems

    assert "XX" in problem.message


def test_several_addresses_in_one_text_are_explained():
    """The fix is a list."""
    (problem,) = tt.User(email="a@example.com, b@example.com").problems

    assert (problem.rule, problem.fix) == ("email-several", "Pass several addresses as a list.")
    assert tt.User(email=["a@example.com", "b@example.com"]).email == (digest("a@example.com"), digest("b@example.com"))


NOISE = st.sampled_from([
    "{}",
    " {} ",
    "'{}'",
    '"{}"',
    "<{}>",
    "Anna <{}>",
    "mailto:{}",
    "{}.",
    "{},",
    "{};",
    "\u200b{}",
    "{}\u202c",
    "({})",
])
LOCAL = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


@given(LOCAL, LOCAL, st.lists(NOISE, max_size=3))
@example("0", "0", ["mailto:{}", "'{}'"])
@example("0", "0", ["mailto:{}", "({})"])
def test_noise_never_makes_another_digest_of_an_address(local, host, noises):
    """Whatever is put around an address, the digest is that of the address, or it is left out."""
    address = typed = f"{local}@{host}.example.com"
    for noise in noises:
        typed = noise.format(typed)

    assert tt.User(email=typed).email in (digest(address), None)


@given(
    st.sampled_from(["+1202555", "+44770090", "+4917012"]),
    st.integers(1000, 9999),
    st.lists(
        st.sampled_from(["{}", " {}", "'{}'", "tel:{}", "p:{}", "{};ext=5", "{} x5", "{} ext. 12", "\u202a{}"]),
        max_size=2,
    ),
)
def test_noise_never_makes_another_digest_of_a_number(start, end, noises):
    """Whatever is put around a number, the digest is that of the number, or it is left out."""
    number = typed = f"{start}{end}"
    for noise in noises:
        typed = noise.format(typed)

    assert tt.User(phone=typed).phone in (digest(number), None)


def test_the_rows_are_many():
    """A table that shrinks unseen tests nothing."""
    assert len(EMAILS) + len(PHONES) + len(WITH_PACKAGE) > 130


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("+4901701234567", True),
        ("+49101234567", False),
        ("+390612345678", False),
        ("+2250123456789", False),
        ("+971050123", True),
    ],
)
def test_a_trunk_zero_is_seen(number, expected):
    """Behind a country code that no zero may follow."""
    assert has_trunk_zero(number) is expected
