"""The snippet beside other base code, beside itself, and with a pixel that fails. Run in node."""

from __future__ import annotations

import json

from browser_page import (
    KEYED,
    OTHER_PIXEL,
    PIXEL,
    block_in,
    browse,
    fields,
    needs_node,
    queued_methods,
    track_call,
    tracked,
)

from tiktok_events.web._page.pixel import payload, render_data, render_pixel, static_script

pytestmark = needs_node

FOREIGN = (
    'window.ttq=[];ttq.methods=["page","track"];ttq.load=function(id){ttq._i[id]=[];};'
    'ttq._i={};ttq.instance=function(id){var a=ttq._i[id];ttq.methods.concat("identify").forEach(function(m){'
    "a[m]=function(){a.push([m].concat([].slice.call(arguments)));};});return a;};"
    "ttq.page=function(){ttq.push(['page']);};ttq.track=function(){ttq.push(['track'].concat([].slice.call(arguments)));};"
)


def test_a_loaded_pixel_is_not_loaded_again() -> None:
    """Other base code for the same pixel stays, a message is logged, and the calls go to it."""
    seen = browse(f"{FOREIGN}ttq.load('{PIXEL}');ttq.page();", render_pixel(**fields(KEYED)))

    assert seen["inserted"] == []
    assert queued_methods(seen) == ["page"]
    assert tracked(seen) == [track_call(KEYED)]
    assert len(seen["notes"]) == 1
    assert PIXEL in seen["notes"][0]


def test_a_foreign_pixel_gets_no_calls_of_ours() -> None:
    """Another pixel of the page gets neither our calls nor a second page view."""
    seen = browse(f"{FOREIGN}ttq.load('{OTHER_PIXEL}');ttq.page();", render_pixel(**fields(KEYED)))

    assert queued_methods(seen) == ["page"]
    assert seen["ttq"]["instances"] == {PIXEL: [["page"], ["track", *track_call(KEYED)]], OTHER_PIXEL: []}
    assert seen["notes"] == []


def test_base_code_without_hold_consent_gets_no_calls() -> None:
    """Loaders older than the consent API cannot hold calls, so those of an unknown visitor are dropped."""
    seen = browse(f"{FOREIGN}ttq.load('{PIXEL}');", render_pixel(**fields(KEYED, hold_consent=True)))

    assert (queued_methods(seen), tracked(seen)) == ([], [])


def test_a_queue_without_load_is_taken_over() -> None:
    """Calls that were queued before any base code stay first."""
    seen = browse("window.ttq=[['track','Lead']];", render_pixel(**fields()))

    assert queued_methods(seen) == ["track", "page"]


def test_a_second_snippet_changes_nothing() -> None:
    """Turbo and htmx run scripts again: one load, one page(), each call once, and no message."""
    markup = render_pixel(**fields(KEYED))
    seen = browse(markup, markup)

    assert len(seen["inserted"]) == 1
    assert queued_methods(seen) == ["page"]
    assert tracked(seen) == [track_call(KEYED)]
    assert seen["notes"] == []


def test_without_settings_the_pages_own_pixel_is_used() -> None:
    """A static page with its own base code and our script: `fire` uses that pixel; before it, calls are held."""
    fire = f"tiktokEvents.fire({json.dumps(payload(KEYED))});"
    seen = browse(static_script(), f"{FOREIGN}ttq.load('{PIXEL}');", fire)
    waited = browse(static_script(), fire, f"tiktokEvents.push({block_in(render_data(**fields()))});")

    assert seen["ttq"]["queue"] == [["track", *track_call(KEYED)]]
    assert tracked(waited) == [track_call(KEYED)]


def test_a_pixel_that_fails_affects_no_other() -> None:
    """An exception of one pixel's track is caught, and the other pixels get the call."""
    code = f"ttq.instance=function(id){{return id==='{PIXEL}'?null:ttq._i[id];}};ttq._i['{OTHER_PIXEL}'].track=function(n){{this.push(['track',n]);}};"
    fire = f"tiktokEvents.fire({json.dumps(payload(KEYED))});"

    assert tracked(browse(render_pixel(**fields(pixels=[OTHER_PIXEL])), code, fire), OTHER_PIXEL) == [["Purchase"]]
