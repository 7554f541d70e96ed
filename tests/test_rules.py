"""The rule table, and the rules that no single bad field shows: names, times, advice."""

import re
from pathlib import Path

import bad_inputs
import markers
import pytest

import tiktok_events as tt
from tiktok_events._spec.rules import RULES

NOW = 1_790_000_000
SOURCES = {kind: tt.EventSource(kind, bad_inputs.SOURCE_IDS[kind], "token") for kind in bad_inputs.KINDS}
PACKAGE = Path(tt.__file__).parent
TABLE = PACKAGE / "_spec" / "rules.py"
CONFIDENCE = {"O", "O2", "A", "1", "X", "U", "-"}


def rules(kind, **fields):
    """The rules that an event breaks."""
    event = tt.Event.from_mapping({"event": "Contact", "event_time": NOW, **fields})
    return [problem.rule for problem in tt.check(event, SOURCES[kind], now=NOW)]


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_is_whole(rule):
    """A message, a fix, a source, and error only where the fact is known."""
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.id)
    assert rule.message
    assert rule.fix.endswith((".", "]'")) or "pip install" in rule.fix
    assert rule.source
    assert rule.confidence in CONFIDENCE
    assert rule.effect in ("event", "field", "nothing")
    assert (rule.severity == "error") <= (rule.effect != "nothing")
    if rule.severity == "error" and rule.id != "hash-of-nothing":
        assert rule.confidence in ("O", "O2", "-")


def test_every_rule_is_used():
    """Each id stands somewhere in the code beside the table."""
    code = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py") if path != TABLE)

    assert [rule for rule in RULES if f'"{rule}"' not in code] == []


def test_the_table_has_no_two_rules_of_one_name():
    """Each line of the table is a rule of its own."""
    text = TABLE.read_text()

    assert len(re.findall(r"^\s*Rule\(", text, re.MULTILINE)) == len(RULES)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("web", "Purchase", None),
        ("web", "Pageview", None),
        ("web", "PageView", None),
        ("web", "My_Event-2", None),
        ("web", "CompletePayment", "name-deprecated"),
        ("web", "SubmitForm", "name-deprecated"),
        ("web", "ClickButton", "name-sunset"),
        ("web", "Browse", "name-reserved"),
        ("web", "Checkout", "name-reserved"),
        ("web", "purchase", "name-case"),
        ("web", "ADDTOCART", "name-case"),
        ("web", "2fast", "name-custom"),
        ("web", "x" * 51, "name-custom"),
        ("web", "Zzpii Sale", "name-custom"),
        ("web", "\u00c9v\u00e9nement", "name-custom"),
        ("app", "LaunchAPP", None),
        ("app", "Checkout", None),
        ("app", "LaunchApp", "name-case"),
        ("app", "InAppAdImpr", "name-case"),
        ("offline", "Purchase", None),
        ("offline", "CompletePayment", "name-deprecated"),
        ("offline", "Mine", "name-offline"),
        ("crm", "Mine", None),
        ("crm", "Lead", None),
    ],
)
def test_names(kind, name, expected):
    """Standard, old, reserved, custom: only an offline custom name is an error."""
    found = [one for one in rules(kind, event=name) if one.startswith("name-")]

    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("kind", "age", "expected"),
    [
        ("web", 0, None),
        ("web", 47 * 3600, None),
        ("web", 49 * 3600, "event-time-late"),
        ("web", -299, None),
        ("web", -301, "event-time-future"),
        ("app", 400 * 86400, None),
        ("crm", 400 * 86400, None),
        ("offline", 28 * 86400, None),
        ("offline", 28 * 86400 + 1, "event-time-offline"),
        ("offline", -301, "event-time-future"),
    ],
)
def test_the_age_of_an_event(kind, age, expected):
    """Warnings: no limit is documented that the API enforces."""
    found = [one for one in rules(kind, event_time=NOW - age) if one.startswith("event-time")]

    assert found == ([expected] if expected else [])


ADVICE = [
    ("web", {}, {"no-identifier", "page-url-missing"}),
    ("web", {"user": {"ip": markers.IP, "user_agent": markers.USER_AGENT}}, {"page-url-missing"}),
    ("web", {"user": {"ip": markers.IP}}, {"no-identifier", "page-url-missing"}),
    ("offline", {}, {"offline-identifier"}),
    ("crm", {"user": {"email": markers.EMAIL}}, {"lead-id-advised"}),
    ("crm", {}, {"lead-id-missing"}),
    ("app", {"app": {"app_id": 1}, "user": {"idfv": "zzpii"}, "event_id": "1"}, {"event-id-app"}),
    ("web", {"limited_data_use": True, "page": {"url": "https://shop.example"}}, {"no-identifier", "ldu-without-ip"}),
    ("offline", {"limited_data_use": True, "user": {"email": markers.EMAIL}}, {"field-source", "ldu-without-ip"}),
    ("crm", {"user": {"email": markers.EMAIL, "ttclid": "x"}, "lead": {"lead_id": 1}}, {"field-source"}),
    ("offline", {"page": {"url": "https://shop.example"}, "user": {"email": markers.EMAIL}}, {"field-source"}),
    ("web", {"ad": {"callback": "x", "campaign_id": "1"}}, {"field-source", "no-identifier", "page-url-missing"}),
]


@pytest.mark.parametrize(("kind", "fields", "expected"), ADVICE)
def test_advice_by_source(kind, fields, expected):
    """What is missing for matching, and what does not belong there."""
    found = set(rules(kind, **fields))
    if kind == "app":
        found.discard("name-custom")

    assert found - {"event-id-app"} == expected - {"event-id-app"}
    assert ("event-id-app" in found) == (kind == "app")


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        *(
            ({"ip": ip}, "ip-not-public")
            for ip in (
                "10.0.0.1",
                "127.0.0.1",
                "192.168.1.1",
                "172.16.0.1",
                "172.31.0.1",
                "100.64.0.1",
                "169.254.1.1",
                "203.0.113.5",
                "198.51.100.7",
                "192.0.2.1",
                "0.0.0.0",
                "224.0.0.1",
                "255.255.255.255",
                "::1",
                "fe80::1",
                "fc00::1",
                "2001:db8::1",
            )
        ),
        *(
            ({"ip": ip}, None)
            for ip in (markers.IP, "172.32.0.1", "172.15.0.1", "100.128.0.1", "192.169.0.1", "2620:fe::fe", "1.1.1.1")
        ),
        *(
            ({"user_agent": agent}, "user-agent-not-browser")
            for agent in (
                "python-requests/2.31",
                "curl/8",
                "Stripe/1.0",
                "node-fetch",
                "PostmanRuntime/7",
                "Go-http-client/1.1",
            )
        ),
        *(
            ({"user_agent": agent}, None)
            for agent in (markers.USER_AGENT, "TikTok 26.2.0 rv:262018 (iPhone)", "Gotham Browser")
        ),
        *(
            ({"ttclid": "x" * length}, rule)
            for length, rule in (
                (254, None),
                (255, "ttclid-truncated"),
                (256, "ttclid-truncated"),
                (257, None),
                (1000, None),
                (1001, "ttclid-long"),
            )
        ),
        ({"ttclid": "E.C.P.x.1790000000000"}, "ttclid-cookie"),
        ({"ttclid": "E.C.P.x.17900000000000"}, None),
    ],
)
def test_what_a_visitor_cannot_be_matched_by(user, expected):
    """StoredIdentifiers as it is, with a warning."""
    about = ("ip-", "user-agent-", "ttclid-")
    found = [one for one in rules("web", user=user) if one.startswith(about)]

    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("name", "properties", "expected"),
    [
        ("Purchase", {}, {"value-missing", "contents-missing"}),
        ("Purchase", {"value": 1}, {"currency-missing", "contents-missing"}),
        ("Purchase", {"value": "zzpii", "content_ids": ["1"]}, {"value-malformed"}),
        ("Purchase", {"value": -1, "currency": "EUR", "content_ids": ["1"]}, {"value-negative"}),
        ("Purchase", {"value": 1, "currency": "BGN", "content_ids": ["1"]}, {"currency-unsupported"}),
        ("Purchase", {"value": 1, "currency": "EURO", "content_ids": ["1"]}, {"currency-malformed"}),
        ("AddToCart", {}, {"contents-missing"}),
        ("ViewContent", {"contents": [{"price": 1}]}, {"content-id-missing"}),
        ("ViewContent", {"contents": [{"content_id": 1, "content_type": "product"}]}, {"content-type-place"}),
        ("ViewContent", {"content_ids": [1], "content_type": "sku"}, {"content-type"}),
        ("Search", {}, {"search-missing"}),
        ("Search", {"query": "shoe"}, set()),
        ("Contact", {"customer_type": "old"}, {"customer-type"}),
    ],
)
def test_advice_by_name(name, properties, expected):
    """What reports and catalogue ads need."""
    fields = {"user": {"email": markers.EMAIL}, "page": {"url": "https://shop.example"}, "properties": properties}

    assert set(rules("web", event=name, **fields)) == expected


def test_now_is_the_default(monkeypatch):
    """For whoever checks by hand."""
    assert tt.check(tt.Event("Contact", event_time=1), SOURCES["web"])[0].rule == "event-time-late"
