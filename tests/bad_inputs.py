"""Every way an event can be wrong: plain data, for the clients, the command line and the Events Manager alike.

`CASES` are events of one source each, as the keyword arguments of `Event` (or a line of a file). Most are JSON;
`json` says so. `rule` is the rule id that must be named, at `field`; with `raises` the constructor refuses instead.
`effect` says what a sender that never raises does: drop the "event", or leave out the "field".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import markers

TIME = 1_789_990_000
GOOD: dict[str, dict[str, Any]] = {
    "web": {"event": "Contact", "user": {"email": markers.EMAIL}, "page": {"url": "https://shop.example/"}},
    "app": {"event": "Login", "user": {"email": markers.EMAIL}, "app": {"app_id": "310633997"}},
    "offline": {"event": "Contact", "user": {"email": markers.EMAIL}},
    "crm": {"event": "Contact", "user": {"email": markers.EMAIL}, "lead": {"lead_id": "7001"}},
}
SOURCE_IDS = {"web": "C0EXAMPLE0EXAMPLE000", "app": "7001", "offline": "7002", "crm": "7003"}
MD5, SHA_1, OF_NOTHING = "a1" * 16, "a1" * 20, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
KINDS = ("web", "app", "offline", "crm")


@dataclass(frozen=True)
class MoneyExample:
    """A money object, as shop software has them."""

    amount: str
    currency: str


@dataclass(frozen=True)
class Case:
    """One bad event: what it is made of, and what must come of it."""

    id: str
    source: str
    fields: dict[str, Any]
    rule: str = ""
    field: str = ""
    effect: str = "event"
    raises: type[Exception] | None = None

    @property
    def json(self) -> bool:
        """Whether a line of JSON can say it."""
        try:
            return bool(json.loads(json.dumps(self.fields, allow_nan=False)) == self.fields)
        except (TypeError, ValueError):
            return False


def good(source: str, **fields: Any) -> dict[str, Any]:
    """An event of *source* with nothing wrong, and *fields* over it, objects merged."""
    made = {"event_time": TIME, **GOOD[source]}
    for name, value in fields.items():
        both = isinstance(value, dict) and isinstance(made.get(name), dict)
        made[name] = {**made[name], **value} if both else value
    return made


def _spread(rule: str, where: str, values: list[Any], *, kinds: Any = KINDS, effect: str = "field") -> list[Case]:
    """One case a value of `object.field`, the sources in turn."""
    name, _, field = where.partition(".")
    cases = []
    for number, value in enumerate(values):
        source = kinds[number % len(kinds)]
        fields = good(source, **{name: {field: value} if field else value})
        cases.append(Case(f"{rule} {where} {number}", source, fields, rule, where, effect))
    return cases


def _emails_and_phones() -> list[Case]:
    emails = [
        "zzpii",
        "zzpii@",
        "@zzpii.example",
        "zzpii@zzpii",
        "zz pii@example.com",
        "zzpii@exam ple.com",
        "<zzpii@example>",
    ]
    emails += ["zzpii@example..com", "zzpii@.example.com", "zzpii@example.com. zzpii", "zzpii@a@example.com"]
    emails += ["mailto zzpii", "zzpii.example.com", "zzpii@-\u00fc-.example", "zzpii@example.com\u0000", "5550100199"]
    malformed = [
        "+0155501001",
        "+1555",
        "+1555010019912345",
        "+1 555 010 0199 ext zzpii",
        "+1-555-ZZPII",
        "zzpii",
        "+",
        "++15550100199",
    ]
    malformed += ["+1 555 010 0199 / +1 555 010 0177", "no phone", "+4\u0661\u0662 zzpii", "tel:zzpii"]
    local = ["0155 50100199", "(555) 010-0199", "5550100199", "00 1 555 010 0199", "\uff10155 50100199", 5550100199]
    return [
        *_spread("email-malformed", "user.email", emails),
        *_spread("email-several", "user.email", ["zzpii@example.com,zzpii@example.org", "zzpii@example.com zzpii@example.org"]),
        *_spread("phone-malformed", "user.phone", malformed),
        *_spread("phone-country-code", "user.phone", local),
        *_spread("too-long", "user.email", ["z" * 310 + "@example.com"]),
        *_spread("too-long", "user.phone", ["+1 202 555 01" + "0" * 60]),
        *_spread("other-hash", "user.email", [MD5, SHA_1, MD5.upper(), SHA_1.upper()]),
        *_spread("other-hash", "user.phone", [MD5, SHA_1, MD5.upper(), SHA_1.upper()]),
        *_spread("hash-of-nothing", "user.email", [OF_NOTHING, OF_NOTHING.upper(), f" {OF_NOTHING} "]),
        *_spread("hash-of-nothing", "user.phone", [OF_NOTHING] * 4),
        *(Case(f"region {region}", "web", good("web", user={"phone": "0155 50100199", "phone_region": region}), "phone-region-unknown", "user.phone", "field") for region in ("XX", "Germany")),
        Case("second e-mail address", "web", good("web", user={"email": [markers.EMAIL, "zzpii"]}), "email-malformed", "user.email[1]", "field"),
        Case("second phone", "crm", good("crm", user={"phone": [markers.PHONE, "0155 50100199"]}), "phone-country-code", "user.phone[1]", "field"),
    ]  # fmt: skip


def _visitors() -> list[Case]:
    web, app = ("web",), ("app",)
    addresses = [
        "zzpii",
        "9.9.9",
        "9.9.9.9.9",
        "256.9.9.9",
        "09.9.9.9",
        "9.9.9.9:zzpii",
        "9.9.9.9, 9.9.9.9",
        "[2620:fe::fe",
        "fe80::1%zzpii",
    ]
    countries = ["xx", "zzz", "Germany", "u", "u1", "\u00fcs", "49", "zzpii"]
    surrogate = "zzpii\ud800"
    text_fields = ("ttclid", "ttp", "user_agent", "locale", "first_name", "last_name", "city", "zip_code")
    return [
        *(case for field in ("first_name", "last_name") for case in _spread("other-hash", f"user.{field}", [MD5, SHA_1], kinds=web)),
        *(case for field in ("external_id", "first_name", "last_name", "zip_code") for case in _spread("hash-of-nothing", f"user.{field}", [OF_NOTHING], kinds=web)),
        *(case for field in ("idfa", "gaid") for case in _spread("hash-of-nothing", f"user.{field}", [OF_NOTHING], kinds=app)),
        *(case for field in ("city", "state", "country") for case in _spread("address-hashed", f"user.{field}", ["a1" * 32, MD5, SHA_1], kinds=web)),
        *_spread("country-malformed", "user.country", countries, kinds=web),
        *_spread("ip-malformed", "user.ip", addresses, kinds=("web", "app")),
        *_spread("att-status", "user.att_status", ["YES", "0", "AUTHORISED"], kinds=app),
        *(case for field in text_fields for case in _spread("not-unicode", f"user.{field}", [surrogate], kinds=web)),
        *_spread("not-unicode", "user.email", ["zzpii\ud800@example.com"]),
        *_spread("not-unicode", "user.idfv", [surrogate], kinds=app),
        *_spread("not-unicode", "user.external_id", [surrogate], kinds=("crm",)),
        *_spread("legacy-field", "user.extra", [{"phone_number": 1}, {"emails": []}, {"sha256_email": "x"}, {"callback": "x"}, {"lead_id": "x"}], effect="event"),
    ]  # fmt: skip


def _money() -> list[Case]:
    values = [
        "1,234.50",
        "46,00",
        "\u20ac46",
        "46 EUR",
        "$46.00",
        "zzpii",
        "(null)",
        "1e5",
        "1.234.567",
        "--46",
        ".",
        "+",
        "1_000",
        "0x2E",
    ]
    values += [
        "\u0664\u0666",
        "NaN",
        "inf",
        float("nan"),
        float("inf"),
        float("-inf"),
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
    ]
    values += [2**53, -(2**53), 10**400, 1e300, "9" * 21]
    currencies = ["EURO", "\u20ac", "E", "EU1", "E R", "zzpii", "\u0395\u03a5\u03a1", "978"]
    prices, wholes = (
        ["46,00", "zzpii", float("nan"), 1e300],
        ["1.5", "two", 1.5, float("nan"), float("inf"), Decimal("1.5"), 2**53, "1 2"],
    )
    return [
        *_spread("value-malformed", "properties.value", values, effect="event"),
        *_spread("currency-malformed", "properties.currency", currencies),
        *_spread("integer-malformed", "properties.num_items", wholes),
        *_spread("integer-malformed", "properties.num_adults", ["two", 1.5]),
        *_spread("number-malformed", "properties.predicted_ltv", prices),
        *_spread("number-malformed", "properties.user_score", ["high"]),
        *(
            Case(f"price {number}", KINDS[number % 4], good(KINDS[number % 4], properties={"contents": [{"content_id": "1"}, {"content_id": "2", "price": price}]}), "number-malformed", "properties.contents[1].price", "field")
            for number, price in enumerate(prices)
        ),
        *(
            Case(f"quantity {number}", KINDS[number % 4], good(KINDS[number % 4], properties={"contents": [{"content_id": "1", "quantity": whole}]}), "integer-malformed", "properties.contents[0].quantity", "field")
            for number, whole in enumerate(wholes)
        ),
        *_spread("integer-negative", "properties.num_items", [-1, -1.0, "-3", Decimal(-2)]),
        *_spread("integer-negative", "properties.num_children", [-1]),
        Case("quantity is negative", "web", good("web", properties={"contents": [{"content_id": "1", "quantity": -1}]}), "integer-negative", "properties.contents[0].quantity", "field"),
        Case("value and currency contradict", "web", good("web", properties={"value": MoneyExample("9.90", "EUR"), "currency": "USD"}), "currency-contradiction", "properties.currency", "field"),
        Case("value and price contradict", "offline", good("offline", properties={"value": 9.9, "currency": "USD", "contents": [{"content_id": "1", "price": MoneyExample("9.90", "EUR")}]}), "currency-contradiction", "properties.contents[0].price", "field"),
        *_spread("share-range", "ad.attribution_share", [1.5, -0.1, "2", 100], kinds=("web", "app")),
        *_spread("number-malformed", "ad.attribution_share", ["half", float("nan")], kinds=("web", "app")),
        *_spread("not-unicode", "properties.search_string", ["zzpii\ud800"]),
        *_spread("not-unicode", "properties.order_id", ["zzpii\udfff"], kinds=("offline",)),
        *_spread("not-unicode", "properties.description", ["zzpii\udfff"], kinds=("crm",)),
        Case("content id not Unicode", "web", good("web", properties={"contents": [{"content_id": "zzpii\ud800", "price": 1}]}), "not-unicode", "properties.contents[0].content_id", "field"),
    ]  # fmt: skip


def _events() -> list[Case]:
    urls = [
        "shop.example/thanks",
        "/thanks?q=zzpii",
        "//shop.example/",
        "https://",
        "https:///thanks",
        "javascript:zzpii",
        "about:blank",
        "ftp://shop.example/",
        "https://shop.example/a b",
        "zzpii",
    ]
    too_late = [TIME * 10**12, 10**24, 10**30]  # not even nanoseconds
    early = [0, -1, -TIME, 0.5]
    return [
        *(Case(f"no name {source}", source, good(source, event=""), "event-missing", "event") for source in KINDS),
        *(Case(f"name not Unicode {source}", source, good(source, event="Zzpii\ud800"), "event-missing", "event") for source in ("web", "app")),
        *(Case(f"name left out {source}", source, {k: v for k, v in good(source).items() if k != "event"}, "event-missing", "event") for source in KINDS),
        *_spread("name-offline", "event", ["Zzpii", "purchase", "Pageview", "Zzpii Sale", "Login"], kinds=("offline",), effect="event"),
        *(Case(f"no time {source}", source, {k: v for k, v in good(source).items() if k != "event_time"}, "event-time-missing", "event_time") for source in ("offline", "crm")),
        *(Case(f"time None {source}", source, good(source, event_time=None), "event-time-missing", "event_time") for source in ("offline", "crm")),
        *_spread("event-time-unit", "event_time", too_late + too_late, effect="event"),
        *_spread("event-time-range", "event_time", early, effect="event"),
        *_spread("page-url-malformed", "page.url", urls, kinds=("web",)),
        *_spread("not-unicode", "page.url", ["https://shop.example/zzpii\ud800"], kinds=("web",)),
        *_spread("ad-source", "ad", [{"campaign_id": "1"}, {"callback": "zzpii"}], kinds=("offline", "crm"), effect="event"),
        *_spread("legacy-field", "extra", [{"context": {}}, {"timestamp": "now"}, {"pixel_code": "C0"}, {"type": "track"}, {"test_event_code": "T1"}], effect="event"),
        Case("no app", "app", {k: v for k, v in good("app").items() if k != "app"}, "app-id-missing", "app.app_id"),
        Case("empty app id", "app", good("app", app={"app_id": ""}), "app-id-missing", "app.app_id"),
        Case("app without id", "app", good("app", app={"app_id": None, "app_name": "Zzpii"}), "app-id-missing", "app.app_id"),
        Case("app id not Unicode", "app", good("app", app={"app_id": "\ud800"}), "app-id-missing", "app.app_id"),
        Case("no lead, nobody", "crm", {"event": "Contact", "event_time": TIME}, "lead-id-missing", "lead.lead_id"),
        Case("empty lead id, nobody", "crm", {"event": "Contact", "event_time": TIME, "lead": {"lead_id": ""}}, "lead-id-missing", "lead.lead_id"),
        Case("no lead, external id only", "crm", {"event": "Contact", "event_time": TIME, "user": {"external_id": markers.EXTERNAL_ID}}, "lead-id-missing", "lead.lead_id"),
        Case("no lead, bad e-mail only", "crm", {"event": "Contact", "event_time": TIME, "user": {"email": "zzpii"}}, "lead-id-missing", "lead.lead_id"),
    ]  # fmt: skip


def _mistakes() -> list[Case]:
    deep: Any = "zzpii"
    for _ in range(25):
        deep = [deep]
    wrong_types: dict[str, Any] = {
        "misspelt user field": {"user": {"emial": markers.EMAIL}},
        "pixel's phone_number": {"user": {"phone_number": markers.PHONE}},
        "misspelt property": {"properties": {"contents_ids": ["1"]}},
        "misspelt content field": {"properties": {"contents": [{"content_idd": "1"}]}},
        "misspelt page field": {"page": {"link": "https://shop.example/"}},
        "misspelt event field": {"limited_data": True},
        "1.0 context": {"context": {}},
        "user is a string": {"user": markers.EMAIL},
        "properties is a list": {"properties": [1]},
        "page is a string": {"page": "https://shop.example/"},
        "email is an object": {"user": {"email": {"zzpii": 1}}},
        "email is a list of lists": {"user": {"email": [["zzpii@example.com"]]}},
        "email is bytes": {"user": {"email": b"zzpii@example.com"}},
        "phone is a float": {"user": {"phone": 1555.5}},
        "external_id is a bool": {"user": {"external_id": True}},
        "ip is a number": {"user": {"ip": 151587081}},
        "value is a bool": {"properties": {"value": True}},
        "value is a list": {"properties": {"value": [46]}},
        "currency is a number": {"properties": {"currency": 978}},
        "contents is an object": {"properties": {"contents": {"content_id": "1"}}},
        "a content is a string": {"properties": {"contents": ["1"]}},
        "content_ids is an object": {"properties": {"content_ids": {"1": 1}}},
        "limited_data_use is text": {"limited_data_use": "yes"},
        "limited_data_use is a number": {"limited_data_use": 1},
        "event is a number": {"event": 5},
        "event is None": {"event": None},
        "event_time is a bool": {"event_time": True},
        "key is None": {"key": None},
        "key is a float": {"key": 1.5},
        "event_id is None": {"event_id": None},
        "event_id is a list": {"event_id": ["1"]},
        "extra is a list": {"extra": [1]},
        "extra holds an object of Python's": {"extra": {"x": object}},
        "phone_region in properties": {"properties": {"phone_region": "DE"}},
        "lead_id is a bool": {"lead": {"lead_id": True}},
    }
    wrong_values: dict[str, Any] = {
        "key and event_id": {"key": "1", "event_id": "1"},
        "key is empty": {"key": ""},
        "event_id is empty": {"event_id": ""},
        "event_id not Unicode": {"event_id": "\ud800"},
        "event_time is a date": {"event_time": "2026-09-01"},
        "event_time is text": {"event_time": "yesterday"},
        "event_time is naive text": {"event_time": "2026-09-01T10:00:00"},
        "event_time is naive text of e-mail": {"event_time": "Tue, 01 Sep 2026 10:00:00"},
        "event_time is a short number": {"event_time": "20260901"},
        "event_time is naive": {"event_time": datetime(2026, 9, 1)},
        "event_time is not a number": {"event_time": float("nan")},
        "event_time is infinite": {"event_time": float("inf")},
        "extra with a documented field": {"user": {"extra": {"email": "x"}}},
        "extra of the event with a documented field": {"extra": {"event": "x"}},
        "extra too deep": {"extra": {"x": deep}},
        "extra key not Unicode": {"extra": {"\ud800": 1}},
    }
    return [
        Case(what, KINDS[number % 4], {**good(KINDS[number % 4]), **fields}, raises=kind)
        for kind, table in ((TypeError, wrong_types), (ValueError, wrong_values))
        for number, (what, fields) in enumerate(table.items())
    ]


CASES: list[Case] = [*_emails_and_phones(), *_visitors(), *_money(), *_events(), *_mistakes()]
