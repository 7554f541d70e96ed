"""The pixel script substitute: identifiers."""

from __future__ import annotations

from typing import Any

import pytest
from pages import LOAD, OTHER, TWO, Tab, users

from tiktok_events._events.normalize.identifiers import hash_email, hash_name, hash_phone, hash_zip_code

EMAIL, PHONE = " ZZPII.Ada+1@Gmail.COM ", "+1 (555) 010-0199"
DIGEST = "0123456789ABCDEF" * 4


def test_identify_hashes_as_python_does(tab: Tab) -> None:
    """Plain identifiers are sent as the server's digests, with the next event and all later ones."""
    plain = {"email": EMAIL, "phone_number": PHONE, "external_id": "zzpii-user-1"}
    tab.open(f"{LOAD} ttq.page();")
    tab.wait_for_bodies(1)
    tab.page.evaluate("(user) => { ttq.identify(user); ttq.track('Lead'); ttq.track('Search'); }", plain)

    first, *later = users(tab.wait_for_bodies(3))

    assert first == {}
    expected = {"email": hash_email(EMAIL), "phone_number": hash_phone(PHONE), "external_id": "zzpii-user-1"}
    assert later == [expected, expected]


def test_identify_before_the_script(tab: Tab, manager: Any) -> None:
    """identify works from the queue, and the manager finds no problem."""
    tab.open(
        f"""{LOAD} ttq.identify({{email: "zzpii.ada@example.com", phone_number: "+15550100199"}});
        ttq.track("Lead", {{}}, {{event_id: "a"}});"""
    )
    tab.wait_for_bodies(1)

    (event,) = manager.events()

    assert event["identifiers"] == ["email", "phone", "ttp", "ip", "user_agent"]
    assert [one["rule"] for one in event["problems"]] == []


def test_hashes_of_every_length(tab: Tab) -> None:
    """The SHA-256 of the script equals Python's for any length and alphabet."""
    emails = [f"zzpii{'x' * count}@example.com" for count in range(130)] + [
        "zzpii.żółw@example.com",
        "zzpii😀@b.example",
    ]
    tab.open(LOAD)
    tab.page.evaluate(
        """(emails) => { ttq.holdConsent(); for (const email of emails) { ttq.identify({email}); ttq.track("Lead"); }
        ttq.grantConsent(); }""",
        emails,
    )

    assert [user["email"] for user in users(tab.wait_for_bodies(len(emails)))] == [
        hash_email(email) for email in emails
    ]


def test_digests_are_not_hashed_again(tab: Tab) -> None:
    """Digests under their own names are sent unchanged; under plain names, too, unless a switch says otherwise."""
    tab.open(LOAD)
    digests = {"sha256_email": DIGEST.lower(), "sha256_phone_number": DIGEST.lower(), "phone_number": DIGEST}
    tab.page.evaluate("(user) => { ttq.identify(user); ttq.page(); }", digests)

    assert users(tab.wait_for_bodies(1)) == [digests | {"phone_number": DIGEST.lower()}]


@pytest.mark.parametrize(
    ("identified", "switches", "sent"),
    [
        ({"email": EMAIL}, {"folds_gmail": True}, {"email": hash_email("zzpiiada@gmail.com")}),
        ({"email": "Zzpii.Ada@Example.com"}, {"folds_gmail": True}, {"email": hash_email("zzpii.ada@example.com")}),
        ({"email": EMAIL, "phone_number": PHONE}, {"hashes_plain": False}, {}),
        ({"email": DIGEST}, {"hashes_plain": False}, {"email": DIGEST.lower()}),
        ({"email": DIGEST}, {"detects_digests": False}, {}),
        ({"email": "zzpii", "phone_number": "555 zzpii", "external_id": ""}, {}, {}),
        ({"phone_number": "555 010-0199"}, {}, {}),
        ({"phone_number": "0555 010-0199"}, {"calling_code": 49}, {"phone_number": hash_phone("+495550100199")}),
        ({"email": None, "phone": PHONE, "external_id": 17}, {}, {"external_id": "17"}),
        ({"first_name": "Zzpiiada", "zip_code": "ZZPII1"}, {"wide_identify": False}, {}),
        (
            {"first_name": "Zzpiiada", "zip_code": "ZZPII1", "city": "Zzpiitown", "locale": "en-GB"},
            {},
            {
                "first_name": hash_name("Zzpiiada"),
                "zip_code": hash_zip_code("ZZPII1"),
                "city": "zzpiitown",
                "locale": "en-GB",
            },
        ),
    ],
)
def test_identifiers(tab: Tab, identified: dict[str, Any], switches: dict[str, Any], sent: dict[str, Any]) -> None:
    """What is sent for each identifier and switch."""
    tab.open(LOAD, **switches)
    tab.page.evaluate("(user) => { ttq.identify(user); ttq.page(); }", identified)

    assert users(tab.wait_for_bodies(1)) == [sent]


def test_identify_with_an_external_id(tab: Tab) -> None:
    """An external id may be the first or only argument; later calls add to earlier ones."""
    tab.open(LOAD)
    tab.evaluate(
        "() => { ttq.identify('zzpii-1'); ttq.page(); ttq.identify('zzpii-2', {email: 'zzpii.ada@example.com'}); }"
    )
    tab.evaluate("() => { ttq.identify(null); ttq.identify(); ttq.page(); }")

    assert users(tab.wait_for_bodies(2)) == [
        {"external_id": "zzpii-1"},
        {"external_id": "zzpii-2", "email": hash_email("zzpii.ada@example.com")},
    ]


def test_identify_one_pixel(tab: Tab) -> None:
    """Identifiers of an instance are only sent to its pixel."""
    tab.open(f"{TWO} ttq.instance('{OTHER}').identify({{external_id: 'zzpii-1'}});")
    tab.evaluate("ttq.page()")

    assert users(tab.wait_for_bodies(2)) == [{}, {"external_id": "zzpii-1"}]
