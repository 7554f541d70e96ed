"""A call is fired once in a browser: the record of fired calls, where it is kept, for how long, and with what consent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from browser_page import KEYED, NOW, RANDOM, block_in, browse, fields, needs_node, queued_methods, track_call, tracked

from tiktok_events import ConsentCookie
from tiktok_events.web._page.pixel import (
    Call,
    payload,
    render_calls,
    render_forget,
    render_forget_data,
    render_pixel,
    static_script,
)

pytestmark = needs_node

DAY = 24 * 60 * 60 * 1000
FIRED = "tte:fired"
COOKIE: Any = {"consent_rule": ConsentCookie("consent", granted={"yes"}, denied={"no"})}


def record(seen: dict[str, Any], store: str = "storage") -> list[list[Any]]:
    """The entries of a store."""
    entries: list[list[Any]] = json.loads(seen[store].get(FIRED, "[]"))
    return entries


def test_a_call_is_fired_once_in_a_browser() -> None:
    """Back, forward, reload, another tab and another day run the page again."""
    first = browse(render_pixel(**fields(KEYED, RANDOM)))
    again = browse(render_pixel(**fields(KEYED, RANDOM)), storage=first["storage"])
    days_later = browse(
        render_pixel(**fields(KEYED, generated_at_ms=NOW + 3 * DAY)), storage=first["storage"], now=NOW + 3 * DAY
    )

    assert record(first) == [[f"Purchase:{KEYED.event_id}", NOW], [f"AddToCart:{RANDOM.event_id}", NOW]]
    assert first["session"] == {}
    assert tracked(again) == tracked(days_later) == []
    assert queued_methods(again) == ["page"]


@pytest.mark.parametrize(("days", "fires"), [(27, False), (28.1, True)])
def test_a_record_lasts_28_days(days: float, fires: bool) -> None:
    """Then it is gone from the store, too."""
    first = browse(render_pixel(**fields(KEYED)))
    later = NOW + int(days * DAY)
    again = browse(render_pixel(**fields(KEYED, RANDOM, generated_at_ms=later)), storage=first["storage"], now=later)

    assert (track_call(KEYED) in tracked(again)) is fires
    assert [entry[1] for entry in record(again)] == ([later, later] if fires else [NOW, later])


def test_the_newest_200_are_kept() -> None:
    """A store has little room."""
    calls = [Call("AddToCart", f"id-{number}", {}) for number in range(201)]
    first = browse(render_pixel(**fields(*calls)))
    again = browse(render_pixel(**fields(calls[0], calls[200])), storage=first["storage"])

    assert len(record(first)) == 200
    assert tracked(again) == [track_call(calls[0])]


@pytest.mark.parametrize("refusal", [{"denied": ["localStorage"]}, {"full": ["localStorage"]}])
def test_another_store_where_one_is_refused(refusal: dict[str, Any]) -> None:
    """Some browsers refuse localStorage to a page; the tab's store has the record then."""
    first = browse(render_pixel(**fields(KEYED)), **refusal)
    again = browse(render_pixel(**fields(KEYED, RANDOM)), session=first["session"], **refusal)

    assert first["storage"] == {}
    assert [entry[0] for entry in record(first, "session")] == [f"Purchase:{KEYED.event_id}"]
    assert tracked(again) == [track_call(RANDOM)]


def test_without_any_store_the_page_has_the_record() -> None:
    """And nothing breaks."""
    seen = browse(render_pixel(**fields(KEYED, KEYED, RANDOM)), denied=["localStorage", "sessionStorage"])

    assert tracked(seen) == [track_call(KEYED), track_call(RANDOM)]
    assert seen["errors"] == []


@pytest.mark.parametrize("stored", ["", "null", "{}", "5", '"x"', "[null, 5, [], [1]]", '[["Purchase:x"]]', "{broken"])
def test_a_broken_record_breaks_nothing(stored: str) -> None:
    """Other scripts of the page can write to the store."""
    seen = browse(render_pixel(**fields(KEYED)), storage={FIRED: stored})

    assert tracked(seen) == [track_call(KEYED)]
    assert seen["errors"] == []


def test_a_held_call_is_not_recorded() -> None:
    """It may be lost with the page, and nothing is written before consent."""
    seen = browse(render_pixel(**fields(KEYED, hold_consent=True)))

    assert tracked(seen) == [track_call(KEYED)]
    assert seen["storage"] == seen["session"] == {}


def test_a_page_without_our_settings_records_nothing() -> None:
    """Its consent is not known: calls go to the base code that is there."""
    base_code = "window.ttq=[];ttq.track=function(){ttq.push(['track'].concat([].slice.call(arguments)))};"
    seen = browse(base_code, render_calls(calls=[KEYED], generated_at_ms=NOW))

    assert seen["storage"] == seen["session"] == {}


def test_a_withdrawn_consent_removes_the_record() -> None:
    """In a banner at the next call, and on the next page."""
    granted = browse(render_pixel(**fields(KEYED, **COOKIE)), cookie="consent=yes")
    fire = f"tiktokEvents.fire({json.dumps(payload(RANDOM))});"
    in_banner = browse(
        render_pixel(**fields(KEYED, **COOKIE)), f"document.cookie='consent=no';{fire}", cookie="consent=yes"
    )
    next_page = browse(render_pixel(**fields(**COOKIE)), cookie="consent=no", storage=granted["storage"])

    assert record(granted)
    assert in_banner["storage"] == next_page["storage"] == {}


def test_unknown_consent_writes_nothing() -> None:
    """Neither where calls wait nor where they are not made."""
    for hold in (True, False):
        seen = browse(render_pixel(**fields(KEYED, hold_consent=hold, **COOKIE)))
        assert seen["storage"] == seen["session"] == {}


def test_the_response_that_revokes_removes_the_record() -> None:
    """Inline, or by a data block for the static script."""
    granted = browse(render_pixel(**fields(KEYED)))
    inline = browse(str(render_forget()), storage=granted["storage"])
    static = browse(static_script(), blocks=[block_in(str(render_forget_data()))], storage=granted["storage"])

    assert inline["storage"] == static["storage"] == {}
    assert inline["errors"] == static["errors"] == []
