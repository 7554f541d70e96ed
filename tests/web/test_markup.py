"""Markup, JSON in scripts, nonces and CSP sources."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest
from browser_page import PIXEL, RANDOM, fields
from hypothesis import given
from hypothesis import strategies as st
from marker_hook import raises
from strategies import TYPED

from tiktok_events.errors import ConfigurationError
from tiktok_events.web._page.csp import csp_sources
from tiktok_events.web._page.markup import Markup, nonce_attribute, script_json
from tiktok_events.web._page.pixel import SCRIPT_URL, render_data, render_pixel

BREAKERS = [
    "</script><!--",
    "<script>",
    "-->",
    "]]>",
    "a&b",
    "it's",
    '"',
    "\\",
    "\u2028\u2029",
    "\ud800",
    "\udfff",
    "\x00",
]
texts = st.one_of(TYPED, st.sampled_from(BREAKERS), st.text(st.sampled_from("</script><!->'\"&\\\u2028\ud800")))
values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False), texts
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=8,
)


@pytest.mark.reference("8.5.7h")
def test_jinja_prints_markup_as_it_stands() -> None:
    """Under autoescape, markup is printed raw and the same text as a plain str is not."""
    jinja2 = pytest.importorskip("jinja2")
    template = jinja2.Environment(autoescape=True).from_string("{{ one }}{{ two }}")

    assert template.render(one=Markup("<b>"), two="<b>") == "<b>&lt;b&gt;"


@pytest.mark.reference("8.5.7g")
def test_django_prints_markup_as_it_stands() -> None:
    """Django calls str() on what is none before it looks for __html__; markup passes that."""
    template = pytest.importorskip("django.template")
    engine = template.Engine()

    assert engine.from_string("{{ one }}{{ two }}").render(template.Context({"one": Markup("<b>"), "two": "<b>"})) == (
        "<b>&lt;b&gt;"
    )


@pytest.mark.reference("8.5.7g")
def test_an_object_that_is_no_str_would_not_do_in_django() -> None:
    """Why markup is a str: of anything else Django escapes the text, and a page would show its own script."""
    template = pytest.importorskip("django.template")

    class Other:
        def __html__(self) -> str:
            return "<b>"

        __str__ = __html__

    assert template.Engine().from_string("{{ one }}").render(template.Context({"one": Other()})) == "&lt;b&gt;"


def test_markup_survives_what_frameworks_do_to_it() -> None:
    """It is a str, its own __html__, and empty markup is false."""
    markup = Markup("<b>")

    assert isinstance(markup, str)
    assert markup.__html__() is markup
    assert not Markup()


@pytest.mark.parametrize(
    "made", [Markup("<b>") + "<i>", "<i>" + Markup("<b>"), Markup("<b>").upper(), Markup("%s") % "<i>"]
)
def test_what_is_made_of_markup_is_plain_text(made: str) -> None:
    """Anything added to markup makes a plain str, which templates escape."""
    assert type(made) is str


def test_markup_shows_nothing_in_its_repr() -> None:
    """A page may hold digests, and a repr ends in logs."""
    assert repr(Markup("<b>Ada</b>")) == "<Markup of 10 characters>"


@given(values)
def test_json_in_a_script_reads_back(value: Any) -> None:
    """Whatever a page carries comes out of the script as it went in."""
    assert json.loads(script_json(value)) == value


@given(values)
def test_json_in_a_script_breaks_nothing(value: Any) -> None:
    """It is ASCII in one line, without a character that could end a script, an attribute or a comment."""
    text = script_json(value)

    assert text.isascii()
    assert text.isprintable()
    assert not set("<>&'") & set(text)


@pytest.mark.parametrize("text", BREAKERS)
@pytest.mark.reference("8.5.7a", "8.5.7b", "8.5.7e")
def test_what_breaks_scripts_is_escaped(text: str) -> None:
    """The usual ways out of a script, as value and as key."""
    assert not set("<>&'\u2028\u2029\ud800\udfff\x00") & set(script_json({text: [text]}))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("46.00"), "46.0"),
        (Decimal(0), "0.0"),
        (Decimal("1E+3"), "1000.0"),
        ({"a": (1, Decimal("0.1"))}, '{"a":[1,0.1]}'),
    ],
)
@pytest.mark.reference("8.5.7d")
def test_a_decimal_is_a_number(value: object, text: str) -> None:
    """Money is Decimal in Python and a number in the page."""
    assert script_json(value) == text


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1e400")]
)
@pytest.mark.reference("8.5.7c")
def test_what_is_no_number_is_refused(value: object) -> None:
    """NaN and infinity are no JSON, and what a page cannot count must not look like a number."""
    with raises(ValueError):
        script_json({"value": [value]})


@pytest.mark.parametrize("value", [object(), b"zzpii", {1, 2}])
def test_what_is_no_json_is_refused(value: object) -> None:
    """The message names the type, not the value."""
    with raises(TypeError, match="has no JSON form"):
        script_json(value)


class Lazy:
    """A nonce as Django hands it out: it becomes text when printed."""

    def __str__(self) -> str:
        return "bGF6eQ=="


@pytest.mark.parametrize("nonce", ["abc", "a+b/c==", "a-b_c", "0", Lazy()])
def test_a_nonce_is_printed(nonce: object) -> None:
    """Base64 and base64url pass as they are, lazy objects as what they print."""
    assert nonce_attribute(nonce) == f' nonce="{nonce}"'


def test_without_a_nonce_there_is_no_attribute() -> None:
    """No nonce, no attribute."""
    assert not nonce_attribute(None)


@pytest.mark.parametrize(
    "nonce", ["", 'a"b', "a b", "a'", "a>", "=", "a===", "a=b", "abc\n", "\u0430bc", "a\x00", "zzpii<"]
)
@pytest.mark.reference("8.5.7f")
def test_a_nonce_that_needs_escaping_is_refused(nonce: str) -> None:
    """It is rejected, not escaped, and not told."""
    with raises(ConfigurationError, match="nonce must be base64") as caught:
        render_pixel(**fields(RANDOM), nonce=nonce)

    assert not nonce or nonce not in str(caught.value)


def test_csp_sources_name_tiktoks_hosts() -> None:
    """Scripts, connections and images of TikTok's hosts, and the frames of its app."""
    sources = csp_sources(SCRIPT_URL)

    assert set(sources) == {"script-src", "connect-src", "img-src", "frame-src"}
    assert sources["script-src"] == sources["connect-src"] == sources["img-src"]
    assert "https://analytics.tiktok.com" in sources["script-src"]
    assert "https://analytics-ipv6.tiktokw.us" in sources["connect-src"]
    assert sources["frame-src"] == ("bytedance:", "sslocal:")


def test_csp_sources_follow_the_scripts_address() -> None:
    """A script from elsewhere, such as the local Events Manager, is allowed by its origin, beside TikTok's hosts."""
    sources = csp_sources("http://127.0.0.1:8765/i18n/pixel/events.js")

    assert sources["script-src"][0] == "http://127.0.0.1:8765"
    assert "https://analytics.tiktok.com" in sources["connect-src"]
    assert sources["frame-src"] == ("bytedance:", "sslocal:")


def test_csp_sources_can_be_overridden() -> None:
    """What is given replaces ours by directive, adds new ones, and empty leaves one out."""
    sources = csp_sources(SCRIPT_URL, {"img-src": ["https://a.example"], "frame-src": (), "font-src": ("'self'",)})

    assert sources["img-src"] == ("https://a.example",)
    assert sources["font-src"] == ("'self'",)
    assert "frame-src" not in sources


@pytest.mark.parametrize(
    "overrides",
    [
        {"img-src": ["a; script-src *"]},
        {"img-src": ["a b"]},
        {"img-src": [""]},
        {"img-src": "https://a.example"},
        {"a;": ["b"]},
        {"img-src": ["a,b"]},
        {"img-src": ["a\n"]},
    ],
)
def test_csp_overrides_cannot_break_the_header(overrides: dict[str, Any]) -> None:
    """A source is one word, and a directive a name."""
    with raises(ConfigurationError):
        csp_sources(SCRIPT_URL, overrides)


def test_a_data_block_is_no_code() -> None:
    """The data block has a type that browsers do not run, so it needs no nonce."""
    assert re.match(
        r'<script type="application/json" id="tiktok-events">\{"pixels":\["' + PIXEL, render_data(**fields(RANDOM))
    )
