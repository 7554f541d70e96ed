"""Script breakouts such as `</script>` in every text that can reach a page: the page is not broken."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import markers
import pytest
from marker_hook import raises
from test_markup import BREAKERS
from web_requests import CLICKED, VISITOR_COOKIE, a_site, a_tracker, cookies_of

import tiktok_events as tt
from tiktok_events._spec.fields import TRAVEL, VEHICLE
from tiktok_events.testing import SOURCE
from tiktok_events.web import ConsentCookie, TemplateVariable, Tracker
from tiktok_events.web._middleware.response import add_headers

BREAKER = "</script><!--<script>alert(1)"


class Page(HTMLParser):
    """The elements of a page and the texts of its scripts, from an HTML parser."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(f"<body>{markup}<p>after</p></body>")
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        if self.elements[-1] == "script":
            self.scripts.append(data)
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.elements.append("a comment")


def texts(value: Any) -> Iterator[str]:
    """All strings in a JSON value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from (key, *texts(one))
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)


def rendered_texts(markup: str) -> list[str]:
    """The strings in the data of *markup*'s scripts, which must end where they should."""
    page = Page(markup)

    assert page.elements == ["body", *["script"] * len(page.scripts), "p"]
    assert page.text == "after"
    assert markup.isascii()
    found: list[str] = []
    for script in page.scripts:
        assert "<!--" not in script
        data = script.rpartition("[]).push(")[2].removesuffix(");") if script.startswith("(") else script
        found += texts(json.loads(data))
    return found


def with_property(name: str, value: Any) -> Callable[[str], Tracker]:
    """A function that tracks an event with one property; `TEXT` in *value* stands for the text."""

    def tracker_with(text: str) -> Tracker:
        tracker = a_tracker()
        properties = json.loads(json.dumps({name: value}).replace('"TEXT"', json.dumps(text)))
        tracker.track("Search", properties=properties)
        return tracker

    return tracker_with


def tracked(**fields: Any) -> Tracker:
    tracker = a_tracker()
    tracker.track(**fields) if "event" not in fields else tracker.track(fields.pop("event"), **fields)
    return tracker


def redirected(text: str) -> Tracker:
    """The page after a redirect."""
    site = a_site()
    first = a_tracker(site, method="POST")
    first.track(text, event_id=text[:40] or "1", properties={"contents": [{"content_id": text}]})
    cookie = cookies_of(add_headers(first, 303, [])).get("_tte_next", "").partition(";")[0]
    return a_tracker(site, cookie=f"{VISITOR_COOKIE}; {cookie}")


def granted_by(*rule: Any) -> Tracker:
    """A page of a visitor who has just granted consent."""
    tracker = a_tracker(a_site(consent=ConsentCookie(*rule)))
    tracker.grant_consent()
    return tracker


TEXTS = ("content_type", "description", "query", "search_string", "order_id", "shop_id", "status")
OTHER_FIELDS = {**TRAVEL, **VEHICLE}

RENDERED: dict[str, Callable[[str], Tracker]] = {
    "event name": lambda text: tracked(event=text),
    "event id": lambda text: tracked(event="Lead", event_id=text),
    **{
        name: with_property(name, "TEXT")
        for name in (*TEXTS, *(name for name, field in OTHER_FIELDS.items() if field.type == "str"))
    },
    **{name: with_property(name, ["TEXT"]) for name, field in OTHER_FIELDS.items() if field.type == "strings"},
    "mileage": with_property("mileage", {"value": 1, "unit": "TEXT"}),
    "content_ids": with_property("content_ids", ["TEXT"]),
    **{
        f"contents.{name}": with_property("contents", [{name: "TEXT"}])
        for name in ("content_id", "content_type", "content_name", "content_category", "brand")
    },
    "load option's name": lambda text: a_tracker(a_site(load_options={text: True})),
    "load option's value": lambda text: a_tracker(a_site(load_options={"partner": text})),
    "load option's inside": lambda text: a_tracker(a_site(load_options={"partner": [{text: text}]})),
    "consent cookie's name": lambda text: granted_by(text, {"yes"}, {"no"}),
    "consent cookie's values": lambda text: granted_by("a", {text}, {"no"}),
    "redirect cookie": redirected,
}
"""Texts that a page renders: functions that make a tracker with such a text."""

HIDDEN: dict[str, Callable[[str], Tracker]] = {
    "event key": lambda text: tracked(event="Lead", key=text or "1"),
    "currency": with_property("currency", "TEXT"),
    "value": with_property("value", "TEXT"),
    "price": with_property("contents", [{"price": "TEXT"}]),
    "quantity": with_property("contents", [{"quantity": "TEXT"}]),
    "extra": with_property("extra", {"note": "TEXT"}),
    "user": lambda text: tracked(event="Lead", user=dict.fromkeys(markers.user(), text)),
    "page": lambda text: tracked(event="Lead", page={"url": text, "referrer": text}),
    "denied values": lambda text: granted_by("a", {"yes"}, {text}),
    "site's currency": lambda text: a_tracker(a_site(currency=text)),
    "site's page": lambda text: a_tracker(a_site(url=text)),
    "namespace": lambda text: a_tracker(
        a_site(source=tt.EventSource.web(SOURCE.event_source_id, "example-token", id_namespace=text))
    ),
}
"""Texts that no page renders: functions that make a tracker with such a text."""


def renderings(tracker: Tracker) -> Iterator[str]:
    """All ways to render the calls of a request."""
    tracker.track("ViewContent")
    yield TemplateVariable(tracker).pixel()
    tracker.track("AddToCart")
    yield TemplateVariable(tracker).pixel()
    yield TemplateVariable(tracker).data()


@pytest.mark.parametrize("place", RENDERED)
@pytest.mark.parametrize("method", ["pixel", "data"])
@pytest.mark.reference("8.5.7a")
def test_a_page_renders_it_and_is_not_broken(place: str, method: str) -> None:
    """An HTML parser finds the same elements, and the text in the script is unchanged."""
    markup = getattr(TemplateVariable(RENDERED[place](BREAKER)), method)()

    assert BREAKER in "\n".join(rendered_texts(markup))


@pytest.mark.parametrize("place", RENDERED)
@pytest.mark.reference("8.5.7a", "8.5.7b", "8.5.7e")
def test_no_text_breaks_a_page(place: str) -> None:
    """A lone surrogate is left out; the rest is rendered, and the other calls with it."""
    for text in BREAKERS:
        found = [one for markup in renderings(RENDERED[place](text)) for one in rendered_texts(markup)]

        assert {"ViewContent", "AddToCart"} <= set(found), text


@pytest.mark.parametrize("place", HIDDEN)
def test_other_texts_are_not_rendered(place: str) -> None:
    """They do not break the page, either."""
    for text in (BREAKER, *BREAKERS):
        found = [one for markup in renderings(HIDDEN[place](text)) for one in rendered_texts(markup)]

        assert {"ViewContent", "AddToCart"} <= set(found), text
        assert BREAKER not in "\n".join(found)


@pytest.mark.parametrize("text", [BREAKER, *BREAKERS])
def test_no_text_of_a_request_is_rendered(text: str) -> None:
    """Neither URL, referrer, cookies nor headers reach a page; with advanced matching only digests do."""
    raw = text.encode("utf-8", "surrogatepass").decode("latin-1")
    sent = dict.fromkeys(("referer", "hx_current_url", "accept_language", "x_forwarded_for"), raw)
    cookie = "; ".join(f"{name}={raw}" for name in ("_tte_id", "ttclid", "_ttp", "_tte_next", "agreed"))
    request = {"path": f"/{raw}", "query": f"{CLICKED}&q={raw}", "cookie": cookie, **sent}
    granted = a_tracker(a_site(advanced_matching=True), **request)
    refused = a_tracker(a_site(consent=ConsentCookie("agreed", {"yes"}, {"no"})), **request)
    found = [one for markup in renderings(granted) for one in rendered_texts(markup)]
    found_refused = [one for markup in renderings(refused) for one in rendered_texts(markup)]

    assert {"ViewContent", "AddToCart"} <= set(found)
    assert not {"ViewContent", "AddToCart"} & set(found_refused)
    assert not any(raw in one or markers.shown_in(one) for one in found + found_refused)


@pytest.mark.parametrize("text", [BREAKER, *BREAKERS])
def test_the_header_of_a_fragment_is_not_broken(text: str) -> None:
    """The same texts in the header `TikTok-Events`."""
    tracker = a_tracker(method="POST", sec_fetch_dest="empty")
    tracker.track("Search", properties={"query": text, "contents": [{"content_id": text}]})
    tracker.track("ViewContent")
    (header,) = [value.decode() for name, value in add_headers(tracker, 200, []) if name == b"tiktok-events"]

    assert header.isprintable()
    assert "ViewContent" in list(texts(json.loads(header)))


@pytest.mark.parametrize("text", [BREAKER, 'a" onload="alert(1)', "", "a b"])
@pytest.mark.reference("8.5.7f")
def test_invalid_nonces_codes_and_urls_are_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An invalid nonce, pixel code or script URL reaches no page."""
    page = TemplateVariable(a_tracker(a_site(nonce=lambda request: text))).pixel()
    with raises(tt.ConfigurationError):
        TemplateVariable(a_tracker()).pixel(nonce=text)
    with raises(tt.ConfigurationError):
        a_site(pixels=[text])
    with raises(tt.ConfigurationError):
        a_site(source=tt.EventSource.web(text, "example-token"))
    if text:
        monkeypatch.setenv("TIKTOK_PIXEL_URL", f"https://shop.example/{text}")
        with raises(tt.ConfigurationError):
            TemplateVariable(a_tracker()).pixel()

    assert page.startswith("<script>")
    assert rendered_texts(page)
    assert not text or text not in page


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "NaN", "Infinity"])
@pytest.mark.reference("8.5.7c")
def test_invalid_numbers_reach_no_page(value: Any) -> None:
    """An event with an invalid value is dropped, an item's invalid price is left out; other calls stay."""
    tracker = a_tracker()
    tracker.track("Purchase", properties={"value": value})
    tracker.track("AddToCart", properties={"value": 1, "contents": [{"content_id": "sku-1", "price": value}]})
    markup = TemplateVariable(tracker).pixel()

    assert "Purchase" not in rendered_texts(markup)
    assert {"AddToCart", "sku-1"} <= set(rendered_texts(markup))
    assert "price" not in rendered_texts(markup)
