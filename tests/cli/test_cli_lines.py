"""Tests of reading files: a malformed line never affects other lines."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiktok_events.cli.console import clean
from tiktok_events.cli.send.columns import Columns, parse_csv
from tiktok_events.cli.send.decoding import MAX_LINE_BYTES, read_lines
from tiktok_events.cli.send.event_from_line import Defaults, LineRefused, RepeatCounter, make_event
from tiktok_events.cli.send.line import FileUnreadable, Line
from tiktok_events.cli.send.lines import parse_jsonl


def read_csv(content, mapping=None, **options):
    """Return the records of a CSV file."""
    return list(parse_csv(read_lines(io.BytesIO(content)), mapping or {}, **options))


def read_jsonl(content):
    """Return the lines of a JSONL file."""
    return list(parse_jsonl(read_lines(io.BytesIO(content))))


def rules(lines):
    """Return the broken rules of each line."""
    return [[one.rule for one in line.problems] for line in lines]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_as_spreadsheets_write_it(delimiter, bom, end):
    """Three delimiters, with or without a byte order mark, and both line ends are read."""
    text = f"event{delimiter}Email{delimiter}value{end}Purchase{delimiter}zzpii@example.com{delimiter}9.5{end}{end}"
    (line,) = read_csv(bom + text.encode())

    assert line.number == 2
    assert line.fields == {"event": "Purchase", "user": {"email": "zzpii@example.com"}, "properties": {"value": "9.5"}}


def test_separator_hint_of_a_spreadsheet():
    """A first line such as sep=; gives the delimiter and is not the header."""
    (line,) = read_csv(b"sep=;\nevent;value\nPurchase;9.5\n")

    assert (line.number, line.fields) == (3, {"event": "Purchase", "properties": {"value": "9.5"}})


def test_record_over_several_lines_is_numbered_by_its_first():
    """A quoted cell may hold line breaks."""
    lines = read_csv(b'event,properties.description\nA,"one\ntwo\n"\nB,x\n')

    assert [(line.number, line.fields["properties"]["description"]) for line in lines] == [(2, "one\ntwo"), (5, "x")]
    assert lines[0].text == 'A,"one\ntwo\n"'


def test_unclosed_quote_spoils_one_line():
    """An unclosed quote spoils one line, even at the top of a long file with quoted cells further down."""
    lines = read_csv(b'event,description\n"A,x\n' + b'B,"y, z"\nC,z\n' * 400)

    assert rules(lines)[0] == ["csv-quotes"]
    assert not any(rules(lines)[1:])
    assert len(lines) == 801


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"a,b\n1,2\n", "match no field"),
        (b"event,emial\n", r"email\?"),
        (b"event,city\n", r"user.city\s+or\s+properties.city"),
        (b"email,user.email\n", "Several columns"),
        (b'"event\nx\n', "quote"),
        (b"ev\xe9nement\n", "UTF-8"),
        (b"\xff\xfee\x00v\x00", r"event\?"),
        (b"ev\xe9nement\n", "--encoding cp1252"),
    ],
)
def test_invalid_header_is_explained(header, message):
    """An error of the whole file is raised before the first record."""
    with pytest.raises(FileUnreadable, match=message):
        read_csv(header)


def test_columns_can_be_mapped_and_ignored():
    """Column names are mapped to fields, and other columns can be ignored."""
    (line,) = read_csv(b"Name,Total,x\n1001,9.5,zzpii\n", {"Name": "key", "Total": "value", "x": ""})

    assert line.fields == {"key": "1001", "properties": {"value": "9.5"}}
    assert read_csv(b"event,whatever,\nA,1,2\n", ignore_unknown=True)[0].fields == {"event": "A"}
    with pytest.raises(FileUnreadable, match="No column"):
        read_csv(b"event\nA\n", {"Name": "key"})


def test_cells_are_converted_by_field():
    """JSON cells, item columns, booleans and apostrophes before text are converted; an empty cell is an absent field."""
    header = "event,limited_data_use,properties.content_ids,email,phone,content_id,price,quantity,value"
    cells = """A,TRUE,"[""a"", ""b""]","[""x@example.com""]",'+15550100199,sku-1,9.5,2,"""
    (line,) = read_csv(f"{header}\n{cells}\n".encode())

    assert line.fields == {
        "event": "A",
        "limited_data_use": True,
        "user": {"email": ["x@example.com"], "phone": "+15550100199"},
        "properties": {
            "content_ids": ["a", "b"],
            "contents": [{"content_id": "sku-1", "price": "9.5", "quantity": "2"}],
        },
    }
    (line,) = read_csv(b"event,properties.contents,limited_data_use\nA,[{,maybe\n")
    assert {one.rule for one in line.problems} == {"cell-json", "cell-boolean"}


def test_too_long_line_is_refused():
    """A line longer than the limit is skipped without reading it into memory."""
    lines = read_jsonl(b'{"a":"' + b"x" * (3 * MAX_LINE_BYTES) + b'"}\n{"event":"A"}\n')

    assert rules(lines) == [["line-too-long"], []]
    assert len(lines[0].text) < 20_000


def test_line_of_another_encoding_is_refused_and_restorable():
    """A line that is not UTF-8 is refused, and its bytes can be restored from its text."""
    lines = read_jsonl('{"event":"é"}\n'.encode("latin-1") + b'{"event":"A"}\n')

    assert rules(lines) == [["line-not-utf8"], []]
    assert json.loads(json.dumps(lines[0].text)).encode("utf-8", "surrogateescape") == '{"event":"é"}'.encode("latin-1")


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_are_read_or_refused(pieces):
    """For any bytes, lines are numbered in order or `FileUnreadable` is raised, and no other exception."""
    content = b"\n".join(pieces)
    try:
        numbers = [line.number for line in read_jsonl(content)]
        assert numbers == sorted(set(numbers))
        numbers = [line.number for line in read_csv(b"event,value,email\n" + content)]
        assert numbers == sorted(set(numbers))
    except FileUnreadable:
        assert content.startswith((b"\xff\xfe", b"\xfe\xff"))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
_NAMES = st.sampled_from([
    "event",
    "event_time",
    "event_id",
    "key",
    "user",
    "page",
    "properties",
    "ad",
    "app",
    "lead",
    "extra",
    "data",
])


@given(st.dictionaries(_NAMES | st.text(max_size=9), _JSON, max_size=6))
def test_any_fields_are_an_event_or_refused(fields):
    """Any JSON object is an event or is refused with a rule."""
    problems = ()
    try:
        make_event(Line(1, "", fields), Defaults(), RepeatCounter())
    except LineRefused as refused:
        problems = refused.problems or ("nothing",)

    assert all(one.rule and one.field for one in problems)


@pytest.mark.parametrize(
    ("given_time", "seconds"),
    [
        (1_767_225_600, 1_767_225_600),
        (1_767_225_600.9, 1_767_225_600),
        ("1767225600", 1_767_225_600),
        ("1767225600.9", 1_767_225_600),
        ("2026-01-01T00:00:00Z", 1_767_225_600),
        ("2026-01-01 00:00:00 UTC", 1_767_225_600),
        ("2026-01-01 01:00:00 +0100", 1_767_225_600),
        ("2026-01-01T01:00:00.5+01:00", 1_767_225_600),
    ],
)
def test_times_as_exports_write_them(given_time, seconds):
    """Times may be Unix seconds or ISO 8601 with an offset."""
    event = make_event(Line(1, "", {"event": "A", "event_time": given_time}), Defaults(), RepeatCounter())

    assert event.event_time == seconds


@pytest.mark.parametrize(
    ("given_time", "rule"),
    [
        ("2026-01-01", "time-without-zone"),
        ("2026-01-01T00:00:00", "time-without-zone"),
        ("20260101", "time-malformed"),
        ("01.01.2026 10:00", "time-malformed"),
        ("yesterday", "time-malformed"),
        ("", "event-time-missing"),
        (None, "event-time-missing"),
        (True, "wrong-type"),
        ([1], "wrong-type"),
        (float("inf"), "time-malformed"),
    ],
)
def test_ambiguous_times_are_refused(given_time, rule):
    """A time is never guessed."""
    with pytest.raises(LineRefused) as refused:
        make_event(Line(1, "", {"event": "A", "event_time": given_time}), Defaults(), RepeatCounter())

    assert [one.rule for one in refused.value.problems] == [rule]


def test_ids_do_not_depend_on_other_lines():
    """Equal lines differ by their count only; a line keeps its id when other lines are added or removed."""
    a, b = ({"event": name, "event_time": 1_767_225_600} for name in "AB")
    ids = []
    for lines in ([a, a, b], [b, a, dict(reversed(a.items()))]):
        repeats = RepeatCounter()
        ids.append({(one["event"], make_event(Line(1, "", one), Defaults(), repeats).id_for("")) for one in lines})

    assert ids[0] == ids[1]
    assert len(ids[0]) == 3


def test_every_plain_column_is_one_field():
    """A short column name selects one field; a name that an event and an item share selects the event's field."""
    columns = Columns.of(["email", "Phone", "URL", "order_id", "content id", "content_type", "lead_id", "ttclid"], {})

    assert columns.paths == (
        *("user.email", "user.phone", "page.url", "properties.order_id"),
        *("properties.contents.content_id", "properties.content_type", "lead.lead_id", "user.ttclid"),
    )


@given(st.text())
def test_clean_text_has_no_control_characters(text):
    """Cleaned text has no control characters."""
    assert clean(text).isprintable()
