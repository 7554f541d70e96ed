"""Files as spreadsheets of several countries write them: encoding, decimal comma, dates, text that looks like numbers."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest

from tiktok_events.cli.send.columns import parse_csv
from tiktok_events.cli.send.decoding import read_lines

NOW = datetime.now(tz=UTC).replace(microsecond=0)
HEADER = ["event", "Bestellung", "Datum", "Betrag", "currency", "search_string"]
MAP = ["--map", "Bestellung=key", "--map", "Datum=event_time", "--map", "Betrag=value"]

# What a spreadsheet of the country writes: encoding, delimiter, the form of dates, an amount, and a word.
SHEETS = {
    "German": ("cp1252", ";", "%d.%m.%Y %H:%M", "1.046,50", "Türgriff"),
    "French": ("cp1252", ";", "%d/%m/%Y %H:%M", "1\u00a0046,50", "poignée"),
    "Polish": ("cp1250", ";", "%Y-%m-%d %H:%M", "1\u00a0046,50", "łącznik"),
    "Dutch": ("cp1252", ";", "%d-%m-%Y %H:%M", "1046,50", "één"),
    "Unicode text": ("utf-16", "\t", "%d.%m.%Y %H:%M", "1.046,50", "łącznik"),
    "UTF-16, big end first": ("utf-16-be", "\t", "%d.%m.%Y %H:%M", "1.046,50", "łącznik"),
    "Swiss": ("cp1252", ";", "%d.%m.%Y %H:%M", "1\u2019046,50", "Türgriff"),
}
BOM = {"utf-16-be": "\ufeff"}
ANSWERS = {
    "--encoding": lambda sheet: ["--encoding", sheet[0]],
    "--decimal-comma": lambda _: ["--decimal-comma"],
    "--date-format": lambda sheet: ["--date-format", sheet[2]],
    "--timezone": lambda _: ["--timezone", "UTC"],
}


@pytest.mark.parametrize("sheet", SHEETS.values(), ids=SHEETS)
def test_messages_lead_to_the_options(invoke, manager, tmp_path, sheet):
    """Whoever does what each message says gets the file through, whatever the country."""
    encoding, delimiter, date_format, amount, word = sheet
    rows = [HEADER, ["Purchase", "R-1001", NOW.strftime(date_format), amount, "EUR", word]]
    text = "".join(delimiter.join(row) + "\r\n" for row in rows)
    path = tmp_path / "export.csv"
    path.write_bytes((BOM.get(encoding, "") + text).encode(encoding))
    options = [path, "--to", "local", "--port", manager.url.rpartition(":")[2], *MAP]

    for _ in range(len(ANSWERS) + 1):
        result = invoke("send", *options)
        if result.exit_code == 0:
            break
        said = result.output + result.stderr
        named = [name for name in ANSWERS if name in said and name not in options]
        assert named, said
        options += [part for name in named for part in ANSWERS[name](sheet)]

    assert result.exit_code == 0, result.output
    (event,) = manager.events()
    assert event["value"] == 1046.5
    assert event["event_time"] == int(NOW.timestamp()) // 60 * 60


def cells(row: str, header: str = "event,key,value,num_items,phone,zip_code", **options: bool):
    """The fields of one row, and the rules that it breaks."""
    (line,) = parse_csv(read_lines(io.BytesIO(f"{header}\n{row}\n".encode())), {}, **options)
    return line.fields, [one.rule for one in line.problems]


NUMBERS = [
    ("46,10", "46.10"),
    ("1.046,10", "1046.10"),
    ("1.234.567,5", "1234567.5"),
    ("1 046,10", "1046.10"),
    ("1\u00a0046,10", "1046.10"),
    ("1\u202f046,10", "1046.10"),
    ("1'046,10", "1046.10"),
    ("-5,5", "-5.5"),
    ("+5,5", "+5.5"),
    ("5,", "5.0"),
    ("1.046", "1046.0"),
    ("46", "46.0"),
    ("0,5", "0.5"),
]


@pytest.mark.parametrize(("typed", "number"), NUMBERS)
def test_a_decimal_comma_is_read(typed, number):
    """With the option, points and blanks group digits."""
    fields, rules = cells(f'A,1,"{typed}",,,', decimal_comma=True)

    assert rules == []
    assert fields["properties"]["value"] == number


@pytest.mark.parametrize("typed", ["46.10", "1.04", "1.2345,6", "1,046.10", "EUR 5", "5 EUR", "1,2,3", ",5,"])
def test_other_numbers_stay_wrong_with_a_decimal_comma(typed):
    """46.10 is not 4610: what does not fit is left as it is, and refused as no number or read as it stands."""
    fields, _ = cells(f'A,1,"{typed}",,,', decimal_comma=True)

    assert fields["properties"]["value"] == typed


@pytest.mark.parametrize(
    ("typed", "rules"),
    [("46,10", ["cell-decimal-comma"]), ("46,1", ["cell-decimal-comma"]), ("1,046", []), ("1,046.10", [])],
)
def test_without_the_option_a_decimal_comma_is_named(typed, rules):
    """A comma before three digits may group thousands: that is refused as no number."""
    assert cells(f'A,1,"{typed}",,,')[1] == rules


@pytest.mark.parametrize(
    ("cell", "text"),
    [('"=""0123"""', "0123"), ('="0123"', "0123"), ("'0123", "0123"), ("0123", "0123"), ("' 0123", "0123")],
)
def test_text_that_looks_like_a_number(cell, text):
    """A formula that is only text, or an apostrophe, is the mark of a spreadsheet."""
    fields, rules = cells(f"A,{cell},{cell},{cell},{cell},{cell}")

    assert rules == []
    assert fields["key"] == text
    assert fields["user"] == {"phone": text, "zip_code": text}
    assert fields["properties"] == {"value": text, "num_items": text}


def test_an_apostrophe_of_a_name_stays():
    """'t Hooft and 's-Hertogenbosch begin with one."""
    fields, _ = cells(
        "A,1,1,1,,,'t Hooft,'s-Hertogenbosch", header="event,key,value,num_items,phone,zip_code,last_name,user.city"
    )

    assert fields["user"] == {"last_name": "'t Hooft", "city": "'s-Hertogenbosch"}


@pytest.mark.parametrize("encoding", ["cp1252", "cp1250", "latin-1", "utf-16", "utf-16-le", "utf-8-sig", "cp437"])
def test_an_encoding_is_read(encoding):
    """Each line has its number and its text."""
    content = "event,description\r\nA,été\r\nB,zażółć\r\n".encode(encoding, "replace")
    lines = list(parse_csv(read_lines(io.BytesIO(content), encoding), {}))

    assert [line.number for line in lines] == [2, 3]
    assert lines[0].fields["properties"]["description"] == "été".encode(encoding, "replace").decode(encoding)


def test_a_byte_that_an_encoding_does_not_have_spoils_its_line():
    """Nothing is guessed, and the other lines are read."""
    lines = list(parse_csv(read_lines(io.BytesIO(b"event,key\nA,\x81\nB,2\n"), "cp1252"), {}))

    assert [[one.rule for one in line.problems] for line in lines] == [["line-not-encoded"], []]


def test_long_lines_of_another_encoding_are_bounded():
    """As in UTF-8: the line is refused, the next one is read."""
    content = ("event,key\nA," + "x" * 300_000 + "\nB,2\n").encode("utf-16")
    lines = list(read_lines(io.BytesIO(content), max_bytes=1000))

    assert [[one.rule for one in line.problems] for line in lines] == [[], ["line-too-long"], []]
    assert lines[2].text == "B,2\n"
    assert max(len(line.text) for line in lines) <= 10_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--encoding", "klingon"], "encoding"),
        (["--encoding", "base64"], "encoding"),
        (["--date-format", "DD.MM.YYYY"], "day, month and year"),
        (["--date-format", "%H:%M"], "day, month and year"),
        (["--date-format", "%m.%Y"], "day, month and year"),
        (["--date-format", "%Q"], "day, month and year"),
        (["--decimal-comma"], "for CSV only"),
    ],
)
def test_wrong_options_are_explained(invoke, file, options, message):
    """Before anything is read."""
    result = invoke("send", file, "--dry-run", *options)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
