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
def test_jinja_does_not_escape_markup() -> None:
    """With autoescape, markup is not escaped; the same text as a plain str is."""
    jinja2 = pytest.importorskip("jinja2")
    template = jinja2.Environment(autoescape=True).from_string("{{ one }}{{ two }}")

    assert template.render(one=Markup("<b>"), two="<b>") == "<b>&lt;b&gt;"


@pytest.mark.reference("8.5.7g")
def test_django_does_not_escape_markup() -> None:
    """Django calls str() on other objects before it looks for __html__; markup is a str."""
    template = pytest.importorskip("django.template")
    engine = template.Engine()

    assert engine.from_string("{{ one }}{{ two }}").render(template.Context({"one": Markup("<b>"), "two": "<b>"})) == (
        "<b>&lt;b&gt;"
    )


@pytest.mark.reference("8.5.7g")
def test_django_escapes_objects_that_are_no_str() -> None:
    """The reason why markup is a str: of other objects Django escapes the text."""
    template = pytest.importorskip("django.template")

    class Other:
        def __html__(self) -> str:
            return "<b>"

        __str__ = __html__

    assert template.Engine().from_string("{{ one }}").render(template.Context({"one": Other()})) == "&lt;b&gt;"


def test_markup_is_a_str_with_html() -> None:
    """It is a str and its own __html__; empty markup is false."""
    markup = Markup("<b>")

    assert isinstance(markup, str)
    assert markup.__html__() is markup
    assert not Markup()


@pytest.mark.parametrize(
    "text", [Markup("<b>") + "<i>", "<i>" + Markup("<b>"), Markup("<b>").upper(), Markup("%s") % "<i>"]
)
def test_strings_made_of_markup_are_plain_text(text: str) -> None:
    """Adding to markup gives a plain str, which templates escape."""
    assert type(text) is str


def test_markup_shows_nothing_in_its_repr() -> None:
    """A page may hold digests, and reprs are logged."""
    assert repr(Markup("<b>Ada</b>")) == "<Markup of 10 characters>"


@given(values)
def test_json_in_a_script_reads_back(value: Any) -> None:
    """The JSON in a script has the same value as the data."""
    assert json.loads(script_json(value)) == value


@given(values)
def test_json_in_a_script_breaks_nothing(value: Any) -> None:
    """It is ASCII in one line, without a character that ends a script, an attribute or a comment."""
    text = script_json(value)

    assert text.isascii()
    assert text.isprintable()
    assert not set("<>&'") & set(text)


@pytest.mark.parametrize("text", BREAKERS)
@pytest.mark.reference("8.5.7a", "8.5.7b", "8.5.7e")
def test_what_breaks_scripts_is_escaped(text: str) -> None:
    """The usual breakouts, as value and as key."""
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
    """Money is a Decimal in Python and a number in the page."""
    assert script_json(value) == text


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), Decimal("1e400")]
)
@pytest.mark.reference("8.5.7c")
def test_nan_and_infinity_are_refused(value: object) -> None:
    """They are not JSON."""
    with raises(ValueError):
        script_json({"value": [value]})


@pytest.mark.parametrize("value", [object(), b"zzpii", {1, 2}])
def test_values_without_a_json_form_are_refused(value: object) -> None:
    """The message has the type, not the value."""
    with raises(TypeError, match="cannot be converted to JSON"):
        script_json(value)


class Lazy:
    """A lazy nonce as in Django: it becomes text when it is converted to str."""

    def __str__(self) -> str:
        return "bGF6eQ=="


@pytest.mark.parametrize("nonce", ["abc", "a+b/c==", "a-b_c", "0", Lazy()])
def test_a_nonce_is_rendered(nonce: object) -> None:
    """Base64 and base64url unchanged, lazy objects as their text."""
    assert nonce_attribute(nonce) == f' nonce="{nonce}"'


def test_without_a_nonce_there_is_no_attribute() -> None:
    """The attribute is empty."""
    assert not nonce_attribute(None)


@pytest.mark.parametrize(
    "nonce", ["", 'a"b', "a b", "a'", "a>", "=", "a===", "a=b", "abc\n", "\u0430bc", "a\x00", "zzpii<"]
)
@pytest.mark.reference("8.5.7f")
def test_a_nonce_that_needs_escaping_is_refused(nonce: str) -> None:
    """It is refused, not escaped, and not quoted in the error."""
    with raises(ConfigurationError, match="nonce must be base64") as caught:
        render_pixel(**fields(RANDOM), nonce=nonce)

    assert not nonce or nonce not in str(caught.value)


def test_csp_sources_name_tiktoks_hosts() -> None:
    """Hosts for scripts, connections and images, and the frames of TikTok's app."""
    sources = csp_sources(SCRIPT_URL)

    assert set(sources) == {"script-src", "connect-src", "img-src", "frame-src"}
    assert sources["script-src"] == sources["connect-src"] == sources["img-src"]
    assert "https://analytics.tiktok.com" in sources["script-src"]
    assert "https://analytics-ipv6.tiktokw.us" in sources["connect-src"]
    assert sources["frame-src"] == ("bytedance:", "sslocal:")


def test_csp_sources_include_the_scripts_origin() -> None:
    """The origin of another script URL, such as the local Events Manager's, comes first."""
    sources = csp_sources("http://127.0.0.1:8765/i18n/pixel/events.js")

    assert sources["script-src"][0] == "http://127.0.0.1:8765"
    assert "https://analytics.tiktok.com" in sources["connect-src"]
    assert sources["frame-src"] == ("bytedance:", "sslocal:")


def test_csp_sources_know_the_host_of_the_united_states() -> None:
    """It is allowed by default, and named once where the script is loaded from it."""
    host = "https://analytics.us.tiktok.com"

    for url in (SCRIPT_URL, f"{host}/i18n/pixel/events.js"):
        sources = csp_sources(url)
        assert [sources[name].count(host) for name in ("script-src", "connect-src", "img-src")] == [1, 1, 1]
    assert host in render_pixel(**fields(), script_url=f"{host}/i18n/pixel/events.js")


def test_csp_sources_can_be_overridden() -> None:
    """A given directive replaces the default or is added; an empty one removes it."""
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
    """A source is one word, and a directive is a name."""
    with raises(ConfigurationError):
        csp_sources(SCRIPT_URL, overrides)


def test_a_data_block_is_no_code() -> None:
    """Browsers do not run its type, so it needs no nonce."""
    assert re.match(
        r'<script type="application/json" id="tiktok-events">\{"pixels":\["' + PIXEL, render_data(**fields(RANDOM))
    )
