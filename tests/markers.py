"""Personal data that tests use. Each value is a marker: it may show in no log, exception or repr.

Plain text carries `zzpii`, numbers and addresses are listed here. A test that invents a further hashed value adds it
to `RAW`, in the normalised form too, so that its digest is looked for as well.
"""

from hashlib import sha256

EMAIL = "zzpii.ada@example.com"
EMAIL_TYPED = " ZZPII.Ada@Example.COM "
OTHER_EMAIL = "zzpii.bo@example.com"
PHONE = "+15550100199"
PHONE_TYPED = "+1 (555) 010-0199"
OTHER_PHONE = "+15550100177"
LOCAL_PHONE = "0155 50100199"
FIRST_NAME = "Zzpiiada"
LAST_NAME = "Zzpiilovelace"
EXTERNAL_ID = "zzpii-user-1"
OTHER_EXTERNAL_ID = "zzpii-user-2"
ZIP_CODE = "zzpii 1"
CITY = "Zzpiitown"
TTCLID = "E.C.P.zzpii-click"
TTP = "zzpii-browser"
USER_AGENT = "Mozilla/5.0 (X11; zzpii) Firefox/140.0"
IP = "9.9.9.9"
IDFA = "5A5A5049-49AD-4A11-9D11-5A5A50494900"
GAID = "5a5a5049-49ad-4a22-9d22-5a5a50494901"
URL = "https://shop.example/thanks?q=zzpii"

TEXTS = ("zzpii", PHONE, PHONE_TYPED, OTHER_PHONE, LOCAL_PHONE, "15550100199", IP, IDFA, GAID)
"""What is looked for as it stands, in any case."""

RAW = (
    *(EMAIL, EMAIL_TYPED, OTHER_EMAIL),
    *(PHONE, PHONE_TYPED, OTHER_PHONE, LOCAL_PHONE, "+4915550100199"),
    *(FIRST_NAME, FIRST_NAME.lower(), LAST_NAME, LAST_NAME.lower()),
    *(EXTERNAL_ID, OTHER_EXTERNAL_ID, "zzpii-1", "zzpii-2"),
    *(ZIP_CODE, "zzpii1", IDFA, GAID),
    *("alice_abc@gmail.com", "+12133734253", "user_123", "EA7583CD-A667-48BC-B806-42ECB2B48606"),
    *("aaaaaa-2222-1111-8787-809e92233ba0", "jane", "95110", "m5v3l9", "+12345678901234"),
)
"""What is hashed somewhere, raw and normalised: a digest of a phone number is guessed in minutes."""

DIGESTS = frozenset(sha256(value.encode()).hexdigest() for value in RAW)
_LOOKED_FOR = (*(text.lower() for text in TEXTS), *DIGESTS)


def shown_in(text: str) -> bool:
    """Whether a marker, or the digest of one, stands in *text*."""
    lower = text.lower()
    return any(one in lower for one in _LOOKED_FOR)


def user(**fields: object) -> dict[str, object]:
    """A visitor of whom everything is known that web events take."""
    known: dict[str, object] = {
        "email": EMAIL_TYPED,
        "phone": PHONE_TYPED,
        "external_id": EXTERNAL_ID,
        "first_name": FIRST_NAME,
        "last_name": LAST_NAME,
        "zip_code": ZIP_CODE,
        "city": CITY,
        "state": "Zzpii State",
        "country": "GB",
        "ttclid": TTCLID,
        "ttp": TTP,
        "ip": IP,
        "user_agent": USER_AGENT,
        "locale": "en-GB",
    }
    return known | fields
