"""Facts about TikTok that changed or became surer in 2026, each with what the rules say now."""

import pytest

import tiktok_events as tt
from tiktok_events._checks.body import check_raw_item

WEB = tt.EventSource.web("C0EXAMPLE0EXAMPLE000", "token")
ITEM = {"content_id": "sku-1", "price": 10, "quantity": 1}
NOW = 1_795_000_000


def rules_of(name, **properties):
    event = tt.Event(name, event_time=NOW, user={"email": "a@example.com"}, properties=properties)
    return {one.rule for one in tt.check(event, WEB, now=NOW)}


@pytest.mark.parametrize("name", ["PlaceAnOrder", "ClickButton"])
def test_names_that_end_in_2027_say_so(name):
    """TikTok's help centre, May 2025."""
    event = tt.Event(name, event_time=NOW, user={"email": "a@example.com"})
    (problem,) = [one for one in tt.check(event, WEB, now=NOW) if one.rule == "name-sunset"]

    assert "2027" in problem.message


@pytest.mark.parametrize("name", ["CompletePayment", "SubmitForm"])
def test_other_old_names_have_no_end(name):
    """They are converted, and no end is named."""
    assert "name-deprecated" in rules_of(name)
    assert "name-sunset" not in rules_of(name)


@pytest.mark.parametrize("name", ["InitiateCheckout", "StartTrial"])
def test_contents_and_value_are_recommended(name):
    """For the checkout and the trial as for a purchase."""
    assert {"contents-missing", "value-missing"} <= rules_of(name, description="x")
    assert not {"contents-missing", "value-missing"} & rules_of(name, value=10, currency="EUR", contents=[ITEM])


@pytest.mark.parametrize("name", ["ViewContent", "AddToCart"])
def test_several_contents_need_a_value(name):
    """One item has its price; of several, TikTok's diagnostics want the total."""
    assert "value-missing" in rules_of(name, contents=[ITEM, ITEM])
    assert "value-missing" not in rules_of(name, contents=[ITEM])
    assert "value-missing" not in rules_of(name, contents=[ITEM, ITEM], value=20, currency="EUR")


def test_content_ids_of_blanks_are_missing_ones():
    """TikTok's diagnostic: at least one character other than whitespace."""
    assert "content-id-missing" in rules_of(
        "Purchase", value=1, currency="EUR", contents=[{**ITEM, "content_id": "  "}]
    )
    assert "contents-missing" in rules_of("Purchase", value=1, currency="EUR", content_ids=[" ", "\t"])
    assert "contents-missing" not in rules_of("Purchase", value=1, currency="EUR", content_ids=[" ", "sku-1"])


def test_a_refused_postal_code_leaves_no_null():
    """Also where the country is the United States, whose codes are cut to five digits."""
    user = tt.User(country="us", zip_code="--")

    assert user.zip_code is None
    assert b"null" not in tt.encode(WEB, [tt.Event("Lead", user=user)])


def test_the_missing_id_is_the_other_channel_s():
    """The message holds for both channels."""
    body = {"event": "Purchase", "event_time": NOW, "user": {}}
    (problem,) = [one for one in check_raw_item(body, "web", now=NOW) if one.rule == "event-id-missing"]

    assert "the other channel" in problem.message


PERSON = {
    "first_name": "Anna",
    "last_name": "Lee",
    "zip_code": "10115",
    "city": "Berlin",
    "state": "BE",
    "country": "DE",
}


@pytest.mark.parametrize(
    ("source", "extra"),
    [
        (tt.EventSource.offline("7002", "token"), {}),
        (tt.EventSource.crm("7003", "token"), {"lead": {"lead_id": "7001"}}),
        (tt.EventSource.app("7001", "token"), {"app": {"app_id": "310633997"}, "event_id": None}),
    ],
    ids=["offline", "crm", "app"],
)
def test_a_good_sale_elsewhere_has_no_warning(source, extra):
    """Names, address and external_id are matched wherever the sale was made (X)."""
    extra = {name: value for name, value in extra.items() if value is not None}
    user = {"email": "a@example.com", "phone": "+4930901820", "external_id": "7", **PERSON}
    properties = {"value": 10, "currency": "EUR", "content_type": "product", "contents": [ITEM]}
    event = tt.Event("Purchase", event_time=NOW, user=user, properties=properties, **extra)

    assert {one.rule for one in tt.check(event, source, now=NOW)} <= {"event-id-app", "no-identifier"}


@pytest.mark.parametrize(
    "field",
    [
        *({name: "x"} for name in ("attribution_type", "attribution_model", "touchpoint_type", "decline_reason")),
        *({name: "x"} for name in ("utm_id", "utm_source", "utm_medium", "utm_campaign")),
        {"touchpoint_ts": NOW},
        {"touchpoint_url": "https://shop.example/"},
    ],
    ids=str,
)
def test_ad_fields_for_apps_are_named_on_web(field):
    """The Parameters page gives them to app events alone (O2)."""
    event = tt.Event("Purchase", event_time=NOW, user={"email": "a@example.com"}, ad=field)
    app = tt.EventSource.app("7001", "token")

    assert "field-source" in {one.rule for one in tt.check(event, WEB, now=NOW)}
    assert "field-source" not in {one.rule for one in tt.check(event, app, now=NOW)}


@pytest.mark.parametrize("field", ["campaign_id", "ad_id", "creative_id", "attribution_provider", "attribution_method"])
def test_other_ad_fields_are_for_web_too(field):
    """So are the share, the value and the two windows."""
    event = tt.Event("Purchase", event_time=NOW, user={"email": "a@example.com"}, ad={field: "1"})

    assert "field-source" not in {one.rule for one in tt.check(event, WEB, now=NOW)}
