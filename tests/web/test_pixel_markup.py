"""The pixel's markup and data, and the pixel call of an event."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import markers
import pytest
from browser_page import KEYED, NOW, OTHER_PIXEL, PIXEL, RANDOM, block_in, code_in, data_in, fields
from hypothesis import given
from hypothesis import strategies as st
from marker_hook import raises
from strategies import TYPED, typed_events

import tiktok_events as tt
from tiktok_events.errors import ConfigurationError
from tiktok_events.web._page.pixel import (
    Call,
    call_for,
    payload,
    render_calls,
    render_calls_data,
    render_data,
    render_pixel,
    runtime,
    static_script,
)

METHODS = (
    "page track identify instances debug on off once ready alias group enableCookie disableCookie holdConsent "
    "revokeConsent grantConsent"
)
DIGEST = "0123456789abcdef" * 4
ITEM = {
    "content_id": "sku-1",
    "content_name": "Shoe",
    "content_category": "A > B",
    "brand": "B",
    "price": Decimal("23.00"),
    "quantity": 2,
}


def test_a_call_matches_its_event() -> None:
    """Name and id are the event's; items, value, currency and order id become params."""
    properties: Any = {
        "value": "46.00",
        "currency": "eur",
        "contents": [ITEM],
        "content_type": "product",
        "order_id": 1001,
    }
    call = call_for(tt.Event("Purchase", key="1001", properties=properties), "b2" * 16, keyed=True)

    assert (call.event, call.event_id, call.keyed) == ("Purchase", "b2" * 16, True)
    assert call.params == {
        "contents": [{**ITEM, "price": 23.0, "content_type": "product"}],
        "content_type": "product",
        "value": 46.0,
        "currency": "EUR",
        "order_id": "1001",
    }


def test_an_items_own_type_stays() -> None:
    """The content_type of the properties goes to items without one."""
    contents: Any = [{"content_id": "1", "content_type": "product_group"}, {"content_id": "2"}]
    call = call_for(
        tt.Event("ViewContent", properties={"contents": contents, "content_type": "product"}), "1", keyed=False
    )

    assert [one["content_type"] for one in call.params["contents"]] == ["product_group", "product"]


@pytest.mark.parametrize("name", ["query", "search_string"])
def test_a_search_goes_by_both_names(name: Any) -> None:
    """The pixel used query before search_string."""
    event = tt.Event.from_mapping({"event": "Search", "properties": {name: "shoes"}})

    assert call_for(event, "1", keyed=False).params == {"query": "shoes", "search_string": "shoes"}


def test_a_call_has_no_user_data() -> None:
    """Neither user, page nor undocumented fields, nor fields for the server only."""
    event = tt.Event(
        "Purchase",
        user=markers.user(),
        page={"url": markers.URL},
        properties={"value": 1, "customer_type": "new", "predicted_ltv": 900, "extra": {"note": "zzpii"}},
        extra={"note": "zzpii"},
    )
    text = json.dumps(payload(call_for(event, "1", keyed=False)))

    assert not markers.shown_in(text)
    assert json.loads(text)["params"] == {"value": 1}


def test_limited_data_use_of_an_event_reaches_its_call() -> None:
    """The pixel takes the flag as a param."""
    event = tt.Event("Lead", limited_data_use=True)

    assert call_for(event, "1", keyed=False).params == {"limited_data_use": 1}


def test_a_call_shares_nothing_with_its_event() -> None:
    """Changing a payload changes neither the call nor the event."""
    event = tt.Event.from_mapping({
        "event": "Search",
        "properties": {"contents": [{"content_id": "1"}], "destination_ids": ["a"]},
    })
    call = call_for(event, "1", keyed=False)
    text = payload(call)
    text["params"]["contents"][0]["content_id"] = text["params"]["destination_ids"][0] = "2"

    assert payload(call) == payload(call_for(event, "1", keyed=False))


def test_a_calls_repr_names_no_values() -> None:
    """Search terms must not be logged."""
    assert repr(Call("Search", "zzpii-id", {"query": "zzpii"})) == "Call(event='Search', keyed=False)"


@given(typed_events)
def test_any_event_can_be_rendered(event: dict[str, Any]) -> None:
    """For any input the page is ASCII, ends its script element, and reads back as the call."""
    call = call_for(tt.Event.from_mapping(event), "a1" * 16, keyed=False)
    script, block = render_pixel(**fields(call)), render_data(**fields(call))

    assert script.isascii()
    assert (script.count("<"), block.count("<")) == (2 + runtime().count("<"), 2)
    assert data_in(script) == json.loads(block_in(block))
    assert data_in(script)["calls"] == [payload(call)]


@given(
    st.builds(Call, event=TYPED, event_id=TYPED, params=st.dictionaries(TYPED, TYPED, max_size=3)),
    st.dictionaries(TYPED, TYPED, max_size=3),
    TYPED,
)
def test_every_text_of_a_page_is_escaped(call: Call, options: dict[str, str], name: str) -> None:
    """Names, ids, params, load options and the consent rule read back, and cannot leave their script element."""
    markup = render_pixel(**fields(call, load_options=options, consent_rule=Rule(name, {name})))
    data = data_in(markup)

    assert markup.isascii()
    assert markup.count("</script") == 1
    assert "<!--" not in markup
    assert data["calls"] == [payload(call)]
    assert data["options"] == options
    assert data["consent"] == {"name": name, "granted": [name]}


class Rule:
    """The part of a `ConsentCookie` that the page needs."""

    def __init__(self, name: str = "consent", granted: Any = ("yes",)) -> None:
        self.name = name
        self.granted = granted


@pytest.mark.reference("8.5.1a")
def test_the_script_lists_every_method_of_the_queue() -> None:
    """The methods of TikTok's current base code, with the consent API."""
    (methods,) = re.findall(r"METHODS = \[(.*?)\]", render_pixel(**fields()), re.DOTALL)

    assert re.findall(r'"(\w+)"', methods) == METHODS.split()


@pytest.mark.reference("8.5.1a")
def test_the_script_has_the_right_order() -> None:
    """Hold, load, identify, page, track, and the id in the third argument."""
    code = code_in(render_pixel(**fields(RANDOM)))["code"]
    start = code[code.index("function start(") :]
    order = [start.index(f"queue.{call}(") for call in ("holdConsent", "load", "identify", "page")]

    assert order == sorted(order)
    assert start.index("queue.page(") < start.index("queue.track.apply(")
    assert "[call.event, params, { event_id: id }]" in code
    assert "TiktokAnalyticsObject" in code
    assert "?sdkid=" in code
    assert "&lib=ttq" in code


def test_the_runtime_fits_into_any_page() -> None:
    """It is small ASCII without comments, and has nothing that ends or breaks a script element."""
    text = runtime()

    assert text.isascii()
    assert len(text) < 7000
    assert not re.search(r"</|<!--|<script|^\s*//", text, re.MULTILINE | re.IGNORECASE)
    assert static_script().startswith(text)
    assert text in render_pixel(**fields())


@pytest.mark.reference("8.5.1a")
def test_the_data_is_what_the_page_needs() -> None:
    """Each pixel once, options, and the mark of keyed calls; other fields only if they have a value."""
    data = data_in(
        render_pixel(**fields(RANDOM, KEYED, pixels=[OTHER_PIXEL, PIXEL], load_options={"autoConfig": False}))
    )

    assert data == {
        "pixels": [PIXEL, OTHER_PIXEL],
        "script_url": "https://analytics.tiktok.com/i18n/pixel/events.js",
        "options": {"autoConfig": False},
        "page": True,
        "hold": False,
        "gpc": "ldu",
        "calls": [payload(RANDOM), {**payload(KEYED), "keyed": True}],
        "generated_at": NOW,
    }


def test_a_page_without_calls_is_the_same_at_any_time() -> None:
    """Base code alone is cacheable, so it has no time."""
    later = {**fields(), "generated_at_ms": NOW + 1}

    assert render_pixel(**fields()) == render_pixel(**later)


def test_server_page_views_switch_the_pixels_off() -> None:
    """Without page(), the history observer is off, too."""
    data = data_in(render_pixel(**fields(page=False)))

    assert data["page"] is False
    assert data["options"] == {"historyObserver": False}


def test_identify_is_rendered() -> None:
    """Digests under the pixel's names; None is left out."""
    data = data_in(render_pixel(**fields(identify={"sha256_email": DIGEST, "external_id": None})))

    assert data["identify"] == {"sha256_email": DIGEST}
    assert data["generated_at"] == NOW


@pytest.mark.parametrize(
    "identify",
    [
        {"email": DIGEST},
        {"sha256_email": markers.EMAIL},
        {"external_id": markers.EXTERNAL_ID},
        {"sha256_email": [DIGEST]},
        {"phone": DIGEST},
        {"sha256_email": DIGEST.upper()},
    ],
)
def test_only_digests_identify(identify: Any) -> None:
    """No plain value reaches a page, and the error does not quote it."""
    with raises(ValueError, match="takes only SHA-256 digests"):
        render_pixel(**fields(identify=identify))


@pytest.mark.parametrize(
    "code",
    ["", "C0", "c0example0example000", 'C0EXAMPLE0"', "C0EXAMPLE0EXAMPLE00\n", "C" * 41, "C0EXAMPLE0EXAMPLE\u0660", 7],
)
def test_anything_but_a_pixel_code_is_refused(code: Any) -> None:
    """As the page's pixel and as a further one."""
    with raises(ConfigurationError, match="10 to 40 upper-case"):
        render_pixel(**{**fields(), "pixel_code": code})
    with raises(ConfigurationError, match="10 to 40 upper-case"):
        render_data(**fields(pixels=(code,)))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://analytics.tiktok.com/events.js",
        "//a.example/x.js",
        "javascript:alert(1)",
        "https://a@b.example/x.js",
        "https://a.example/x.js?a=1",
        "https://a.example/x.js#a",
        "https://a.example/ x.js",
        "https://a.example/x'.js",
        "https://[::1",
        "https://a.example:x/",
        "https://a.example\\@b.example/",
        "https:///x.js",
        "https://\u0430.example/",
    ],
)
def test_the_script_url_must_be_https(url: str) -> None:
    """A URL that is not plain https is refused."""
    with raises(ConfigurationError, match="script_url"):
        render_pixel(**fields(script_url=url))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8765/x.js", "http://localhost/x.js", "http://[::1]:80/x.js", "https://a.example:8443/x.js"],
)
def test_the_script_may_come_from_this_machine(url: str) -> None:
    """The local Events Manager uses http."""
    assert data_in(render_pixel(**fields(script_url=url)))["script_url"] == url


def test_later_calls_come_alone() -> None:
    """A second script has only new calls, with the same nonce; without new calls there is none."""
    markup = render_calls(calls=[KEYED], generated_at_ms=NOW, nonce="abc")

    assert markup.startswith('<script nonce="abc">(window.tiktokEvents=')
    assert data_in(markup) == {"calls": [{**payload(KEYED), "keyed": True}], "generated_at": NOW}
    assert not render_calls(calls=[], generated_at_ms=NOW)
    assert json.loads(block_in(render_calls_data(calls=[KEYED], generated_at_ms=NOW))) == data_in(markup)
    assert not render_calls_data(calls=[], generated_at_ms=NOW)
