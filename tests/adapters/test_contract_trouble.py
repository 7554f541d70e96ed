"""The contract when something is wrong: it costs its field or its event and no page, whatever the framework."""

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
def test_nonsense_in_the_form_costs_its_field_and_nothing_else(browser, sink, form):
    """The status is the same, the purchase arrives, and what cannot be an identifier is not in it."""
    response = browser.post("/buy", {"order": "1001", **form})

    assert response.status_code == 303
    (event,) = sink.wire()
    assert not {"email", "phone"} & set(event["user"])
    assert event["properties"]["value"] == 23.0


@pytest.mark.parametrize("text", ["-NaN", "sNaN", "zzpii", "</script>", "\x00", "1e400", "12,50 EUR", "z" * 5_000])
def test_nonsense_money_costs_its_field_and_nothing_else(browser, sink, text):
    """A price, a quantity or a currency that is none is left out; the rest of the purchase arrives."""
    response = browser.post("/buy", {"price": text, "quantity": text, "currency": text, "country": text})

    (event,) = sink.wire()
    assert response.status_code == 303
    assert event["properties"]["contents"] == [{"content_id": "sku-1"}]
    assert "currency" not in event["properties"]
    assert "country" not in event["user"]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "zzpii", "</script>", "1e400"])
def test_a_value_that_is_none_costs_the_event_and_no_page(browser, sink, text):
    """Neither half of a purchase without a value that counts goes out; the shop sells on."""
    response = browser.post("/buy", {"value": text})

    assert response.status_code == 303
    assert sink.events == []
    assert calls(browser.get("/page")) == []


def test_one_bad_field_leaves_the_good_one(browser, sink):
    """A wrong e-mail address takes no phone number along."""
    browser.post("/buy", {"email": "zzpii", "phone": PHONE})

    (event,) = sink.wire()
    assert event["user"]["phone"] == tt.User(phone=PHONE).phone
    assert "email" not in event["user"]


def test_a_mistake_raises_when_the_site_is_strict(visit, framework):
    """At the desk it is an exception, or the framework's page of one; elsewhere the shop sells on."""
    browser = visit(framework, strict=True, identify=lambda request: {"mail": "zzpii"})
    if SHOPS[framework].has_error_page:
        assert browser.post("/buy").status_code == 500
    else:
        with raises(TypeError):
            browser.post("/buy")

    assert visit(framework, identify=lambda request: {"mail": "zzpii"}).post("/buy").status_code == 303


def test_a_sender_that_fails_costs_no_page(visit, framework):
    """Whatever the client raises, the shop sells on."""

    class Broken:
        def track(self, *events):
            raise tt.TransportError("the outbox is gone")

    assert visit(framework, client=Broken()).post("/buy", {"order": "1001"}).status_code == 303
