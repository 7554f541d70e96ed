"""Where events go: sources, ids, keys and money."""

import hashlib
import hmac
import subprocess
import sys
from decimal import Decimal
from uuid import UUID

import pytest
from marker_hook import raises

import tiktok_events as tt

FACTORIES = {
    "web": tt.EventSource.web,
    "app": tt.EventSource.app,
    "offline": tt.EventSource.offline,
    "crm": tt.EventSource.crm,
}
VARIABLES = {
    "web": "TIKTOK_PIXEL_CODE",
    "app": "TIKTOK_APP_ID",
    "offline": "TIKTOK_OFFLINE_EVENT_SET_ID",
    "crm": "TIKTOK_CRM_EVENT_SET_ID",
}


@pytest.mark.parametrize("kind", FACTORIES)
def test_factories_name_the_kind(kind):
    """And take the other settings by keyword."""
    source = FACTORIES[kind](" id-1 ", " token ", test_event_code="TEST1", id_namespace="shop")

    assert source == tt.EventSource(kind, "id-1", "token", "TEST1", "shop")


@pytest.mark.parametrize(
    "arguments",
    [
        ("Web", "id", "token"),
        ("website", "id", "token"),
        ("", "id", "token"),
        (None, "id", "token"),
        ("web", "", "token"),
        ("web", " ", "token"),
        ("web", None, "token"),
        ("web", 7001, "token"),
        ("web", "a b", "token"),
        ("web", "id", ""),
        ("web", "id", None),
        ("web", "id", "tok\nen"),
        ("web", "id", "t\u00f6ken"),
        ("web", "id", "Bearer token"),
        ("web", "id", "token", "TEST 1"),
        ("web", "id", "token", 5),
    ],
)
def test_what_cannot_stand_in_a_request_is_refused(arguments):
    """When the source is made, without repeating the value."""
    with raises(tt.ConfigurationError) as caught:
        tt.EventSource(*arguments)

    assert "tok" not in str(caught.value).replace("access_token", "")


@pytest.mark.parametrize("code", [None, "", "  "])
def test_an_empty_test_code_is_none(code):
    """As an unset variable is."""
    assert tt.EventSource("web", "id", "token", code).test_event_code is None


@pytest.mark.parametrize("kind", VARIABLES)
def test_the_environment_describes_a_source(kind):
    """Each kind has its own variable, and its own token before the common one."""
    env = {VARIABLES[kind]: "id-1", "TIKTOK_ACCESS_TOKEN": "common"}
    assert tt.EventSource.from_env(kind, env) == tt.EventSource(kind, "id-1", "common")

    more = {
        f"TIKTOK_{kind.upper()}_ACCESS_TOKEN": "own",
        "TIKTOK_TEST_EVENT_CODE": "TEST1",
        "TIKTOK_ID_NAMESPACE": "shop",
    }
    assert tt.EventSource.from_env(kind, env | more) == tt.EventSource(kind, "id-1", "own", "TEST1", "shop")


def test_the_real_environment_is_the_default(monkeypatch):
    """And web the default kind."""
    monkeypatch.setenv("TIKTOK_PIXEL_CODE", "id-1")
    monkeypatch.setenv("TIKTOK_ACCESS_TOKEN", "token")

    assert tt.EventSource.from_env() == tt.EventSource.web("id-1", "token")


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({}, "TIKTOK_PIXEL_CODE and TIKTOK_ACCESS_TOKEN"),
        ({"TIKTOK_PIXEL_CODE": "id"}, "set TIKTOK_ACCESS_TOKEN"),
        ({"TIKTOK_ACCESS_TOKEN": "token", "TIKTOK_PIXEL_CODE": ""}, "set TIKTOK_PIXEL_CODE"),
    ],
)
def test_what_is_not_set_is_named(env, named):
    """The message is what to do."""
    with raises(tt.ConfigurationError, match=named):
        tt.EventSource.from_env("web", env)


def test_an_unknown_kind_is_refused():
    """Before any variable is looked up."""
    with raises(tt.ConfigurationError, match="web, app, offline, crm"):
        tt.EventSource.from_env("Web", {})


def test_a_key_makes_the_id_that_was_worked_out_by_hand():
    """SHA-256 of length, name and key; under a namespace an HMAC. 32 hex digits of it."""
    plain = hashlib.sha256(b"8:Purchase:1001").hexdigest()[:32]
    keyed = hmac.new(b"shop", b"8:Purchase:1001", hashlib.sha256).hexdigest()[:32]

    assert tt.event_id("Purchase", "1001") == tt.event_id("Purchase", 1001) == plain
    assert tt.event_id("Purchase", 1001, namespace="shop") == keyed
    assert (
        tt.event_id("Purchase", UUID(int=7))
        == hashlib.sha256(b"8:Purchase:00000000-0000-0000-0000-000000000007").hexdigest()[:32]
    )
    assert tt.event_id("Caf\u00e9", "\u00e9") == hashlib.sha256("4:Caf\u00e9:\u00e9".encode()).hexdigest()[:32]


@pytest.mark.parametrize("namespace", ["s", "n" * 64, "n" * 65, "n" * 200, "caf\u00e9", "\udcff"])
def test_a_namespace_of_any_length_is_the_key_of_an_hmac(namespace):
    """Beyond a block of the hash it is hashed first. The ids of one namespace are no part of the next one's."""
    key = namespace.encode("utf-8", "surrogatepass")
    ids = [tt.event_id("Purchase", number, namespace=namespace) for number in (1, 2, 1)]

    assert ids == [hmac.digest(key, b"8:Purchase:%d" % number, "sha256").hex()[:32] for number in (1, 2, 1)]


def test_name_and_key_cannot_run_into_each_other():
    """The name's length stands before it."""
    assert tt.event_id("a:b", "c") != tt.event_id("a", "b:c")


def test_another_process_makes_the_same_id():
    """Whatever its hash seed is."""
    code = "import tiktok_events as tt; print(tt.event_id('Purchase', 1001, namespace='shop'), tt.Event('Purchase', key='1001').id_for('shop'))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "1", "PYTHONPATH": ":".join(sys.path)},
    ).stdout

    assert told.split() == [tt.event_id("Purchase", 1001, namespace="shop")] * 2


def test_without_a_key_it_is_random():
    """32 hex digits."""
    ids = {tt.event_id() for _ in range(100)} | {tt.event_id("Purchase")}

    assert len(ids) == 101
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("Purchase", None), TypeError),
        (("Purchase", 1.5), TypeError),
        (("Purchase", True), TypeError),
        (("Purchase", b"1"), TypeError),
        (("Purchase", ""), ValueError),
        (("", "1"), ValueError),
        ((None, "1"), ValueError),
    ],
)
def test_a_key_that_is_none_raises(arguments, kind):
    """A random id in its place would count the order twice."""
    with raises(kind):
        tt.event_id(*arguments)


@pytest.mark.parametrize(
    ("amount", "currency", "money"),
    [
        (4600, "eur", "46.00"),
        (4600, "JPY", "4600"),
        (4600, " kwd ", "4.600"),
        (1, "USD", "0.01"),
        (0, "EUR", "0.00"),
        (-150, "EUR", "-1.50"),
        (46000, "CLF", "4.6000"),
        (5, "XYZ", "0.05"),
    ],
)
def test_minor_units_are_exact(amount, currency, money):
    """By ISO 4217, as Decimal."""
    assert tt.from_minor_units(amount, currency) == Decimal(money)


@pytest.mark.parametrize(
    ("amount", "currency", "kind"),
    [
        (46.0, "EUR", TypeError),
        ("46", "EUR", TypeError),
        (True, "EUR", TypeError),
        (46, None, TypeError),
        (46, "EURO", ValueError),
        (46, "\u0395UR", ValueError),
        (46, "", ValueError),
        (46, "E1R", ValueError),
    ],
)
def test_what_is_no_amount_raises(amount, currency, kind):
    """A float of cents is a mistake in code."""
    with raises(kind):
        tt.from_minor_units(amount, currency)
