"""The snippet in a page, run in node: the queue, and each call once."""

from __future__ import annotations

import json

import pytest
from browser_page import (
    KEYED,
    MINUTE,
    NOW,
    OTHER_PIXEL,
    PIXEL,
    RANDOM,
    block_in,
    browse,
    fields,
    needs_node,
    queued_methods,
    track_call,
    tracked,
)
from test_pixel_markup import DIGEST, METHODS

from tiktok_events.web._page.pixel import (
    Call,
    payload,
    render_calls,
    render_calls_data,
    render_data,
    render_pixel,
    static_script,
)

pytestmark = needs_node

URL = "https://analytics.tiktok.com/i18n/pixel/events.js"


@pytest.mark.reference("8.5.1b")
def test_base_code_makes_the_queue() -> None:
    """An array with a stub per method, the pixel's entries, one page(), and the script element before the first script."""
    seen = browse(render_pixel(**fields(load_options={"autoConfig": False}), nonce="abc"))

    assert seen["name"] == "ttq"
    assert seen["ttq"]["isArray"]
    assert seen["ttq"]["stubs"]
    assert seen["ttq"]["methods"] == METHODS.split()
    assert seen["ttq"]["queue"] == [["page"]]
    assert seen["ttq"]["address"] == {PIXEL: URL}
    assert seen["ttq"]["options"] == {PIXEL: {"autoConfig": False}}
    assert seen["ttq"]["times"] == {PIXEL: NOW}
    assert seen["inserted"] == [
        {"tag": "script", "async": True, "src": f"{URL}?sdkid={PIXEL}&lib=ttq", "nonce": "abc", "before": "first"}
    ]


def test_a_page_without_another_script_gets_the_library_too() -> None:
    """The script element is added to the head; without a nonce it has none."""
    seen = browse(render_pixel(**fields()), bare=True)

    assert [fired["before"] for fired in seen["inserted"]] == [None]
    assert "nonce" not in seen["inserted"][0]


@pytest.mark.reference("8.5.1b")
def test_a_call_goes_to_its_pixel_with_the_id_in_the_third_argument() -> None:
    """identify comes before page, and each call goes to the pixel's own queue."""
    seen = browse(render_pixel(**fields(RANDOM, KEYED, identify={"sha256_email": DIGEST})))

    assert seen["ttq"]["queue"] == [["identify", {"sha256_email": DIGEST}], ["page"]]
    assert tracked(seen) == [track_call(RANDOM), track_call(KEYED)]


def test_two_pixels_get_the_same_calls() -> None:
    """Both are loaded, page() is called once for both, and the id is the same: TikTok deduplicates per pixel."""
    seen = browse(render_pixel(**fields(KEYED, pixels=[OTHER_PIXEL])))

    assert list(seen["ttq"]["address"]) == [PIXEL, OTHER_PIXEL]
    assert len(seen["inserted"]) == 2
    assert queued_methods(seen) == ["page"]
    assert tracked(seen) == tracked(seen, OTHER_PIXEL) == [track_call(KEYED)]


def test_server_page_views_replace_page() -> None:
    """No page(), and the history observer is off."""
    seen = browse(render_pixel(**fields(Call("Pageview", "1", {}), page=False)))

    assert queued_methods(seen) == []
    assert seen["ttq"]["options"] == {PIXEL: {"historyObserver": False}}
    assert tracked(seen) == [["Pageview", {}, {"event_id": "1"}]]


@pytest.mark.reference("8.5.7a")
def test_text_reaches_the_queue_unchanged() -> None:
    """Escaped text is unescaped in the page."""
    call = Call("Search", "1", {"query": "</script><!-- '\"&\\\u2028", "other": "\ufffd\U0001f600"})

    assert tracked(browse(render_pixel(**fields(call)))) == [track_call(call)]


def test_a_repeat_in_the_page_is_not_fired() -> None:
    """The same name and id once; another name or id is another event."""
    other = Call("Lead", KEYED.event_id, {})
    seen = browse(render_pixel(**fields(KEYED, KEYED, other)), render_calls(calls=[KEYED, RANDOM], generated_at_ms=NOW))

    assert tracked(seen) == [track_call(KEYED), track_call(other), track_call(RANDOM)]


# How a call that was fired is remembered is in test_pixel_fired_once.


@pytest.mark.parametrize(("age", "is_current"), [(-60 * MINUTE, True), (30 * MINUTE, True), (30 * MINUTE + 1, False)])
def test_an_old_page_gives_no_random_id(age: int, is_current: bool) -> None:
    """After 30 minutes a page comes from a cache: random ids and digests belong to another visitor, keyed ids do not."""
    seen = browse(render_pixel(**fields(RANDOM, KEYED, identify={"sha256_email": DIGEST})), now=NOW + age)

    assert tracked(seen) == [track_call(RANDOM, with_id=is_current), track_call(KEYED)]
    assert queued_methods(seen) == (["identify", "page"] if is_current else ["page"])


def test_a_call_without_id_is_fired_each_time() -> None:
    """Two such calls are two events."""
    bare = Call("ViewContent", None, {})

    assert tracked(browse(render_pixel(**fields(bare, bare)))) == [["ViewContent", {}]] * 2


def test_calls_may_stand_above_the_pixel() -> None:
    """They are held until the pixel's data; without it they do nothing."""
    early = render_calls(calls=[KEYED], generated_at_ms=NOW)

    assert tracked(browse(early, render_pixel(**fields(RANDOM)))) == [track_call(RANDOM), track_call(KEYED)]
    assert browse(early)["ttq"] is None


def test_the_static_script_reads_the_data_blocks() -> None:
    """The same page without inline code; later blocks are read when the document is parsed."""
    blocks = [block_in(render_data(**fields(RANDOM)))]
    late = block_in(render_calls_data(calls=[KEYED], generated_at_ms=NOW))
    seen = browse(static_script(), f"addBlock({json.dumps(late)});", blocks=blocks)

    assert seen["api"] == ["fire", "read", "push"]
    assert queued_methods(seen) == ["page"]
    assert tracked(seen) == [track_call(RANDOM), track_call(KEYED)]


def test_a_broken_data_block_breaks_nothing() -> None:
    """Invalid JSON and foreign data are ignored."""
    good = block_in(render_data(**fields(RANDOM)))

    assert tracked(browse(static_script(), blocks=["{", "null", "{}", good])) == [track_call(RANDOM)]


def test_fire_takes_payloads_and_nothing() -> None:
    """A payload, a list, or null from a response without a call; each name and id once."""
    fired = json.dumps(payload(KEYED))
    seen = browse(
        render_pixel(**fields()),
        f"tiktokEvents.fire();tiktokEvents.fire(null);tiktokEvents.fire({fired});tiktokEvents.fire([{fired},null,5,{{}}]);"
        "tiktokEvents.fire('x');tiktokEvents.fire({event:5});tiktokEvents.fire([{event:'Lead',event_id:null}]);",
    )

    assert tracked(seen) == [track_call(KEYED), ["Lead", {}]]


@pytest.mark.parametrize(
    "call",
    [
        "tiktokEvents.read(new Response({0}))",
        "tiktokEvents.read(new Response({0}).headers)",
        "tiktokEvents.read(new XHR({0}))",
        "emit('htmx:afterRequest', {{xhr: new XHR({0})}})",
        "emit('htmx:after:request', {{ctx: {{response: new Response({0})}}}})",
    ],
)
def test_read_takes_the_header_of_any_response(call: str) -> None:
    """fetch, XMLHttpRequest and htmx; a response without the header, or with an invalid one, has no effect."""
    header = json.dumps(json.dumps([payload(KEYED), payload(RANDOM)]))
    code = "".join(f"{call.format(text)};" for text in ("null", "'{'", header, header))

    assert tracked(browse(render_pixel(**fields()), code)) == [track_call(KEYED), track_call(RANDOM)]


def test_read_is_null_safe() -> None:
    """null and htmx events without a response raise nothing."""
    code = "tiktokEvents.read();tiktokEvents.read(null);tiktokEvents.read({});tiktokEvents.push(null);"
    code += "emit('htmx:afterRequest');emit('htmx:after:request', {});"

    assert tracked(browse(render_pixel(**fields()), code)) == []
