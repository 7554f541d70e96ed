"""What people type and programs compute, for property tests."""

from decimal import Decimal

import markers
from hypothesis import strategies as st

SURROGATES = st.sampled_from(["\ud800", "\udfff", "zzpii\udc80@example.com", "+1555\ud800"])
ODD = st.sampled_from([
    *(
        "",
        " ",
        "\x00",
        "\x00" * 40,
        "zzpii\x00@example.com",
        "a" * 20_000,
        "\u0130" * 1000,
        "9" * 5000,
        "+" + "1" * 5000,
    ),
    *(
        "@",
        "@@",
        "zzpii@",
        "@zzpii.com",
        "zzpii@\u00fc",
        "zzpii@" + "\u00fc" * 500 + ".com",
        "zzpii@.",
        "zzpii@a..b",
        "zzpii@\u2488.com",
    ),
    *("+", "(+", "(0)", "+(0)", "tel:", "+0", "\uff0b", "+\uff11" * 20, "a" * 32, "F" * 40, "0" * 64, "e3b0c442" * 8),
    *("NaN", "-inf", "Infinity", "1e400", "1_000", "\u0661\u0662", "0x10", "1,5", "1.", ".5", "--1", "1" * 5000),
    *(
        "https://",
        "https://a@",
        "https://a@?token=1",
        "http://a@b@c/?x=@",
        "https://shop.example/\ud800",
        "?token=",
        "//",
    ),
    *("::", "::ffff:9.9.9.9", "fe80::1%eth0", "1.2.3.4.5", "[::1]", "a-" * 200, "en_", "_", "\U0001f600" * 50),
])
TYPED = st.one_of(st.text(), st.text(st.characters(codec=None)), SURROGATES, ODD)
"""Whatever comes out of a form field, broken encodings included."""

NUMBERS = st.one_of(
    st.integers(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.sampled_from([
        Decimal("sNaN"),
        Decimal("-0"),
        Decimal("1e400"),
        Decimal("1e-400"),
        10**400,
        -(2**53),
        2**53,
        1e308,
    ]),
    TYPED,
)

USER_TEXTS = ("email", "phone", "external_id", "ttclid", "ttp", "ip", "user_agent", "locale", "idfa", "gaid", "idfv")
USER_TEXTS += ("att_status", "first_name", "last_name", "zip_code", "city", "state", "country", "phone_region")
PROPERTY_TEXTS = (
    "currency",
    "content_type",
    "order_id",
    "shop_id",
    "search_string",
    "description",
    "customer_type",
    "query",
)
NAMES = st.one_of(
    st.sampled_from(["Purchase", "Search", "ViewContent", "CompletePayment", "LaunchAPP", "Pageview"]), TYPED
)

users = st.fixed_dictionaries({}, optional=dict.fromkeys(USER_TEXTS, TYPED))
several = st.lists(st.one_of(TYPED, st.none()), max_size=4)
contents = st.fixed_dictionaries(
    {}, optional={"content_id": TYPED, "price": NUMBERS, "quantity": NUMBERS, "content_name": TYPED, "brand": TYPED}
)
properties = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(PROPERTY_TEXTS, TYPED),
        "value": NUMBERS,
        "num_items": NUMBERS,
        "predicted_ltv": NUMBERS,
        "num_adults": NUMBERS,
        "contents": st.lists(contents, max_size=3),
        "content_ids": several,
    },
)
pages = st.fixed_dictionaries({}, optional={"url": TYPED, "referrer": TYPED})
apps = st.fixed_dictionaries({}, optional={"app_id": TYPED, "app_name": TYPED})
leads = st.fixed_dictionaries({}, optional={"lead_id": TYPED, "lead_event_source": TYPED})
ads = st.fixed_dictionaries(
    {},
    optional={
        "callback": TYPED,
        "campaign_id": TYPED,
        "attribution_share": NUMBERS,
        "touchpoint_ts": st.integers(0, 2**40),
    },
)
event_times = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
extras = st.dictionaries(
    st.text("abcxyz_", min_size=3, max_size=8), st.one_of(TYPED, NUMBERS, st.booleans(), st.none(), several), max_size=2
)

typed_events = st.fixed_dictionaries(
    {"event": NAMES},
    optional={
        "user": users,
        "properties": properties,
        "page": pages,
        "app": apps,
        "lead": leads,
        "ad": ads,
        "event_time": event_times,
        "limited_data_use": st.booleans(),
        "extra": extras,
    },
)
"""An event as a form, a spreadsheet and a rounding error made it."""

sane_users = st.fixed_dictionaries(
    {},
    optional={
        "email": st.sampled_from([markers.EMAIL, [markers.EMAIL, markers.OTHER_EMAIL]]),
        "phone": st.sampled_from([markers.PHONE_TYPED, markers.OTHER_PHONE]),
        "external_id": st.integers(1),
        "ttclid": st.text("abcE.-_0", min_size=1),
        "first_name": st.text(min_size=1),
        "city": st.text(min_size=1),
        "zip_code": st.text("0123456789 -", min_size=5),
        "country": st.sampled_from(["us", "DE", "gb"]),
        "ip": st.ip_addresses(),
        "user_agent": st.text(min_size=1),
    },
)
sane_properties = st.fixed_dictionaries(
    {},
    optional={
        "value": st.one_of(st.decimals(0, 10**6, places=2), st.integers(0, 10**6), st.floats(0, 1e6)),
        "currency": st.sampled_from(["EUR", "usd", "XAF"]),
        "order_id": st.one_of(st.uuids(), st.integers(), st.text(min_size=1)),
        "search_string": st.text(),
        "num_items": st.integers(0, 99),
        "contents": st.lists(
            st.fixed_dictionaries(
                {"content_id": st.integers(1)},
                optional={"price": st.decimals(0, 999, places=2), "quantity": st.integers(1, 9)},
            ),
            max_size=3,
        ),
    },
)
sane_events = st.fixed_dictionaries(
    {
        "event": st.sampled_from(["Purchase", "Lead", "ViewContent", "Search"]),
        "event_time": st.integers(1_700_000_000, 1_800_000_000),
    },
    optional={
        "user": sane_users,
        "properties": sane_properties,
        "page": st.sampled_from([
            {"url": "https://shop.example/a?b=c#d"},
            {"url": "https://shop.example/", "referrer": "android-app://x"},
        ]),
        "app": st.just({"app_id": 310633997}),
        "lead": st.just({"lead_id": 7}),
        "limited_data_use": st.booleans(),
        "extra": st.dictionaries(st.text("xyz", min_size=1), st.integers(-9, 9), max_size=2),
    },
)
"""An event as a shop sends it."""

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "code": st.one_of(st.integers(), st.sampled_from([0, 20001, 40001, 40002, 40100, 50000]), json_values),
        "message": st.one_of(TYPED, json_values),
        "request_id": st.one_of(TYPED, json_values),
        "data": json_values,
    },
)
