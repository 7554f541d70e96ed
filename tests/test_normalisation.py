"""What each identifier is turned into before it is hashed, or sent in plain.

Expected values are hashed here, from literals in normalised form.
"""

from hashlib import sha256

import pytest

import tiktok_events as tt

DIGEST = "A1" * 32


def sha(text):
    """The digest of a literal."""
    return sha256(text.encode()).hexdigest()


HASHED = [
    ("email", "zzpii.ada@example.com", "zzpii.ada@example.com"),
    ("email", "  ZZPII.Ada@Example.COM\n", "zzpii.ada@example.com"),
    ("email", "zzpii.ada+tag@googlemail.com", "zzpii.ada+tag@googlemail.com"),
    ("email", "zzpii.ada@xn--mnchen-3ya.example", "zzpii.ada@xn--mnchen-3ya.example"),
    ("email", "zzpii.ada@MÜNCHEN.example", "zzpii.ada@xn--mnchen-3ya.example"),
    ("email", "zzpii.ada@mu\u0308nchen.example", "zzpii.ada@xn--mnchen-3ya.example"),
    ("email", "zzpii.jos\u00e9@example.com", "zzpii.jos\u00e9@example.com"),
    ("email", "zzpii.jose\u0301@example.com", "zzpii.jos\u00e9@example.com"),
    ("email", "\u200bzzpii.\u00e9@example.com\u200b", "zzpii.\u00e9@example.com"),
    ("email", "zzpii'o@sub.example.co.uk", "zzpii'o@sub.example.co.uk"),
    ("phone", "+15550100199", "+15550100199"),
    ("phone", "+1 (555) 010-0199", "+15550100199"),
    ("phone", "(+1) 555.010.0199", "+15550100199"),
    ("phone", "tel:+1-555-010-0199", "+15550100199"),
    ("phone", "\u202a+1 555 010 0199\u202c", "+15550100199"),
    ("phone", "+1\u00a0555\u20110100\u2013199", "+15550100199"),
    ("phone", "\uff0b\uff11\uff15\uff15\uff15\uff10\uff11\uff10\uff10\uff11\uff19\uff19", "+15550100199"),
    ("phone", "+49 (0)155 50100199", "+4915550100199"),
    ("phone", "+49(0)15550100199", "+4915550100199"),
    ("phone", "+1555010", "+1555010"),
    ("phone", "+123456789012345", "+123456789012345"),
    ("phone", "+86 155 5010 0199", "+8615550100199"),
    ("external_id", "zzpii-user-1", "zzpii-user-1"),
    ("external_id", " Zzpii-User-1 ", "Zzpii-User-1"),
    ("external_id", "zzpii\u00e9", "zzpii\u00e9"),
    ("external_id", "zzpiie\u0301", "zzpii\u00e9"),
    ("external_id", "15550100199", "15550100199"),
    ("first_name", "Zzpiiada", "zzpiiada"),
    ("first_name", "  ZZPIIADA. ", "zzpiiada"),
    ("first_name", "Jos\u00e9  Mar\u00eda", "jos\u00e9 mar\u00eda"),
    ("first_name", "Jose\u0301 Mari\u0301a", "jos\u00e9 mar\u00eda"),
    ("first_name", "Zzpii-Ada", "zzpiiada"),
    ("first_name", "Null", "null"),
    ("first_name", "\u5f20\u4f1f", "\u5f20\u4f1f"),
    ("last_name", "O'Zzpii", "ozzpii"),
    ("last_name", "O\u2019Zzpii", "ozzpii"),
    ("last_name", "Zzpii van der Berg", "zzpii van der berg"),
    ("last_name", "\u0418\u0412\u0410\u041d\u041e\u0412", "\u0438\u0432\u0430\u043d\u043e\u0432"),
    ("last_name", "STRASSE\u1e9e", "strasse\u00df"),
    ("zip_code", "zzpii-1", "zzpii1"),
    ("zip_code", "SW1A 1AA", "sw1a1aa"),
    ("zip_code", "\uff11\uff10\uff10-\uff10\uff10\uff10\uff11", "1000001"),
    ("zip_code", "95110-1234", "951101234"),
    ("idfa", "5a5a5049-49ad-4a11-9d11-5a5a50494900", "5A5A5049-49AD-4A11-9D11-5A5A50494900"),
    ("idfa", " 5A5A5049-49AD-4A11-9D11-5A5A50494900 ", "5A5A5049-49AD-4A11-9D11-5A5A50494900"),
    ("gaid", "5A5A5049-49AD-4A22-9D22-5A5A50494901", "5a5a5049-49ad-4a22-9d22-5a5a50494901"),
]


@pytest.mark.parametrize(("field", "raw", "normalised"), HASHED)
def test_normalised_then_hashed(field, raw, normalised):
    """However a person wrote it, it is one value."""
    user = tt.User(**{field: raw})

    assert getattr(user, field) == sha(normalised)
    assert user.problems == ()


PLAIN = [
    ("city", "Zzpii Town", "zzpiitown"),
    ("city", "S\u00e3o Paulo", "s\u00e3opaulo"),
    ("city", "Sa\u0303o Paulo", "s\u00e3opaulo"),
    ("city", "\u6771\u4eac", "\u6771\u4eac"),
    ("city", "\u041c\u043e\u0441\u043a\u0432\u0430", "\u043c\u043e\u0441\u043a\u0432\u0430"),
    ("city", "\u0391\u03b8\u03ae\u03bd\u03b1", "\u03b1\u03b8\u03ae\u03bd\u03b1"),
    ("city", "\u0627\u0644\u0642\u0627\u0647\u0631\u0629", "\u0627\u0644\u0642\u0627\u0647\u0631\u0629"),
    ("city", "\u0926\u093f\u0932\u094d\u0932\u0940", "\u0926\u093f\u0932\u094d\u0932\u0940"),
    ("city", "\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e", "\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e"),
    ("city", "St. John's", "stjohns"),
    ("city", "Cluj-Napoca", "clujnapoca"),
    ("state", " CA ", "ca"),
    ("state", "New  York", "newyork"),
    ("state", "N.Y.", "ny"),
    ("country", " US ", "us"),
    ("country", "De", "de"),
    ("ttclid", "E.C.P.zzpii-Click", "E.C.P.zzpii-Click"),
    ("ttp", "zzpii-Browser", "zzpii-Browser"),
    ("ip", " 9.9.9.9 ", "9.9.9.9"),
    ("ip", "2620:fe::fe", "2620:fe::fe"),
    ("locale", "en-US", "en-US"),
    ("locale", "en_US.UTF-8", "en-US"),
    ("locale", "zh-Hans-CN", "zh-Hans-CN"),
    ("att_status", "authorized", "AUTHORIZED"),
    ("idfv", "zzpii-Vendor", "zzpii-Vendor"),
    ("user_agent", "Mozilla/5.0 (zzpii)", "Mozilla/5.0 (zzpii)"),
]


@pytest.mark.parametrize(("field", "raw", "sent"), PLAIN)
def test_normalised_and_sent_in_plain(field, raw, sent):
    """What TikTok takes unhashed is never hashed, and letters of every script stay."""
    user = tt.User(**{field: raw})

    assert getattr(user, field) == sent
    assert user.problems == ()


@pytest.mark.parametrize(
    "field", ["email", "phone", "external_id", "first_name", "last_name", "zip_code", "idfa", "gaid"]
)
def test_a_digest_passes_lower_cased(field):
    """What is hashed already is not hashed again, also with capitals and spaces around it."""
    assert getattr(tt.User(**{field: f" {DIGEST} "}), field) == DIGEST.lower()
    assert getattr(tt.User(**{field: DIGEST.lower()}), field) == DIGEST.lower()


@pytest.mark.parametrize("field", ["email", "phone", "first_name", "last_name"])
@pytest.mark.parametrize("length", [32, 40])
def test_other_digests_are_refused(field, length):
    """MD5 and SHA-1 match nobody, so they are left out with an error."""
    user = tt.User(**{field: "a1" * (length // 2)})

    assert getattr(user, field) is None
    assert [(one.rule, one.severity) for one in user.problems] == [("other-hash", "error")]


@pytest.mark.parametrize("length", [32, 40])
def test_an_external_id_may_look_like_another_digest(length):
    """It may be the shop's own id, so it is hashed as it stands and only warned about."""
    user = tt.User(external_id="a1" * (length // 2))

    assert user.external_id == sha("a1" * (length // 2))
    assert [(one.rule, one.severity) for one in user.problems] == [("external-id-other-hash", "warning")]


@pytest.mark.parametrize(
    ("field", "several", "sent"),
    [
        ("email", ["zzpii.ada@example.com", "ZZPII.ada@example.com "], sha("zzpii.ada@example.com")),
        (
            "email",
            ["zzpii.ada@example.com", "zzpii.bo@example.com"],
            (sha("zzpii.ada@example.com"), sha("zzpii.bo@example.com")),
        ),
        ("email", ["zzpii.ada@example.com", sha("zzpii.ada@example.com").upper()], sha("zzpii.ada@example.com")),
        ("phone", ("+15550100199", None, "+1 555 010 0199"), sha("+15550100199")),
        ("phone", ["+15550100199", "", "+15550100177"], (sha("+15550100199"), sha("+15550100177"))),
        ("external_id", ["zzpii-1", "zzpii-2", "zzpii-1"], (sha("zzpii-1"), sha("zzpii-2"))),
        ("external_id", [], None),
        ("email", ["", None], None),
    ],
)
def test_several_values_are_sent_once_each(field, several, sent):
    """One is sent as a string, several as a list in the order given, equal ones once, empty ones not at all."""
    assert getattr(tt.User(**{field: several}), field) == sent


def test_a_bad_one_among_several_is_named_by_its_place():
    """The rest of the list is sent."""
    user = tt.User(email=["zzpii.ada@example.com", "zzpii"])

    assert user.email == sha("zzpii.ada@example.com")
    assert [(one.rule, one.field) for one in user.problems] == [("email-malformed", "user.email[1]")]


@pytest.mark.parametrize(
    ("raw", "country", "normalised"),
    [
        ("95110-1234", "US", "95110"),
        ("95110 1234", "us", "95110"),
        (95110, "us", "95110"),
        ("95110-1234", "de", "951101234"),
        ("95110-1234", None, "951101234"),
    ],
)
def test_american_zip_codes_are_five_digits(raw, country, normalised):
    """Only there, and only when the country says so."""
    assert tt.User(zip_code=raw, country=country).zip_code == sha(normalised)


@pytest.mark.parametrize(
    ("field", "placeholder"),
    [
        *(("external_id", word) for word in ("0", "-1", "null", "None", "undefined", "(null)", "guest")),
        ("external_id", sha("0")),
        ("email", sha("null")),
        ("idfa", "00000000-0000-0000-0000-000000000000"),
        ("gaid", "00000000-0000-0000-0000-000000000000"),
    ],
)
def test_placeholders_are_left_out(field, placeholder):
    """They would make one person of all guests."""
    user = tt.User(**{field: placeholder})

    assert getattr(user, field) is None
    assert [(one.rule, one.severity) for one in user.problems] == [("placeholder", "warning")]


@pytest.mark.parametrize(
    ("field", "typed"), [("first_name", "..."), ("city", "-"), ("zip_code", "--"), ("state", "?!")]
)
def test_what_is_punctuation_only_is_left_out(field, typed):
    """With a warning: nothing was left of it."""
    user = tt.User(**{field: typed})

    assert getattr(user, field) is None
    assert [(one.rule, one.severity) for one in user.problems] == [("nothing-left", "warning")]
