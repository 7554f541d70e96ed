"""The contract with invalid input and failures: they lose a field or an event, but no page."""

import pytest
from contract_apps import SHOPS
from marker_hook import raises
from markers import PHONE
from visitor import calls

import tiktok_events as tt


@pytest.mark.parametrize(
    "form",
    [
        {"email": "nonsense zzpii", "phone": "zzpii call me"},
        {"email": "@", "phone": "000"},
        {"email": "\x00\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "phone": "+"},
        {"email": "zzpii@" + "a" * 5000, "phone": "5" * 5000},
        {"email": "<script>zzpii</script>", "phone": "'; drop table"},
    ],
    ids=["words", "signs", "emoji", "long", "hostile"],
)
def test_invalid_form_input_loses_its_field_only(browser, sink, form):
    """The status is the same, and the purchase arrives without the invalid identifiers."""
    response = browser.post("/buy", {"order": "1001", **form})

    assert response.status_code == 303
    (event,) = sink.wire()
    assert not {"email", "phone"} & set(event["user"])
    assert event["properties"]["value"] == 23.0


@pytest.mark.parametrize("text", ["-NaN", "sNaN", "zzpii", "</script>", "\x00", "1e400", "12,50 EUR", "z" * 5_000])
def test_invalid_money_loses_its_field_only(browser, sink, text):
    """An invalid price, quantity or currency is left out; the rest of the purchase arrives."""
    response = browser.post("/buy", {"price": text, "quantity": text, "currency": text, "country": text})

    (event,) = sink.wire()
    assert response.status_code == 303
    assert event["properties"]["contents"] == [{"content_id": "sku-1"}]
    assert "currency" not in event["properties"]
    assert "country" not in event["user"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "zzpii", "</script>", "1e400"])
def test_an_invalid_value_loses_the_event_and_no_page(browser, sink, text):
    """Neither half of a purchase with an invalid value is sent; the shop still works."""
    response = browser.post("/buy", {"value": text})

    assert response.status_code == 303
    assert sink.events == []
    assert calls(browser.get("/page")) == []


def test_one_bad_field_leaves_the_good_one(browser, sink):
    """An invalid email loses no phone number."""
    browser.post("/buy", {"email": "zzpii", "phone": PHONE})

    (event,) = sink.wire()
    assert event["user"]["phone"] == tt.User(phone=PHONE).phone
    assert "email" not in event["user"]


def test_a_mistake_raises_when_the_site_is_strict(visit, framework):
    """It is an exception, or the framework's error page; without strict the shop still works."""
    browser = visit(framework, strict=True, identify=lambda request: {"mail": "zzpii"})
    if SHOPS[framework].has_error_page:
        assert browser.post("/buy").status_code == 500
    else:
        with raises(TypeError):
            browser.post("/buy")

    assert visit(framework, identify=lambda request: {"mail": "zzpii"}).post("/buy").status_code == 303


def test_a_client_that_fails_loses_no_page(visit, framework):
    """The shop works whatever the client raises."""

    class Broken:
        def track(self, *events):
            raise tt.TransportError("the outbox is gone")

    assert visit(framework, client=Broken()).post("/buy", {"order": "1001"}).status_code == 303
