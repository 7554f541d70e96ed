"""Click ids in links as ad systems, mail programs and shops leave them, and placeholders that are no click."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_requests import NOW, a_site, a_tracker

import tiktok_events as tt
from tiktok_events._checks.body import check_raw_item
from tiktok_events._events.normalize.click_ids import click_ids_in, is_placeholder

ID = "E.C.P.CtIBAbCdEf-GhIj_KlMn"
PLACEHOLDERS = [
    *("__CLICKID__", "__clickid__", "__CALLBACK_PARAM__", "____", "{{ttclid}}", "{{ ttclid }}", "{ttclid}", "{}"),
    *("${ttclid}", "${CLICK_ID}", "%%CLICKID%%", "%%ttclid%%", "[CLICKID]", "[click_id]", "[]", "{{click.id}}"),
    *("undefined", "Undefined", "null", "NULL", "none", "None", "nan", "NaN", "0"),
]
NO_PLACEHOLDERS = [ID, "00", "0a", "nanna", "nonexistent", "E.C.P.null", "_ID_", "__ID", "undefined1"]
SAVED = [
    (f"ttclid={ID}", ID),
    (f"ttclid={ID}/", ID),
    (f"ttclid={ID}//", ID),
    (f"ttclid={ID}?utm_source=x", ID),
    (f"utm_source=x?ttclid={ID}", ID),
    (f"utm_source=x&amp;ttclid={ID}", ID),
    (f"utm_source=x&amp;ttclid={ID}&amp;utm_medium=y", ID),
    (f"utm_source=x;ttclid={ID}", ID),
    (f"ttclid={ID};utm_source=x", ID),
    (f"ttclid={ID}%0d%0a", ID),
    (f"ttclid={ID}%0D%0A", ID),
    (f"ttclid={ID}%20", ID),
    (f"ttclid={ID}+", ID),
    (f"ttclid={ID}%22", ID),
    (f"ttclid={ID}'", ID),
    (f"ttclid={ID})", ID),
    (f"ttclid={ID},", ID),
    (f"ttclid={ID}%3Futm_source%3Dx", ID),
    (f"ttclid={ID}%26utm_source%3Dx", ID),
    (f"ttclid={ID}%23top", ID),
    (f"ttclid={ID}|x", ID),
    (f"ttclid={ID}%C3%BC", ID),
    (f"ttclid={ID}\\", ID),
    (f"TTCLID={ID}", ID),
    (f"TtClId={ID}", ID),
    (f"a=b&TTCLID={ID}&c=d", ID),
    (f"ttclid=&ttclid={ID}", ID),
    (f"ttclid=__CLICKID__&ttclid={ID}", ID),
    (f"ttclid={{{{x}}}}&amp;ttclid={ID}/", ID),
    ("ttclid=", None),
    ("ttclid=%0d%0a", None),
    ("ttclid=%20", None),
    ("ttclid", None),
    (f"xttclid={ID}", None),
    (f"ttclid2={ID}", None),
    (f"fbclid={ID}", None),
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_a_placeholder_is_no_click(value: str) -> None:
    """Not stored and not sent, and it does not replace a click that is known."""
    site = a_site()
    new = a_tracker(site, query=f"ttclid={value}")
    known = a_tracker(site, query=f"ttclid={value}", cookie=f"ttclid={ID}.{int(NOW * 1000):013d}")

    assert is_placeholder(value)
    assert new.context.ttclid is None
    assert known.context.ttclid == ID
    assert "ttclid" not in [cookie.name for cookie in new.cookies(is_page=True)]


@pytest.mark.parametrize("value", ["__CLICKID__", "undefined", "null", "0"])
def test_a_placeholder_in_a_cookie_is_no_id(value: str) -> None:
    """Neither the click's nor the pixel's."""
    context = a_tracker(cookie=f"ttclid={value}.{int(NOW * 1000):013d}; _ttp={value}").context

    assert (context.ttclid, context.ttp) == (None, None)


@pytest.mark.parametrize("field", ["ttclid", "ttp"])
@pytest.mark.parametrize("value", ["__CLICKID__", "{{ttclid}}", "undefined", "0"])
def test_a_placeholder_is_a_warning(field: str, value: str) -> None:
    """In `User` it is left out; in a raw body it is reported."""
    user = tt.User(**{field: value})
    rules = [one.rule for one in check_raw_item({"event": "Lead", "user": {field: value}}, "web", now=NOW)]

    assert getattr(user, field) is None
    assert [(one.rule, one.severity) for one in user.problems] == [("click-id-placeholder", "warning")]
    assert "click-id-placeholder" in rules


@pytest.mark.parametrize("value", NO_PLACEHOLDERS)
def test_an_id_is_no_placeholder(value: str) -> None:
    """Only whole values are."""
    assert not is_placeholder(value)


@pytest.mark.parametrize(("query", "click"), SAVED)
def test_a_click_is_read_from_a_changed_link(query: str, click: str | None) -> None:
    """The parameter in any case, its value up to the first character that no click id has."""
    assert next(click_ids_in(query), None) == click
    assert a_tracker(query=query).context.ttclid == click


@given(
    click=st.from_regex(r"E\.C\.P\.[A-Za-z0-9_-]{8,80}", fullmatch=True),
    name=st.sampled_from(["ttclid", "TTCLID", "TtClId"]),
    before=st.sampled_from([
        "",
        "a=b&",
        "a=b&amp;",
        "utm_source=x;",
        "utm_source=x?",
        "ttclid=__CLICKID__&",
        "ttclid=&",
    ]),
    after=st.sampled_from([
        "",
        "/",
        "//",
        "?a=b",
        "&a=b",
        "&amp;a=b",
        ";a=b",
        "%0d%0a",
        "%20",
        "+",
        "%22",
        "'",
        ")",
        ",",
        "|",
    ]),
)
def test_noise_never_makes_another_click(click: str, name: str, before: str, after: str) -> None:
    """The id is read as it was, whatever mail programs and shops put around it."""
    assert a_tracker(query=f"{before}{name}={click}{after}").context.ttclid == click


def test_the_rows_are_many() -> None:
    """A table that shrinks unseen tests nothing."""
    assert len(PLACEHOLDERS) + len(NO_PLACEHOLDERS) + len(SAVED) >= 60
